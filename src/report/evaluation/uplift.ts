import type { CurvePoint, UpliftMetrics } from "../../evaluate/uplift-metrics.js";
import { type FigureOptions, figure } from "../chart/figure.js";
import { gainChart } from "../chart/gain-chart.js";
import { count, DASH, decimal, percent } from "../format.js";
import { pageHtml } from "../page.js";
import { nothingToShow, type Section } from "../section/section.js";
import { table } from "../table.js";
import { evaluationSummary } from "./summary.js";

const shown = (x: number | undefined) => (x === undefined ? DASH : decimal(x));

/** The page of an evaluation of uplift scores. */
export async function upliftPage(metrics: UpliftMetrics, confidence: number): Promise<string> {
  const { numUsers, numTreated, effect, scikitUplift, causalml, aucc } = metrics;
  return pageHtml({
    title: "Uplift evaluation · couponcast",
    summary: evaluationSummary(
      "Uplift evaluation",
      `On average the treatment moved the outcome by ${decimal(effect.value)} a user (${percent(confidence)} interval ${decimal(effect.low)} to ${decimal(effect.high)}), measured on ${count(numTreated)} treated and ${count(numUsers - numTreated)} control users.`,
      [
        {
          term: "Qini (scikit-uplift)",
          value: shown(scikitUplift?.qini),
          note: `${shown(scikitUplift?.qiniWithoutNegativeEffects)} against a best order without negative effects`,
        },
        { term: "AUUC (scikit-uplift)", value: shown(scikitUplift?.auuc), note: "1 is the best order, 0 a random one" },
        { term: "Qini (causalml)", value: shown(causalml.qini), note: "mean height above the random line" },
        { term: "AUUC (causalml)", value: shown(causalml.auuc), note: "mean height; 0.5 is a random order" },
        { term: "AUCC", value: shown(aucc), note: "area under the cost curve; 0.5 is a random order" },
      ],
    ),
    sections: [
      await gainSection(metrics),
      ...(metrics.costCurve === undefined ? [] : [await costSection(metrics.costCurve)]),
    ],
    numSegments: 0,
  });
}

async function gainSection({ curve }: UpliftMetrics): Promise<Section> {
  return {
    id: "gain",
    short: "Gain",
    title: "What the order gains",
    body:
      curve.length < 2
        ? nothingToShow("There are too few users for a curve.")
        : await curveFigure(
            {
              key: "uplift-gain",
              title: "Incremental outcome",
              caption:
                "What treating the best-scored users brings, as more of them are treated; dashed, a random order.",
            },
            curve,
            ["Share of users treated", "Incremental outcome"],
          ),
  };
}

async function costSection(points: readonly CurvePoint[]): Promise<Section> {
  return {
    id: "cost",
    short: "Cost",
    title: "What the money buys",
    body: await curveFigure(
      {
        key: "uplift-cost",
        title: "Cost curve",
        caption: "Share of the incremental outcome for a share of the incremental cost; dashed, a random order.",
      },
      points,
      ["Share of incremental cost", "Share of incremental outcome"],
    ),
  };
}

function curveFigure(
  text: Pick<FigureOptions, "key" | "title" | "caption">,
  points: readonly CurvePoint[],
  [xName, yName]: readonly [string, string],
) {
  return figure({
    ...text,
    ...gainChart(points, xName, yName, decimal),
    table: table(
      text.title,
      [
        { head: xName, numeric: true, cell: (point) => percent(point.share) },
        { head: yName, numeric: true, cell: (point) => decimal(point.gain) },
      ],
      points,
    ),
  });
}
