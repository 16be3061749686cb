import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { CouponcastError } from "../../errors.js";
import { ITEMSET_KINDS, MINING_ALGORITHMS, RULE_METRICS } from "../../mining/names.js";
import { count, percent } from "../../report/format.js";
import { addCommand, addCommonOptions, type CommonOptions, setAction } from "../command.js";
import type { MineOptions, MineResult, NamedRule } from "../mine-baskets.js";
import { decimal, integer, list } from "../option-values.js";
import { counted, table } from "../text-layout.js";
import { TABLE_ENDINGS, withOutputs } from "../with-outputs.js";

interface Options extends CommonOptions, Omit<MineOptions, "longBaskets"> {
  itemsets?: string;
  rules?: string;
  leaveOutLong?: boolean;
}

const DEFAULT_SUPPORT = 0.01;
const MAX_COUNT = 2 ** 31 - 1;

export function addMine(program: Command): void {
  const command = addCommand(program, {
    name: "mine",
    summary: "what is bought together: itemsets and rules",
    description: `Finds all sets of items that at least a share of the baskets hold, and the rules between them: who has these also
has those. The same sets from every algorithm, the same files with any number of threads. Lists of items are lists in
Parquet and JSONL, JSON in CSV.

BASKETS is a file that \`couponcast ingest --baskets\` makes, or a matrix, whose users are the baskets.`,
    examples: [
      [
        "baskets by order, then rules that hold for one order in 200",
        "mine baskets.safetensors --min-support 0.5% --min-confidence 30% --min-lift 1.2 --rules rules.parquet",
      ],
      ["sets that no larger one makes superfluous", "mine baskets.safetensors --kind closed --itemsets sets.parquet"],
      ["what goes with two items", "mine matrix.safetensors --min-count 20 --bought-with item7,item9"],
    ],
  })
    .argument("<baskets>", "baskets or matrix, .safetensors")
    .option("--min-support <share>", "of the baskets: 0.005 or 0.5% (default: 1%)", share)
    .addOption(
      new Option("--min-count <baskets>", "baskets instead of a share")
        .argParser(integer(1, MAX_COUNT))
        .conflicts("minSupport"),
    )
    .option("--itemsets <file>", "write the sets: .csv, .parquet or .jsonl")
    .addOption(
      new Option(
        "--kind <kind>",
        "of --itemsets; closed: no larger set is in as many baskets; maximal: no larger set is frequent",
      )
        .choices(ITEMSET_KINDS)
        .default("all"),
    )
    .option("--rules <file>", "write the rules: likewise")
    .option("--min-confidence <share>", "share of those with the antecedent who have the consequent", share, 0.5)
    .option("--min-lift <number>", "more than 1: together more often than by chance", decimal(0))
    .option("--min-leverage <number>", "-1 to 1", decimal(-1, 1))
    .option("--min-conviction <number>", "at least 0", decimal(0))
    .option("--min-zhang <number>", "-1 to 1", decimal(-1, 1))
    .option("--antecedent <ids>", "only rules whose antecedent holds these items, with commas between them", list)
    .option("--consequent <ids>", "likewise of the consequent", list)
    .option("--max-consequent-length <items>", "items in a consequent", integer(1, MAX_COUNT))
    .addOption(new Option("--sort-by <metric>", "best rules first").choices(RULE_METRICS).default("confidence"))
    .option("--top <rules>", "only the best", integer(1, MAX_COUNT))
    .option("--bought-with <ids>", "print what else goes with these items", list)
    .option("--max-length <items>", "items in a set", integer(1, MAX_COUNT))
    .addOption(new Option("--algorithm <name>", "how to find them").choices(MINING_ALGORITHMS).default("auto"))
    .option("--max-basket-items <items>", "longer baskets are refused", integer(1, MAX_COUNT), 1000)
    .option("--leave-out-long", "leave longer baskets out instead")
    .option("--max-itemsets <sets>", "more are refused", integer(1, MAX_COUNT), 10_000_000)
    .option("--max-rules <rules>", "more are refused", integer(1, MAX_COUNT), 10_000_000);
  addCommonOptions(command);
  setAction<Options>(command, async (session, [path], options) => {
    const { mineBaskets } = await import("../mine-baskets.js");
    const { leaveOutLong, ...rest } = options;
    const given: MineOptions = {
      ...rest,
      longBaskets: leaveOutLong ? "leave-out" : "refuse",
      ...(options.minCount === undefined && { minSupport: options.minSupport ?? DEFAULT_SUPPORT }),
    };
    const wanted = [options.itemsets, options.rules].map((file) =>
      file === undefined ? undefined : { path: file, endings: TABLE_ENDINGS },
    ) as [
      { path: string; endings: typeof TABLE_ENDINGS } | undefined,
      { path: string; endings: typeof TABLE_ENDINGS } | undefined,
    ];
    const result = await withOutputs(session, wanted, [resolve(path!)], (itemsets, rules) =>
      mineBaskets(session, path!, given, itemsets, rules),
    ).catch((thrown) => {
      throw thrown instanceof CouponcastError ? inOptions(thrown) : thrown;
    });
    const written = [options.itemsets, options.rules].filter((file) => file !== undefined);
    return { json: { ...result, itemsets: options.itemsets, rules: options.rules }, lines: summary(result, written) };
  });
}

