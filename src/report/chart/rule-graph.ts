import type { RuleLine } from "../behaviour-data.js";
import { truncateMiddle } from "../text.js";
import type { Variants } from "./bar-chart.js";
import type { ChartOption, ChartSize } from "./svg-chart.js";
import { ACCENT, FONT_SIZE, INK, MUTED } from "./theme.js";

/** Rules drawn: more cannot be told apart. */
const MAX_RULES = 24;
const MAX_WIDTH = 5;

/** Items in a circle, a line from each item of an antecedent to the consequent. */
export function ruleGraph(rules: readonly RuleLine[]): Variants {
  const drawn = rules.slice(0, MAX_RULES);
  return { wide: variant(drawn, 820, 560, 24), narrow: variant(drawn.slice(0, MAX_RULES / 2), 340, 420, 12) };
}

/** Outside the circle, where no line is; beside an item at its top or bottom lines would cross the name. */
function labelPosition(angle: number): "right" | "left" | "top" | "bottom" {
  if (Math.abs(Math.cos(angle)) > 0.1) return Math.cos(angle) > 0 ? "right" : "left";
  return Math.sin(angle) < 0 ? "top" : "bottom";
}

function variant(
  rules: readonly RuleLine[],
  width: number,
  height: number,
  labelLength: number,
): ChartSize & { option: ChartOption } {
  const degree = new Map<string, number>();
  for (const { antecedent, consequent } of rules) {
    for (const id of [...antecedent, ...consequent]) degree.set(id, (degree.get(id) ?? 0) + 1);
  }
  const place = new Map([...degree.keys()].map((id, position) => [id, position]));
  const most = Math.max(1, ...degree.values());
  // A circle computed here: a layout by forces would depend on a random start.
  const nodes = [...degree].map(([id, n], position) => {
    const angle = (2 * Math.PI * position) / degree.size - Math.PI / 2;
    return {
      name: String(position),
      x: Math.round(1000 * Math.cos(angle)) / 1000,
      y: Math.round(1000 * Math.sin(angle)) / 1000,
      symbolSize: 7 + (9 * n) / most,
      itemStyle: { color: ACCENT },
      label: {
        show: true,
        // A function: in a text ECharts would replace what is in braces.
        formatter: () => truncateMiddle(id, labelLength),
        position: labelPosition(angle),
        color: INK,
        fontSize: FONT_SIZE,
      },
    };
  });
  const links = rules.flatMap(({ antecedent, consequent, confidence }) =>
    antecedent.map((from) => ({
      source: place.get(from)!,
      target: place.get(consequent[0]!)!,
      lineStyle: { width: Math.max(1, MAX_WIDTH * confidence), color: MUTED, opacity: 0.55, curveness: 0.15 },
    })),
  );
  const side = width > 500 ? 190 : 100;
  return {
    width,
    height,
    option: {
      series: [
        {
          type: "graph",
          layout: "none",
          left: side,
          right: side,
          top: 28,
          bottom: 28,
          silent: true,
          edgeSymbol: ["none", "arrow"],
          edgeSymbolSize: 8,
          data: nodes,
          links,
        },
      ],
    },
  };
}
