import { type Command, InvalidArgumentError, Option } from "commander";
import { SCORING_METHODS } from "../../campaign/method-names.js";
import { type CampaignComparison, SPLITS, type Split } from "../../evaluate/compare.js";
import { count, percent } from "../../report/format.js";
import type { Comparable } from "../../run/compare-campaign.js";
import { addCommand, addCommonOptions, type CommonOptions, setAction } from "../command.js";
import { decimal, integer, list } from "../option-values.js";
import { counted, duration, table } from "../text-layout.js";
import { addReport, writeReport } from "./evaluate/report-option.js";

interface CompareOptions extends CommonOptions {
  methods?: Comparable[];
  split: Split;
  heldOutDays: number;
  n: number;
  repeats?: boolean;
  report?: string;
}

const NAMES: readonly string[] = ["popular", ...SCORING_METHODS];

function methodNames(text: string): Comparable[] {
  const names = list(text);
  const unknown = names.find((name) => !NAMES.includes(name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`Expected some of ${NAMES.join(", ")}, not ${JSON.stringify(unknown)}.`);
  return names as Comparable[];
}

export function addCompare(program: Command): void {
  const command = addCommand(program, {
    name: "compare",
    summary: "which scoring method suits a campaign's data best",
    description: `Splits the events of a campaign by time, fits the methods to the earlier part, and holds the items that they recommend
against what users then bought for the first time. Weights of a blend are chosen on the last days of the earlier part. Each
method has the settings that the campaign gives under scoring; "popular" is what everybody likes. With --split last-out each
user's last new item is held out instead, whenever and however he came to it; a blend needs weights of its own then.`,
    examples: [
      ["all methods, the last 4 weeks held out", "compare campaign.yaml"],
      ["two of them, on the last 90 days", "compare campaign.yaml --methods item-knn,blend --held-out-days 90"],
      ["each user's last new item held out", "compare campaign.yaml --split last-out"],
      ["a page with a chart", "compare campaign.yaml --report methods.html"],
      ["for a script", "compare campaign.yaml --json | jq .methods[0].name"],
    ],
  })
    .argument("<campaign>", "campaign file, YAML or JSON")
    .option("--methods <names>", `some of ${NAMES.join(", ")} (default: all that there is data for)`, methodNames)
    .addOption(new Option("--split <how>", "what is held out").choices(SPLITS).default("time"))
    .option(
      "--held-out-days <days>",
      "days at the end that quality is measured on, by time",
      decimal(0, 36_525, true),
      28,
    )
    .option("-n, --n <count>", "places of each list", integer(1, 100_000), 20)
    .option("--repeats", "count items that a user has dealt with before, too");
  addReport(command);
  addCommonOptions(command);
  setAction<CompareOptions>(command, async (session, [path], { methods, split, heldOutDays, n, repeats, report }) => {
    const { compareCampaign } = await import("../../run/compare-campaign.js");
    const found = await compareCampaign(path!, { ...session.run(), methods, split, heldOutDays, n, repeats });
    const page = await writeReport(session, report, path!, async () => {
      const { methodsPage } = await import("../../report/evaluation/methods.js");
      return methodsPage(found);
    });
    return { json: { ...found, report: page?.path ?? null }, lines: [...linesOf(found), ...(page?.lines ?? [])] };
  });
}

function linesOf({ cut, n, numUsers, numRelevant, numUnknown, methods, blend }: CampaignComparison): string[] {
  const rows = methods.map(({ name, quality, seconds }) => [
    name,
    `${quality.ndcg.toFixed(4)} ± ${(1.96 * quality.standardErrors.ndcg).toFixed(4)}`,
    quality.recall.toFixed(4),
    quality.map.toFixed(4),
    percent(quality.hitRate),
    percent(quality.coverage),
    quality.novelty.toFixed(1),
    duration(seconds),
  ]);
  const header = ["method", `NDCG@${n}`, "recall", "MAP", "users hit", "items shown", "novelty", "time"];
  const weights = blend?.map(({ method, weight }) => `${method}=${weight}`).join(",");
  const by = blend?.some(({ curve }) => curve !== undefined) ? "score" : "rank";
  return [
    cut === undefined
      ? `${counted(numRelevant, "item")}: the last new ones of ${counted(numUsers, "user")}`
      : `${counted(numRelevant, "item")} that ${counted(numUsers, "user")} dealt with first after ${cut}`,
    ...(numUnknown > 0 ? [`  ${count(numUnknown)} more of users or items that history does not know`] : []),
    "",
    ...table(header, rows),
    ...(weights === undefined ? [] : ["", `blend by ${by}: ${weights}`]),
  ];
}
