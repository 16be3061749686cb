import type { Money } from "../format.js";
import type { FrontierPoint } from "../report-data.js";
import type { Variants } from "./bar-chart.js";
import type { ChartOption, ChartSize } from "./svg-chart.js";
import { ACCENT, BOUND, chartText, INK, MUTED, SURFACE, VALUE, xValueAxis, yValueAxis } from "./theme.js";

type Pair = [number, number];

const WIDE = { width: 820, height: 360, splitNumber: 7 };
const NARROW = { width: 340, height: 300, splitNumber: 3 };
const WIDE_LOW = { width: 820, height: 270, splitNumber: 7 };
const NARROW_LOW = { width: 340, height: 260, splitNumber: 3 };

/** Value and its upper bound against budget, the campaign's own budget marked. Points ascend by budget. */
export function frontierChart(points: readonly FrontierPoint[], money: Money): Variants {
  const value = points.map((p): Pair => [p.budgetMinor, p.valueMinor]);
  const bound = points.flatMap((p): Pair[] => (p.upperBoundMinor === null ? [] : [[p.budgetMinor, p.upperBoundMinor]]));
  const draw = (size: typeof WIDE) =>
    drawing(size, money, "Expected extra margin", money.compact, [
      // The bound lies under the value line, wider, so that both are seen where they meet.
      ...(bound.length > 0
        ? [{ ...lineOf(bound, BOUND), lineStyle: { color: BOUND, width: 5, opacity: 0.45 }, showSymbol: false }]
        : []),
      lineOf(value, VALUE),
      ...chosenMark(points, "bottom", (p) => p.valueMinor),
    ]);
  return { wide: draw(WIDE), narrow: draw(NARROW) };
}

/** What one more unit of budget would bring, against budget, with the line where it only pays for itself. */
export function marginalChart(points: readonly FrontierPoint[], money: Money, breakEven: number): Variants {
  const known = points.filter((p) => p.budgetMultiplier !== null);
  const line = known.map((p): Pair => [p.budgetMinor, p.budgetMultiplier ?? 0]);
  const first = line[0]?.[0] ?? 0;
  const last = line[line.length - 1]?.[0] ?? 0;
  const perUnit = (x: number) => money.exact(x * money.minorPerMajor);
  const draw = (size: typeof WIDE) =>
    drawing(size, money, `Extra margin per extra ${money.unit} of budget`, perUnit, [
      {
        ...lineOf(
          [
            [first, breakEven],
            [last, breakEven],
          ],
          MUTED,
        ),
        lineStyle: { color: MUTED, width: 1.5, type: "dashed" },
        showSymbol: false,
      },
      lineOf(line, VALUE),
      ...chosenMark(known, "top", (p) => p.budgetMultiplier ?? 0),
    ]);
  return { wide: draw(WIDE_LOW), narrow: draw(NARROW_LOW) };
}

function drawing(
  { width, height, splitNumber }: typeof WIDE,
  money: Money,
  yName: string,
  yFormat: (x: number) => string,
  series: object[],
): ChartSize & { option: ChartOption } {
  return {
    width,
    height,
    option: {
      grid: { left: 68, right: 26, top: 38, bottom: 54, outerBoundsMode: "none" },
      xAxis: xValueAxis({ name: `Budget (${money.currency})`, format: money.compact, splitNumber, min: 0 }),
      yAxis: yValueAxis({ name: yName, format: yFormat, min: 0 }),
      series,
    },
  };
}

const lineOf = (data: Pair[], colour: string) => ({
  type: "line",
  data,
  silent: true,
  symbol: "circle",
  symbolSize: 7,
  showAllSymbol: true,
  lineStyle: { color: colour, width: 2.5 },
  itemStyle: { color: colour },
});

/**
 * The campaign's own point with its name, on the side where the line does not run: below a rising curve, above a
 * falling one.
 */
function chosenMark(
  points: readonly FrontierPoint[],
  position: "top" | "bottom",
  y: (p: FrontierPoint) => number,
): object[] {
  const chosen = points.find((p) => p.chosen);
  if (!chosen) return [];
  const atRight = chosen.budgetMinor > 0.6 * Math.max(...points.map((p) => p.budgetMinor));
  return [
    {
      type: "scatter",
      data: [[chosen.budgetMinor, y(chosen)]],
      silent: true,
      symbolSize: 15,
      itemStyle: { color: ACCENT, borderColor: SURFACE, borderWidth: 2, opacity: 1 },
      label: {
        ...chartText,
        show: true,
        formatter: () => "this campaign",
        color: INK,
        fontWeight: "bold",
        position,
        distance: 8,
        align: atRight ? "right" : "left",
      },
      z: 5,
    },
  ];
}
