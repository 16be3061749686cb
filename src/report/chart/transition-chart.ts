import type { TransitionSummary } from "../behaviour-data.js";
import { truncateMiddle } from "../text.js";
import type { Variants } from "./bar-chart.js";
import type { ChartOption, ChartSize } from "./svg-chart.js";
import { chartText, INK } from "./theme.js";

/** Height of one behaviour on average, in px of the drawing. */
const ROW = 56;

/** Bands from each behaviour on the left to the next one on the right, as wide as the transition is frequent. */
export function transitionChart(summary: TransitionSummary, colourOf: (behaviour: number) => string): Variants {
  return { wide: variant(summary, colourOf, 820, 150), narrow: variant(summary, colourOf, 340, 78) };
}

function variant(
  { behaviours, counts }: TransitionSummary,
  colourOf: (behaviour: number) => string,
  width: number,
  margin: number,
): ChartSize & { option: ChartOption } {
  const n = behaviours.length;
  const height = Math.max(220, ROW * n + 40);
  const used = (at: (i: number) => number) =>
    Array.from({ length: n }, (_, i) => at(i)).some((place) => counts[place]! > 0);
  const node = (side: "from" | "to", i: number) => ({
    name: `${side} ${i}`,
    // Columns are ours: a behaviour that nothing precedes still stands on its side.
    depth: side === "from" ? 0 : 1,
    itemStyle: { color: colourOf(i), borderWidth: 0 },
    label: {
      ...chartText,
      color: INK,
      position: side === "from" ? ("left" as const) : ("right" as const),
      formatter: truncateMiddle(behaviours[i]!, width > 500 ? 18 : 9),
    },
  });
  const indices = Array.from({ length: n }, (_, i) => i);
  return {
    width,
    height,
    option: {
      series: [
        {
          type: "sankey",
          left: margin,
          right: margin,
          top: 12,
          bottom: 12,
          nodeWidth: 14,
          nodeGap: 12,
          // The order of the behaviours, not one that saves crossings: both sides read alike.
          layoutIterations: 0,
          silent: true,
          lineStyle: { color: "source", opacity: 0.38, curveness: 0.5 },
          data: [
            ...indices.filter((i) => used((j) => i * n + j)).map((i) => node("from", i)),
            ...indices.filter((j) => used((i) => i * n + j)).map((j) => node("to", j)),
          ],
          links: counts.flatMap((value, at) =>
            value > 0 ? [{ source: `from ${Math.floor(at / n)}`, target: `to ${at % n}`, value }] : [],
          ),
        },
      ],
    },
  };
}
