import { barChart } from "../chart/bar-chart.js";
import { figure, legendOf } from "../chart/figure.js";
import { MUTED, VALUE } from "../chart/theme.js";
import { featureTitle, featureValue } from "../features.js";
import { count, percent, percentTick, share } from "../format.js";
import { type Html, html } from "../html.js";
import type { SegmentationDrift } from "../segment-data.js";
import { type Column, foldedTable, table } from "../table.js";
import type { View } from "../view.js";
import { paragraph } from "./section.js";

const FEATURES_SHOWN = 20;
const BARS_SHOWN = 20;

const IN_WORDS = { stable: "as before", moderate: "moved", large: "another population" };
const index = new Intl.NumberFormat("en", { minimumFractionDigits: 3, maximumFractionDigits: 3 });

/** How the shoppers differ from those of the run that the campaign names as its baseline. */
export async function driftHtml(view: View, drift: SegmentationDrift | undefined): Promise<Html | null> {
  if (drift === undefined) return null;
  const { numOld, numNew, features, segments } = drift;
  const moved = features.filter(({ level }) => level !== "stable").length;
  return html`<h3>Since the earlier run</h3>
${paragraph(
  `${count(numOld)} shoppers then, ${count(numNew)} now. ${count(moved)} of ${count(features.length)} features have moved. The stability index is 0 for equal shares; from 0.1 on the shoppers have moved, from 0.25 on they are another population than the one that past results come from.`,
)}${segments === null ? null : await sharesChart(drift, segments)}${featureTable(view, features)}`;
}

type Shares = NonNullable<SegmentationDrift["segments"]>;

function sharesChart({ numOld, numNew }: SegmentationDrift, { shares, psi, level }: Shares): Promise<Html> {
  const name = (segment: string | null) => (segment === null ? "none" : `No. ${segment}`);
  // The earlier run's own numbers, largest first: the rest of very many stands in the table.
  const bars = shares.slice(0, BARS_SHOWN);
  const label = (value: number) => percent(value);
  const columns: Column<Shares["shares"][number]>[] = [
    { head: "Segment", cell: (row) => html`<bdi>${name(row.segment)}</bdi>` },
    { head: "Then", numeric: true, cell: (row) => count(row.old) },
    { head: "Share", numeric: true, cell: (row) => percent(share(row.old, numOld)) },
    { head: "Now", numeric: true, cell: (row) => count(row.new) },
    { head: "Share", numeric: true, cell: (row) => percent(share(row.new, numNew)) },
  ];
  return figure({
    key: "segment-drift",
    title: "Shares of the earlier run's segments",
    caption: `Each shopper counted in the earlier run's segment that is nearest, then and now. Stability index ${index.format(psi)}: ${IN_WORDS[level]}.`,
    legend: legendOf([
      { colour: MUTED, name: "then" },
      { colour: VALUE, name: "now" },
    ]),
    ...barChart({
      rows: bars.map(({ segment }) => name(segment)),
      series: [
        { name: "then", colour: MUTED, values: bars.map((row) => row.old / numOld), label },
        { name: "now", colour: VALUE, values: bars.map((row) => row.new / numNew), label },
      ],
      axisName: bars.length < shares.length ? `Share of shoppers (first ${BARS_SHOWN} segments)` : "Share of shoppers",
      axisFormat: percentTick,
    }),
    table: table("Segments then and now", columns, shares),
  });
}

type Feature = SegmentationDrift["features"][number];

function featureTable({ money }: View, features: readonly Feature[]): Html | null {
  if (features.length === 0) return null;
  const columns: Column<Feature>[] = [
    { head: "Feature", cell: ({ name }) => featureTitle({ key: name }) },
    { head: "Index", numeric: true, cell: ({ psi }) => index.format(psi) },
    { head: "", cell: ({ level }) => IN_WORDS[level] },
    { head: "Median then", numeric: true, cell: (row) => featureValue({ key: row.name }, row.oldMedian, money) },
    { head: "Median now", numeric: true, cell: (row) => featureValue({ key: row.name }, row.newMedian, money) },
  ];
  const byIndex = [...features].sort((a, b) => b.psi - a.psi);
  return foldedTable("Features then and now, the largest change first", columns, byIndex, {
    shown: FEATURES_SHOWN,
    others: (n) => `The other ${count(n)} features`,
  });
}
