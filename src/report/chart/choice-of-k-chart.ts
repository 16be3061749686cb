import type { SegmentChoice } from "../segment-data.js";
import type { Variants } from "./bar-chart.js";
import { ACCENT, VALUE, xValueAxis, yValueAxis } from "./theme.js";

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });

/** What is plotted where the number of segments is chosen so. */
export const MEASURES = { silhouette: "Silhouette", "calinski-harabasz": "Calinski-Harabasz", elbow: "Inertia" };

function measured({ inertia, sampleSilhouette, calinskiHarabasz }: Quality, criterion: SegmentChoice["criterion"]) {
  if (criterion === "silhouette") return sampleSilhouette;
  return criterion === "elbow" ? inertia : calinskiHarabasz;
}

type Quality = SegmentChoice["qualities"][number];

/** A criterion by number of segments, the chosen number marked. */
export function choiceOfKChart({ k, qualities }: SegmentChoice, criterion: SegmentChoice["criterion"]): Variants {
  const points = qualities.map((quality) => [quality.k, measured(quality, criterion)]);
  const first = qualities[0]?.k ?? 1;
  const last = qualities[qualities.length - 1]?.k ?? 1;
  const draw = (width: number, height: number, splitNumber: number) => ({
    width,
    height,
    option: {
      grid: { left: 58, right: 26, top: 38, bottom: 54, outerBoundsMode: "none" },
      xAxis: {
        ...xValueAxis({
          name: "Segments",
          format: (x) => number.format(x),
          splitNumber,
          min: first,
          max: Math.max(last, first + 1),
        }),
        minInterval: 1,
      },
      yAxis: yValueAxis({ name: MEASURES[criterion], format: (y) => number.format(y) }),
      series: [
        series("line", points, VALUE, 6),
        series(
          "scatter",
          points.filter(([x]) => x === k),
          ACCENT,
          14,
        ),
      ],
    },
  });
  return { wide: draw(820, 280, 10), narrow: draw(340, 260, 4) };
}

const series = (type: string, data: (number | null)[][], color: string, symbolSize: number) => ({
  type,
  data,
  silent: true,
  symbol: "circle",
  symbolSize,
  itemStyle: { color },
  lineStyle: { color, width: 2.5 },
});
