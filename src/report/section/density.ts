import { figure, legendOf } from "../chart/figure.js";
import { kDistanceChart } from "../chart/k-distance-chart.js";
import { ACCENT, VALUE } from "../chart/theme.js";
import { count, percent, share } from "../format.js";
import { type Html, html } from "../html.js";
import type { SegmentDensity } from "../segment-data.js";
import { type Column, table } from "../table.js";
import { paragraph } from "./section.js";

const TABLE_ROWS = 20;

const distance = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** How segments that are dense places came about: the k-distance curve, and who is in none. */
export async function densityHtml(density: SegmentDensity | undefined): Promise<Html | null> {
  if (density === undefined) return null;
  const { metric, eps, minSamples, numNoise, numActive, curve } = density;
  if (metric === "cosine")
    return html`${paragraph(
      `Segments are crowds: shoppers with at least ${count(minSamples)} shoppers, themselves included, whose items are alike to a cosine of at least ${distance.format(1 - eps)}. ${count(numNoise)} of ${count(numActive)} shoppers with data (${percent(share(numNoise, numActive))}) are like too few others to be in one.`,
    )}`;
  if (curve.length === 0) return null;
  const chart = await figure({
    key: "k-distance",
    title: "Where the dense places end",
    caption: `The distance from each shopper to number ${count(minSamples)} of the nearest, oneself being number 1, in ascending order. Those below the line at ${distance.format(eps)} are the cores of segments. A good line lies where the curve begins to rise steeply.`,
    legend: legendOf([
      { colour: VALUE, name: "distance", mark: "line" },
      { colour: ACCENT, name: `eps ${distance.format(eps)}`, mark: "dash" },
    ]),
    ...kDistanceChart(density),
    table: numbers(curve),
  });
  return html`${paragraph(
    `Segments are dense places: shoppers with at least ${count(minSamples)} shoppers, themselves included, within ${distance.format(eps)} standard deviations. ${count(numNoise)} of ${count(numActive)} shoppers with data (${percent(share(numNoise, numActive))}) are like too few others to be in one.`,
  )}${chart}`;
}

function numbers(curve: SegmentDensity["curve"]): Html {
  const step = Math.max(1, Math.floor(curve.length / TABLE_ROWS));
  const rows = curve.filter((_, i) => i % step === 0 || i === curve.length - 1);
  const columns: Column<SegmentDensity["curve"][number]>[] = [
    { head: "Share of shoppers", numeric: true, cell: (point) => percent(point.share) },
    { head: "Distance up to", numeric: true, cell: (point) => distance.format(point.distance) },
  ];
  return table("k-distances", columns, rows);
}
