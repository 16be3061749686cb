import { barChart } from "../chart/bar-chart.js";
import { figure, legendOf } from "../chart/figure.js";
import { MUTED, VALUE } from "../chart/theme.js";
import { count, decimal, fixed } from "../format.js";
import { type Html, html } from "../html.js";
import type { TasteSummary } from "../response-data.js";
import { type Column, table } from "../table.js";
import { idHtml } from "../text.js";
import { paragraph } from "./section.js";

type Behaviour = TasteSummary["behaviours"][number];

/** What behaviours turned out to say about taste; nothing where the campaign's weights stand. */
export async function tasteHtml({ behaviours, priorWeight, fit }: TasteSummary): Promise<Html | null> {
  if (fit === null) return null;
  const columns: Column<Behaviour>[] = [
    { head: "Behaviour", cell: ({ name }) => idHtml(name, 40), className: "wide-cell" },
    { head: "In the campaign", numeric: true, cell: ({ given }) => decimal(given) },
    { head: "Learnt", numeric: true, cell: ({ learnt }) => decimal(learnt) },
  ];
  const label = (value: number) => decimal(value);
  return html`<h3>What behaviours say about taste</h3>
${paragraph(
  `How much one event of each behaviour tells about what its shopper will look at is learnt from ${count(fit.targets)} later looks: the error of guessing them went from ${fixed(fit.lossBefore, 4)} with the campaign's weights to ${fixed(fit.lossAfter, 4)} nats. Everybody's taste weighs ${decimal(priorWeight)}: a shopper's own counts more once its events weigh more than that.`,
)}${await figure({
  key: "taste-weights",
  title: "Weight of an event",
  caption: "The longer the bar, the sooner a shopper's own events outweigh what everybody likes.",
  legend: legendOf([
    { colour: MUTED, name: "in the campaign" },
    { colour: VALUE, name: "learnt" },
  ]),
  ...barChart({
    rows: behaviours.map(({ name }) => name),
    series: [
      { name: "in the campaign", colour: MUTED, values: behaviours.map(({ given }) => given), label },
      { name: "learnt", colour: VALUE, values: behaviours.map(({ learnt }) => learnt), label },
    ],
    axisName: "weight",
    axisFormat: label,
  }),
  table: table("Weight of an event of each behaviour", columns, behaviours),
})}`;
}
