import { percentTick } from "../format.js";
import type { Variants } from "./bar-chart.js";
import { MUTED, VALUE, xValueAxis, yValueAxis } from "./theme.js";

interface Point {
  share: number;
  gain: number;
}

/** What an order gains as more users, or more money, are taken: beside the straight line of a random order. */
export function gainChart(
  points: readonly Point[],
  xName: string,
  yName: string,
  format: (x: number) => string,
): Variants {
  const last = points.at(-1) ?? { share: 1, gain: 0 };
  const line = { type: "line", silent: true, showSymbol: false };
  const draw = (width: number, height: number, splitNumber: number) => ({
    width,
    height,
    option: {
      grid: { left: 68, right: 26, top: 38, bottom: 54, outerBoundsMode: "none" },
      xAxis: xValueAxis({ name: xName, format: percentTick, splitNumber, min: 0, max: 1 }),
      yAxis: yValueAxis({ name: yName, format }),
      series: [
        {
          ...line,
          data: [
            [0, 0],
            [last.share, last.gain],
          ],
          lineStyle: { color: MUTED, width: 1.5, type: "dashed" },
        },
        { ...line, data: points.map(({ share, gain }) => [share, gain]), lineStyle: { color: VALUE, width: 2.5 } },
      ],
    },
  });
  return { wide: draw(820, 340, 7), narrow: draw(340, 280, 3) };
}
