import type { TransitionSummary } from "../behaviour-data.js";
import { figure } from "../chart/figure.js";
import { transitionChart } from "../chart/transition-chart.js";
import { count, fixed, percent } from "../format.js";
import { type Html, html } from "../html.js";
import { type Column, foldedTable, table } from "../table.js";
import { idHtml } from "../text.js";
import type { View } from "../view.js";
import { viridisSteps } from "../viridis.js";
import { nothingToShow, paragraph, type Section, segmentHtml } from "./section.js";

const SEGMENTS_SHOWN = 20;

export async function transitionsSection(view: View): Promise<Section> {
  const summary = view.data.transitions;
  const total = summary?.counts.reduce((sum, n) => sum + n, 0) ?? 0;
  return {
    id: "transitions",
    short: "Next steps",
    title: "What shoppers do next",
    body:
      summary === null || total === 0
        ? nothingToShow("No shopper did two things one after the other, so there are no transitions to show.")
        : [introduction(summary, total), await diagram(summary), segmentTable(view, summary)],
  };
}

function introduction({ behaviours, purchase, reaches, stepsIfReached }: TransitionSummary, total: number): Html {
  // The behaviour that comes first in the campaign is the least of them: browsing.
  const first = purchase === 0 ? 1 : 0;
  const [chance, steps] = [reaches[first] ?? null, stepsIfReached[first] ?? null];
  const name = (b: number) => idHtml(behaviours[b]!, 40);
  const way =
    behaviours.length < 2 || chance === null
      ? null
      : html` From ${name(first)}, a ${name(purchase)} follows sooner or later with a chance of ${percent(chance)}${steps === null ? "" : html`, on average ${fixed(steps, 1)} steps later`}.`;
  return paragraph(`${count(total)} times, something a shopper did was followed by something else.`, way);
}

function diagram(summary: TransitionSummary): Promise<Html> {
  const colours = viridisSteps(summary.behaviours.length, "light");
  return figure({
    key: "transition-diagram",
    title: "From one behaviour to the next",
    caption:
      "On the left what a shopper did, on the right what the same shopper did next. The wider the band, the more often.",
    ...transitionChart(summary, (b) => colours[b]!),
    table: probabilityTable(summary),
  });
}

function probabilityTable({ behaviours, probabilities, medianGapSeconds, ...chain }: TransitionSummary): Html {
  const n = behaviours.length;
  const columns: Column<number>[] = [
    { head: "From", cell: (from) => idHtml(behaviours[from]!, 40), className: "wide-cell" },
    ...behaviours.map(
      (_, to): Column<number> => ({
        head: `to ${behaviours[to]!.slice(0, 40)}`,
        numeric: true,
        className: "heat",
        cell: (from) => {
          const p = probabilities[from * n + to] ?? null;
          return html`<span class="tile high" style="--z:${(p ?? 0).toFixed(3)}"><b>${percent(p)}</b><span>${duration(medianGapSeconds[from * n + to] ?? null)}</span></span>`;
        },
      }),
    ),
    { head: "Settles at", numeric: true, cell: (b) => percent(chain.stationary?.[b] ?? null) },
    { head: "Chance of a purchase", numeric: true, cell: (b) => percent(chain.reaches[b] ?? null) },
    { head: "Steps to it", numeric: true, cell: (b) => steps(chain.stepsIfReached[b] ?? null) },
  ];
  return html`<p class="hint">Each cell: the chance that this comes next, and the median time until then.</p>
${table("Transitions: chance and median time of each next behaviour", columns, [...behaviours.keys()], "heatmap")}`;
}

function segmentTable(view: View, { behaviours, purchase, segments }: TransitionSummary): Html | null {
  if (segments.length === 0) return null;
  const n = behaviours.length;
  const from = [...behaviours.keys()].filter((b) => b !== purchase);
  const columns: Column<number>[] = [
    { head: "Segment", cell: (s) => segmentHtml(s, view.segmentNames), className: "wide-cell" },
    ...from.flatMap((b): Column<number>[] => [
      {
        head: `Purchase right after ${behaviours[b]!.slice(0, 40)}`,
        numeric: true,
        cell: (s) => percent(segments[s]!.probabilities[b * n + purchase] ?? null),
      },
      {
        head: `Purchase later on`,
        title: `Chance that a purchase follows ${behaviours[b]!.slice(0, 40)} before the history ends`,
        numeric: true,
        cell: (s) =>
          html`${percent(segments[s]!.reaches[b] ?? null)}<span class="sub">${steps(segments[s]!.stepsIfReached[b] ?? null)} steps</span>`,
      },
    ]),
  ];
  return html`<h3>How each segment gets to a purchase</h3>
${foldedTable("Chances of a purchase by segment", columns, [...segments.keys()], {
  shown: SEGMENTS_SHOWN,
  others: (others) => `The other ${count(others)} segments`,
})}`;
}

const steps = (value: number | null): string => fixed(value ?? Number.NaN, 1);

/** A time between two events as people say it: 40 s, 12 min, 3.5 h, 8.2 days. */
function duration(seconds: number | null): string {
  if (seconds === null) return "";
  const units = [
    [86_400, "days"],
    [3600, "h"],
    [60, "min"],
  ] as const;
  for (const [size, unit] of units) if (seconds >= size) return `${fixed(seconds / size, 1)} ${unit}`;
  return `${fixed(seconds, 0)} s`;
}