const OPTIONS = {
  'longBaskets: "leave-out"': "--leave-out-long",
  maxBasketItems: "--max-basket-items",
  maxConsequentLength: "--max-consequent-length",
  maxItemsets: "--max-itemsets",
  maxLength: "--max-length",
  maxRules: "--max-rules",
  minConfidence: "--min-confidence",
  minLift: "--min-lift",
  minSupport: "--min-support",
};

/** Names of the library's options become those of the command. */
function inOptions(error: CouponcastError): CouponcastError {
  const words = (text: string) =>
    Object.entries(OPTIONS).reduce((said, [name, option]) => said.replaceAll(name, option), text);
  const { code, message, hint, file, field } = error;
  return new CouponcastError(code, words(message), {
    cause: error,
    hint: hint && words(hint),
    file,
    field: field && words(field),
  });
}

/** `0.5%` or `0.005`. */
function share(text: string): number {
  const isPercent = text.trim().endsWith("%");
  const value = decimal(0, isPercent ? 100 : 1)(isPercent ? text.trim().slice(0, -1).trim() : text);
  if (value === 0 && text.trim().startsWith("-")) throw new InvalidArgumentError("Expected a share of at least 0.");
  return isPercent ? value / 100 : value;
}

function ruleRows(rules: readonly NamedRule[]): string[] {
  const names = (ids: readonly string[]) => ids.join(", ").slice(0, 60);
  return table(
    ["antecedent", "consequent", "baskets", "support", "confidence", "lift"],
    rules.map(({ antecedent, consequent, ...rule }) => [
      names(antecedent),
      names(consequent),
      count(rule.count),
      percent(rule.support),
      percent(rule.confidence),
      rule.lift.toFixed(2),
    ]),
  );
}

function summary(result: MineResult, written: readonly string[]): string[] {
  const { numBaskets, numItems, minCount, numTooLong, numItemsets, lengths, numRules, bestRules, suggestions } = result;
  const byLength = lengths.map((n, i) => `${count(n)} of ${i + 1}`).join(", ");
  return [
    `${counted(numBaskets, "basket")}, ${counted(numItems, "item")}; ${counted(numItemsets, "itemset")} in at least ${counted(minCount, "basket")}${byLength === "" ? "" : `: ${byLength}`}`,
    ...(numTooLong > 0 ? [`${counted(numTooLong, "basket")} left out for their length`] : []),
    `${counted(numRules, "rule")}${numRules > bestRules.length ? `, of which the best ${bestRules.length}` : ""}`,
    ...(bestRules.length > 0 ? ["", ...ruleRows(bestRules)] : []),
    ...(suggestions === undefined
      ? []
      : [
          "",
          "bought with these",
          ...(suggestions.length > 0 ? ruleRows(suggestions.map(({ rule }) => rule)) : ["  no rule applies"]),
        ]),
    ...(written.length > 0 ? ["", ...written] : []),
  ];
}
