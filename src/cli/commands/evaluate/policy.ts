import type { Command } from "commander";
import type { Estimate, Interval } from "../../../evaluate/interval.js";
import type { OffPolicyValue } from "../../../evaluate/off-policy.js";
import { percent } from "../../../report/format.js";
import { addCommand, addCommonOptions, type CommonOptions, setAction } from "../../command.js";
import { decimal } from "../../option-values.js";
import { readColumns } from "../../read-columns.js";
import { brief, counted, labelled, table } from "../../text-layout.js";
import { addReport, writeReport } from "./report-option.js";

interface PolicyOptions extends CommonOptions {
  reward: string;
  propensity: string;
  target: string;
  prediction?: string;
  targetPrediction?: string;
  clip?: number;
  confidence: number;
  report?: string;
}

export function addEvaluatePolicy(group: Command): void {
  const command = addCommand(group, {
    name: "policy",
    summary: "value of a policy from the log of another (IPS, SNIPS, DR)",
    description: `Estimates what a policy would have earned a row, from a log of what another policy did: rewards, the propensity with
which each logged action was chosen, and the probability with which the policy to be evaluated chooses it. With a model's
predictions also doubly robust. A row without its propensity is an error: nothing can be estimated then.

LOG is CSV, JSONL or Parquet, one row a logged decision.`,
    examples: [
      [
        "a uniform policy over 34 actions",
        "evaluate policy log.csv --reward click --propensity propensity_score --target 0.0294",
      ],
      [
        "doubly robust, weights cut at 20",
        "evaluate policy log.parquet --target p_new --prediction q --target-prediction q_new --clip 20",
      ],
    ],
  })
    .argument("<log>", "one row a decision")
    .option("--reward <column>", "what the action earned", "reward")
    .option("--propensity <column>", "probability of the logged action under the policy that logged", "propensity")
    .option(
      "--target <column>",
      "the same under the policy to be evaluated; or a number for all rows",
      "target_propensity",
    )
    .option("--prediction <column>", "a model's reward of the logged action")
    .option("--target-prediction <column>", "the model's mean reward of what the policy to be evaluated chooses")
    .option("--clip <weight>", "cut weights above this (default: none are)", decimal(0, 1e300, true))
    .option("--confidence <share>", "of the intervals", decimal(0.5, 0.9999), 0.95);
  addReport(command);
  addCommonOptions(command);
  setAction<PolicyOptions>(command, async (session, [path], options) => {
    const { clip, confidence, prediction, targetPrediction } = options;
    const constant = /^[\d.]+$/.test(options.target) ? decimal(0, 1)(options.target) : undefined;
    const { numRows, columns } = await readColumns(session, path!, {
      rewards: { column: options.reward, option: "--reward" },
      propensities: { column: options.propensity, option: "--propensity" },
      targetPropensities:
        constant === undefined ? { column: options.target, option: "--target", min: 0, max: 1 } : undefined,
      predictions: prediction === undefined ? undefined : { column: prediction, option: "--prediction" },
      targetPredictions:
        targetPrediction === undefined ? undefined : { column: targetPrediction, option: "--target-prediction" },
    });
    const { evaluatePolicy } = await import("../../../evaluate/off-policy.js");
    const value = await evaluatePolicy(
      {
        rewards: columns.rewards!,
        propensities: columns.propensities!,
        targetPropensities: columns.targetPropensities ?? new Float64Array(numRows).fill(constant!),
        predictions: columns.predictions,
        targetPredictions: columns.targetPredictions,
      },
      { clip, confidence },
    );
    const out = await writeReport(session, options.report, path!, async () => {
      const { policyPage } = await import("../../../report/evaluation/policy.js");
      return policyPage(value, confidence);
    });
    return {
      json: { ...value, report: out?.path ?? null },
      lines: [...policyLines(value, confidence), ...(out?.lines ?? [])],
    };
  });
}

const range = ({ low, high }: Interval) => `${brief(low)} to ${brief(high)}`;

function policyLines(value: OffPolicyValue, confidence: number): string[] {
  const rows: [string, Estimate | undefined][] = [
    ["the log itself", value.logged],
    ["IPS", value.ips],
    ["SNIPS", value.snips],
    ["doubly robust", value.dr],
  ];
  const lines = [
    counted(value.numRows, "logged decision"),
    "",
    ...table(
      ["value a decision", "estimate", "standard error", `${percent(confidence)} interval`],
      rows.flatMap(([name, estimate]) =>
        estimate === undefined ? [] : [[name, brief(estimate.value), brief(estimate.error), range(estimate)]],
      ),
    ),
    "",
    ...labelled([
      ["effective sample size", brief(value.effectiveSampleSize)],
      ["mean weight", `${brief(value.meanWeight)} (1 when the log could hold all that the policy does)`],
      ["largest weight", brief(value.largestWeight)],
      ["weights cut", String(value.numClipped)],
    ]),
  ];
  if (value.effectiveSampleSize < 100 || value.effectiveSampleSize < value.numRows / 100)
    lines.push("", "warning: few rows carry most of the weight; the intervals are too narrow then");
  return lines;
}
