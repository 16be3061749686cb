import { figure } from "../chart/figure.js";
import { scatterChart } from "../chart/scatter-chart.js";
import { count, decimal, percent } from "../format.js";
import type { Html } from "../html.js";
import type { ScoreSample } from "../report-data.js";
import { type Column, table } from "../table.js";
import { truncateMiddle } from "../text.js";
import type { View } from "../view.js";
import { nothingToShow, paragraph, type Section, segmentHtml } from "./section.js";
import { segmentLegend } from "./segment-legend.js";

export async function scoresSection(view: View): Promise<Section> {
  const given = view.data.scores;
  const sample = given && {
    ...given,
    xLabel: truncateMiddle(given.xLabel, 40),
    yLabel: truncateMiddle(given.yLabel, 40),
  };
  return {
    id: "scores",
    short: "Scores",
    title: "How the recommendations score",
    body:
      sample === null || sample.points.length === 0
        ? nothingToShow("No coupon was scored for any shopper, so there are no scores to show.")
        : [
            paragraph(
              sample.points.length < sample.numPopulation
                ? `Each point is one shopper and one coupon: ${count(sample.points.length)} drawn evenly from ${count(sample.numPopulation)} scored pairs.`
                : `Each point is one shopper and one coupon: all ${count(sample.points.length)} scored pairs.`,
            ),
            await figure({
              key: "score-scatter",
              title: `${sample.yLabel} against ${sample.xLabel}`,
              caption: `Colour is the shopper's segment, from the viridis scale in the order of the segments. Pairs further to the top right are the more promising ones.`,
              ...scatterChart(sample),
              legend: segmentLegend(view.segmentNames, sample.points),
              table: summaryTable(view, sample),
            }),
          ],
  };
}

interface Row {
  segment: number;
  x: number[];
  y: number[];
}

/** The points' distribution by segment: the points themselves would be thousands of rows. */
function summaryTable(view: View, { points, xLabel, yLabel, xFormat, yFormat }: ScoreSample): Html {
  const rows = new Map<number, Row>();
  for (const { x, y, segment } of points) {
    const key = view.segmentNames[segment] === undefined ? -1 : segment;
    const row = rows.get(key) ?? { segment: key, x: [], y: [] };
    rows.set(key, row);
    row.x.push(x);
    row.y.push(y);
  }
  const sorted = [...rows.values()].sort((a, b) => a.segment - b.segment);
  const quantile = (label: string, pick: (r: Row) => number[], q: number, kind: string | undefined): Column<Row> => ({
    head: label,
    numeric: true,
    cell: (r) => (kind === "percent" ? percent : decimal)(quantileOf(pick(r), q)),
  });
  const columns: Column<Row>[] = [
    { head: "Segment", cell: (r) => segmentHtml(r.segment, view.segmentNames), className: "wide-cell" },
    { head: "Points", numeric: true, cell: (r) => count(r.x.length) },
    quantile(`Median ${xLabel}`, (r) => r.x, 0.5, xFormat),
    quantile("Top tenth from", (r) => r.x, 0.9, xFormat),
    quantile(`Median ${yLabel}`, (r) => r.y, 0.5, yFormat),
    quantile("Top tenth from", (r) => r.y, 0.9, yFormat),
  ];
  return table("The sampled scores by segment", columns, sorted);
}

/** The smallest value that at least a share q of the values do not exceed. */
function quantileOf(values: readonly number[], q: number): number | null {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
}
