import { truncateMiddle } from "../text.js";
import type { Variants } from "./bar-chart.js";
import { MUTED, SURFACE, VALUE, xValueAxis, yCategoryAxis } from "./theme.js";

export interface IntervalRow {
  name: string;
  value: number;
  low: number;
  high: number;
}

/** Estimates with their intervals, one line a row, and a dashed line at `reference`. */
export function intervalChart(
  rows: readonly IntervalRow[],
  axisName: string,
  format: (x: number) => string,
  reference = 0,
): Variants {
  const draw = (width: number, left: number, characters: number, splitNumber: number) => ({
    width,
    height: rows.length * 34 + 66,
    option: {
      grid: { left, right: 30, top: 8, bottom: 54, outerBoundsMode: "none" },
      xAxis: { ...xValueAxis({ name: axisName, format, splitNumber }), scale: true },
      yAxis: yCategoryAxis(
        rows.map((row) => truncateMiddle(row.name, characters)),
        left - 8,
      ),
      series: [
        ...rows.map(({ low, high }, row) => ({
          type: "line",
          silent: true,
          showSymbol: false,
          data: [
            [low, row],
            [high, row],
          ],
          lineStyle: { color: VALUE, width: 4, opacity: 0.45, cap: "round" },
        })),
        {
          type: "line",
          silent: true,
          showSymbol: false,
          data: [
            [reference, 0],
            [reference, Math.max(rows.length - 1, 0)],
          ],
          lineStyle: { color: MUTED, width: 1.5, type: "dashed" },
        },
        {
          type: "scatter",
          silent: true,
          data: rows.map(({ value }, row) => [value, row]),
          symbolSize: 12,
          itemStyle: { color: VALUE, borderColor: SURFACE, borderWidth: 1.5, opacity: 1 },
          z: 4,
        },
      ],
    },
  });
  return { wide: draw(820, 240, 34, 7), narrow: draw(340, 110, 15, 3) };
}
