import { decimal, percentTick } from "../format.js";
import type { ScoreSample } from "../report-data.js";
import type { Variants } from "./bar-chart.js";
import type { ChartOption, ChartSize } from "./svg-chart.js";
import { segmentColour, xValueAxis, yValueAxis } from "./theme.js";

/** Points painted at a time for one segment, so that no segment lies on top of all others. */
const LAYER = 40;

type Scatter = Omit<ScoreSample, "numPopulation">;

/** Points coloured by segment. */
export function scatterChart(sample: Scatter): Variants {
  return { wide: variant(sample, 820, 460, 5, 8), narrow: variant(sample, 340, 340, 4, 4) };
}

function variant(
  { points, xLabel, yLabel, xFormat, yFormat }: Scatter,
  width: number,
  height: number,
  symbolSize: number,
  splitNumber: number,
): ChartSize & { option: ChartOption } {
  const format = (kind: "number" | "percent" | undefined) => (kind === "percent" ? percentTick : decimal);
  return {
    width,
    height,
    option: {
      grid: { left: 58, right: 16, top: 34, bottom: 54, outerBoundsMode: "none" },
      xAxis: xValueAxis({ name: xLabel, format: format(xFormat), splitNumber }),
      yAxis: yValueAxis({ name: yLabel, format: format(yFormat) }),
      series: layers(points).map(({ segment, data }) => ({
        type: "scatter",
        data,
        silent: true,
        // One path for the whole layer: a tenth of the bytes of a path a point.
        large: true,
        largeThreshold: 1,
        symbolSize,
        itemStyle: { color: segmentColour(segment), opacity: 0.62 },
      })),
    },
  };
}

/** The first few points of every segment, then the next few of every segment, and so on. */
function layers(points: ScoreSample["points"]): { segment: number; data: [number, number][] }[] {
  const bySegment = new Map<number, [number, number][]>();
  for (const { x, y, segment } of points) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    const own = bySegment.get(segment);
    if (own) own.push([x, y]);
    else bySegment.set(segment, [[x, y]]);
  }
  const segments = [...bySegment].sort(([a], [b]) => a - b);
  const result = [];
  for (let start = 0; segments.some(([, own]) => own.length > start); start += LAYER) {
    for (const [segment, own] of segments) {
      const data = own.slice(start, start + LAYER);
      if (data.length > 0) result.push({ segment, data });
    }
  }
  return result;
}
