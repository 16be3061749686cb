import { choiceOfKChart, MEASURES } from "../chart/choice-of-k-chart.js";
import { figure, legendOf } from "../chart/figure.js";
import { ACCENT, VALUE } from "../chart/theme.js";
import { count } from "../format.js";
import type { Html } from "../html.js";
import type { SegmentChoice } from "../segment-data.js";
import { type Column, table } from "../table.js";

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

const CAPTIONS = {
  silhouette: (k: string) =>
    `The silhouette says how much nearer shoppers are to their own segment than to the next: 1 is best, 0 is no difference. ${k} segments have the highest.`,
  "calinski-harabasz": (k: string) =>
    `The Calinski-Harabasz index is the variance between segments over that within, each by its degrees of freedom. ${k} segments have the highest.`,
  elbow: (k: string) =>
    `The inertia, what segments leave unexplained, falls with every segment more; from ${k} segments on it falls less.`,
};

/** Why there are so many segments, where the campaign left that to the data. */
export async function choiceOfKHtml(choice: SegmentChoice | undefined): Promise<Html | null> {
  if (choice === undefined || choice.qualities.length < 2) return null;
  const { k, criterion, qualities, sampleSize } = choice;
  return figure({
    key: "choice-of-k",
    title: "How many segments there are",
    caption: `${CAPTIONS[criterion](count(k))} Silhouettes are means over a sample of ${count(sampleSize)} shoppers.`,
    legend: legendOf([
      { colour: VALUE, name: MEASURES[criterion].toLowerCase(), mark: "line" },
      { colour: ACCENT, name: `${count(k)} segments`, mark: "dot" },
    ]),
    ...choiceOfKChart(choice),
    table: numbers(qualities),
  });
}

function numbers(qualities: SegmentChoice["qualities"]): Html {
  const columns: Column<SegmentChoice["qualities"][number]>[] = [
    { head: "Segments", numeric: true, cell: (quality) => count(quality.k) },
    { head: "Silhouette", numeric: true, cell: (quality) => quality.sampleSilhouette.toFixed(3) },
    {
      head: "Calinski-Harabasz",
      numeric: true,
      cell: ({ calinskiHarabasz }) => (calinskiHarabasz === null ? "–" : number.format(calinskiHarabasz)),
    },
    { head: "Inertia", numeric: true, cell: (quality) => number.format(quality.inertia) },
  ];
  return table("Numbers of segments", columns, qualities);
}
