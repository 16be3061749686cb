import { percentTick } from "../format.js";
import type { SegmentDensity } from "../segment-data.js";
import type { Variants } from "./bar-chart.js";
import { ACCENT, VALUE, xValueAxis, yValueAxis } from "./theme.js";

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** Distances in ascending order against the share of users, with a line at eps. */
export function kDistanceChart({ curve, eps }: Pick<SegmentDensity, "curve" | "eps">): Variants {
  const draw = (width: number, height: number, splitNumber: number) => ({
    width,
    height,
    option: {
      grid: { left: 58, right: 26, top: 38, bottom: 54, outerBoundsMode: "none" },
      xAxis: xValueAxis({ name: "Share of shoppers", format: percentTick, splitNumber, min: 0, max: 1 }),
      yAxis: yValueAxis({ name: "Distance (standard deviations)", format: (y) => number.format(y), min: 0 }),
      series: [
        line(
          curve.map(({ share, distance }) => [share, distance]),
          { color: VALUE, width: 2.5 },
        ),
        line(
          [
            [0, eps],
            [1, eps],
          ],
          { color: ACCENT, width: 1.5, type: "dashed" },
        ),
      ],
    },
  });
  return { wide: draw(820, 300, 10), narrow: draw(340, 280, 4) };
}

const line = (data: number[][], lineStyle: object) => ({
  type: "line",
  data,
  silent: true,
  showSymbol: false,
  lineStyle,
});
