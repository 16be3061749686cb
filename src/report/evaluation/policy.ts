import type { Estimate } from "../../evaluate/interval.js";
import type { OffPolicyValue } from "../../evaluate/off-policy.js";
import { figure } from "../chart/figure.js";
import { intervalChart } from "../chart/interval-chart.js";
import { count, decimal, percent } from "../format.js";
import { pageHtml } from "../page.js";
import { paragraph } from "../section/section.js";
import { table } from "../table.js";
import { evaluationSummary } from "./summary.js";

/** The page of an off-policy evaluation. */
export async function policyPage(value: OffPolicyValue, confidence: number): Promise<string> {
  const rows = (
    [
      ["the log itself", value.logged],
      ["IPS", value.ips],
      ["SNIPS", value.snips],
      ["doubly robust", value.dr],
    ] as [string, Estimate | undefined][]
  ).flatMap(([name, estimate]) => (estimate === undefined ? [] : [{ name, ...estimate }]));
  const best = value.dr ?? value.snips ?? value.ips;
  const chart = await figure({
    key: "policy-values",
    title: "Value a decision",
    caption: `Estimates with their ${percent(confidence)} intervals; the dashed line is what the logged policy earned.`,
    ...intervalChart(rows, "mean reward", decimal, value.logged.value),
    table: table(
      "Estimates",
      [
        { head: "Estimator", cell: (row) => row.name },
        { head: "Estimate", numeric: true, cell: (row) => decimal(row.value) },
        { head: "Standard error", numeric: true, cell: (row) => decimal(row.error) },
        { head: "From", numeric: true, cell: (row) => decimal(row.low) },
        { head: "To", numeric: true, cell: (row) => decimal(row.high) },
      ],
      rows,
    ),
  });
  return pageHtml({
    title: "Off-policy evaluation · couponcast",
    summary: evaluationSummary(
      "Off-policy evaluation",
      `The policy would have earned ${decimal(best.value)} a decision (${percent(confidence)} interval ${decimal(best.low)} to ${decimal(best.high)}); the policy that logged earned ${decimal(value.logged.value)}.`,
      [
        { term: "Decisions", value: count(value.numRows), note: "in the log" },
        {
          term: "Effective sample size",
          value: count(value.effectiveSampleSize),
          note: "decisions of the policy that the log is worth",
        },
        {
          term: "Mean weight",
          value: decimal(value.meanWeight),
          note: "1 when the log could hold all that the policy does",
        },
        {
          term: "Weights cut",
          value: count(value.numClipped),
          note: `largest weight used ${decimal(value.largestWeight)}`,
        },
      ],
    ),
    sections: [
      {
        id: "values",
        short: "Values",
        title: "What the policy is worth",
        body: [
          chart,
          paragraph(
            "IPS weighs each reward by how much more often the policy would have chosen the action; SNIPS divides by the mean weight, which steadies it; the doubly robust estimate corrects a model's prediction by weighted errors. Actions that the log never holds are in none of them.",
          ),
        ],
      },
    ],
    numSegments: 0,
  });
}
