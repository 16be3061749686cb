import type { Variants } from "./bar-chart.js";
import { chartText, INK, xValueAxis, yCategoryAxis, yNamesAbove } from "./theme.js";

export interface WaterfallStep {
  name: string;
  from: number;
  to: number;
  colour: string;
  label: string;
}

const BAR = 16;

/** Bars that start where the one above ended, so that what is lost at each step is seen. */
export function waterfallChart(
  steps: readonly WaterfallStep[],
  axisName: string,
  format: (x: number) => string,
): Variants {
  const names = steps.map((step) => step.name);
  const bar = { type: "bar", stack: "rows", silent: true, barWidth: BAR };
  const series = [
    { ...bar, data: steps.map((s) => Math.min(s.from, s.to)), itemStyle: { color: "none" } },
    {
      ...bar,
      data: steps.map((s) => ({ value: Math.abs(s.to - s.from), itemStyle: { color: s.colour, borderRadius: 2 } })),
      // A loss of a few rows in a million must still be seen.
      barMinHeight: 2,
      label: {
        ...chartText,
        show: true,
        position: "right",
        color: INK,
        formatter: ({ dataIndex }: { dataIndex: number }) => steps[dataIndex]?.label ?? "",
      },
    },
  ];
  const bottom = 52;
  const top = 4;
  const xAxis = (splitNumber: number) => xValueAxis({ name: axisName, format, splitNumber, min: 0 });
  return {
    wide: {
      width: 820,
      height: steps.length * (BAR + 14) + top + bottom,
      option: {
        grid: { left: 220, right: 140, top, bottom, outerBoundsMode: "none" },
        xAxis: xAxis(5),
        yAxis: yCategoryAxis(names, 212),
        series,
      },
    },
    narrow: {
      width: 340,
      height: steps.length * (BAR + 30) + top + bottom,
      option: {
        grid: { left: 2, right: 126, top, bottom, outerBoundsMode: "none" },
        xAxis: { ...xAxis(2), splitLine: { show: false } },
        yAxis: yNamesAbove(names, BAR),
        series,
      },
    },
  };
}
