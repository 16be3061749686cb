import { barChart } from "../chart/bar-chart.js";
import { figure, legendOf } from "../chart/figure.js";
import { MUTED, VALUE } from "../chart/theme.js";
import { count, percent, percentTick, share } from "../format.js";
import { type Html, html } from "../html.js";
import type { ExplorationSummary } from "../report-data.js";
import { type Column, foldedTable } from "../table.js";
import type { View } from "../view.js";
import { paragraph } from "./section.js";

type Limit = ExplorationSummary["limits"][number];

const LIMITS_SHOWN = 20;

/** What drawing by lot costs, and how far the draw lies from the limits that hold on the average. */
export async function explorationHtml({ data, money }: View): Promise<Html | null> {
  const { exploration } = data;
  if (exploration === undefined) return null;
  const { best, expected, givenUpMinor, usersAsBest, limits } = exploration;
  return html`<h3>Drawn by lot</h3>
${paragraph(
  `Some coupons were drawn by lot, so that any other plan can be evaluated from what comes of this one. ${count(usersAsBest)} of ${count(data.headline.numUsers)} shoppers got just what the best plan gives them. That plan would earn ${money.amount(best.valueMinor)}; draws earn ${money.amount(expected.valueMinor)} on the average: ${money.amount(givenUpMinor)} (${percent(share(givenUpMinor, best.valueMinor))}) is paid for knowing. Caps hold in every draw; budgets, stock and floors on the average.`,
)}${limits.length === 0 ? null : await limitsChart(limits, money)}`;
}

function limitsChart(limits: readonly Limit[], money: View["money"]): Promise<Html> {
  const amount = ({ counts }: Limit, of: number) =>
    counts === "money" ? money.amount(of) : `${count(Math.round(of))} coupons`;
  const columns: Column<Limit>[] = [
    { head: "Limit", cell: ({ name }) => html`<bdi>${name}</bdi>` },
    {
      head: "Allowed",
      numeric: true,
      cell: (l) => `${l.kind === "floor" ? "at least" : "at most"} ${amount(l, l.limit)}`,
    },
    { head: "On the average", numeric: true, cell: (l) => amount(l, l.expected) },
    { head: "Give or take", numeric: true, cell: (l) => amount(l, l.deviation) },
    { head: "Drawn", numeric: true, cell: (l) => amount(l, l.drawn) },
  ];
  // The fullest are the ones to look at.
  const fullest = limits.filter(({ limit }) => limit > 0).sort((a, b) => b.expected / b.limit - a.expected / a.limit);
  const bars = fullest.slice(0, LIMITS_SHOWN);
  const label = (value: number) => percent(value);
  return figure({
    key: "exploration-limits",
    title: "What draws use of the limits",
    caption: "On the average no limit is passed; one draw may lie a little beyond.",
    legend: legendOf([
      { colour: MUTED, name: "on the average" },
      { colour: VALUE, name: "drawn" },
    ]),
    ...barChart({
      rows: bars.map(({ name }) => name),
      series: [
        { name: "on the average", colour: MUTED, values: bars.map((l) => l.expected / l.limit), label },
        { name: "drawn", colour: VALUE, values: bars.map((l) => l.drawn / l.limit), label },
      ],
      axisName: "Share of the limit",
      axisFormat: percentTick,
    }),
    table: foldedTable("Limits and draws", columns, limits, {
      shown: LIMITS_SHOWN,
      others: (n) => `The other ${count(n)} limits`,
    }),
  });
}
