import type { Command } from "commander";
import type { UpliftMetrics } from "../../../evaluate/uplift-metrics.js";
import { count, percent } from "../../../report/format.js";
import { addCommand, addCommonOptions, type CommonOptions, setAction } from "../../command.js";
import { decimal } from "../../option-values.js";
import { readColumns } from "../../read-columns.js";
import { brief, labelled } from "../../text-layout.js";
import { addReport, writeReport } from "./report-option.js";

interface UpliftCommandOptions extends CommonOptions {
  score: string;
  treated: string;
  outcome: string;
  cost?: string;
  confidence: number;
  report?: string;
}

export function addEvaluateUplift(group: Command): void {
  const command = addCommand(group, {
    name: "uplift",
    summary: "how well a score finds users whom a treatment moves (Qini, AUUC, AUCC)",
    description: `Measures an order of users by predicted uplift on the users of a randomised test. Conventions conflict, so both are
printed by name: scikit-uplift's (areas against the best order) and causalml's (mean heights). With costs also the area
under the cost curve (AUCC, 0.5 is random).

TABLE is CSV, JSONL or Parquet, one row a user.`,
    examples: [
      ["a model's scores", "evaluate uplift test.csv --score uplift --treated treated --outcome converted"],
      [
        "by money, with its costs, and a page",
        "evaluate uplift test.parquet --outcome margin --cost discount --report uplift.html",
      ],
    ],
  })
    .argument("<table>", "users of a randomised test")
    .option("--score <column>", "larger is treated first", "score")
    .option("--treated <column>", "1 treated, 0 control", "treated")
    .option("--outcome <column>", "0 or 1, or an amount", "outcome")
    .option("--cost <column>", "what the user cost")
    .option("--confidence <share>", "of the interval", decimal(0.5, 0.9999), 0.95);
  addReport(command);
  addCommonOptions(command);
  setAction<UpliftCommandOptions>(command, async (session, [path], options) => {
    const { columns } = await readColumns(session, path!, {
      scores: { column: options.score, option: "--score" },
      treated: { column: options.treated, option: "--treated", min: 0, max: 1, whole: true },
      outcomes: { column: options.outcome, option: "--outcome" },
      costs: options.cost === undefined ? undefined : { column: options.cost, option: "--cost" },
    });
    const { upliftMetrics } = await import("../../../evaluate/uplift-metrics.js");
    const { scores, treated, outcomes, costs } = columns;
    const metrics = await upliftMetrics(
      { scores: scores!, treated: treated!, outcomes: outcomes!, costs },
      { ...session.run(), confidence: options.confidence },
    );
    const out = await writeReport(session, options.report, path!, async () => {
      const { upliftPage } = await import("../../../report/evaluation/uplift.js");
      return upliftPage(metrics, options.confidence);
    });
    return {
      json: { ...metrics, report: out?.path ?? null },
      lines: [...upliftLines(metrics, options.confidence), ...(out?.lines ?? [])],
    };
  });
}

const shown = (x: number | undefined) => (x === undefined ? "–" : brief(x));

function upliftLines(metrics: UpliftMetrics, confidence: number): string[] {
  const { numUsers, numTreated, effect, scikitUplift, causalml, aucc } = metrics;
  return [
    `${count(numTreated)} treated and ${count(numUsers - numTreated)} control users; effect ${brief(effect.value)} (${percent(confidence)}: ${brief(effect.low)} to ${brief(effect.high)})`,
    "",
    ...labelled([
      ["Qini, scikit-uplift", shown(scikitUplift?.qini)],
      ["the same, no negative effects", shown(scikitUplift?.qiniWithoutNegativeEffects)],
      ["AUUC, scikit-uplift", shown(scikitUplift?.auuc)],
      ["Qini, causalml", shown(causalml.qini)],
      ["AUUC, causalml", shown(causalml.auuc)],
      ["AUCC", shown(aucc)],
    ]),
    ...(scikitUplift === undefined ? ["", "scikit-uplift's need outcomes of 0 and 1, and some of each"] : []),
  ];
}
