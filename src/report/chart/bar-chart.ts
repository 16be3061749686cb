import { truncateMiddle } from "../text.js";
import type { ChartOption, ChartSize } from "./svg-chart.js";
import { chartText, INK, xValueAxis, yCategoryAxis, yNamesAbove } from "./theme.js";

interface BarSeries {
  name: string;
  colour: string;
  values: readonly number[];
  /** What is written at the end of a bar. */
  label: (value: number, row: number) => string;
}

export interface BarChartOptions {
  rows: readonly string[];
  series: readonly BarSeries[];
  axisName: string;
  axisFormat: (x: number) => string;
}

/** The two drawings of a chart: one for wide screens, one whose text stays readable at a phone's width. */
export interface Variants {
  wide: ChartSize & { option: ChartOption };
  narrow: ChartSize & { option: ChartOption };
}

const BAR = 14;
const GAP = 3;
/** px kept free at the right for the text at the ends of the bars. */
const LABEL_ROOM = 70;

/**
 * Horizontal bars: one row a name, one bar a series in it. Height grows with the rows.
 * Wide: names at the left. Narrow: names above their bars, so that both have the whole width.
 */
export function barChart({ rows, series, axisName, axisFormat }: BarChartOptions): Variants {
  const barsHeight = series.length * (BAR + GAP);
  const bars = series.map(({ name, colour, values, label }) => ({
    type: "bar",
    name,
    data: [...values],
    silent: true,
    barWidth: BAR,
    barGap: `${(GAP / BAR) * 100}%`,
    itemStyle: { color: colour, borderRadius: [0, 2, 2, 0] },
    label: {
      ...chartText,
      show: true,
      position: "right",
      color: INK,
      formatter: ({ dataIndex }: { dataIndex: number }) => label(values[dataIndex] ?? 0, dataIndex),
    },
  }));
  const names = (characters: number) => rows.map((row) => truncateMiddle(row, characters));
  const bottom = 52;
  const top = 4;
  const isPositive = series.every(({ values }) => values.every((value) => value >= 0));
  const min = isPositive ? { min: 0 } : {};
  // Names stay at the side where bars go both ways.
  const atSide = <T extends { axisLine: object }>(axis: T): T => ({
    ...axis,
    axisLine: { ...axis.axisLine, ...(isPositive ? {} : { onZero: false }) },
  });
  return {
    wide: {
      width: 820,
      height: rows.length * (barsHeight + 12) + top + bottom,
      option: {
        grid: { left: 240, right: LABEL_ROOM, top, bottom, outerBoundsMode: "none" },
        xAxis: xValueAxis({ name: axisName, format: axisFormat, splitNumber: 6, ...min }),
        yAxis: atSide(yCategoryAxis(names(34), 232)),
        series: bars,
      },
    },
    narrow: {
      width: 340,
      height: rows.length * (barsHeight + 30) + top + bottom,
      option: {
        grid: { left: 2, right: LABEL_ROOM, top, bottom, outerBoundsMode: "none" },
        xAxis: {
          ...xValueAxis({ name: axisName, format: axisFormat, splitNumber: 3, ...min }),
          // The grid lines would run through the names.
          splitLine: { show: false },
        },
        yAxis: atSide(yNamesAbove(names(44), barsHeight)),
        series: bars,
      },
    },
  };
}
