import { bestK, K_CRITERIA, type KCriterion } from "../../profile/choice-of-k.js";
import { choiceOfKChart, MEASURES } from "../chart/choice-of-k-chart.js";
import { figure, legendOf } from "../chart/figure.js";
import { ACCENT, VALUE } from "../chart/theme.js";
import { count, DASH } from "../format.js";
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
  const title = "How many segments there are";
  return criterionFigure(choice, choice.criterion, { key: "choice-of-k", title, columns: K_CRITERIA });
}

/** What a criterion says of each number of segments, whichever has chosen; `columns`: what the numbers behind it hold. */
export function criterionFigure(
  choice: SegmentChoice,
  criterion: KCriterion,
  { key, title, columns }: { key: string; title: string; columns: readonly KCriterion[] },
): Promise<Html> {
  const { k, qualities, sampleSize } = choice;
  const sample = columns.includes("silhouette")
    ? ` Silhouettes are means over a sample of ${count(sampleSize)} shoppers.`
    : "";
  return figure({
    key,
    title,
    caption: `${CAPTIONS[criterion](count(bestK(qualities, criterion)))}${sample}`,
    legend: legendOf([
      { colour: VALUE, name: MEASURES[criterion].toLowerCase(), mark: "line" },
      { colour: ACCENT, name: `${count(k)} segments, chosen`, mark: "dot" },
    ]),
    ...choiceOfKChart(choice, criterion),
    table: numbers(qualities, columns),
  });
}

type Quality = SegmentChoice["qualities"][number];

const CELLS: Record<KCriterion, (quality: Quality) => string> = {
  silhouette: ({ sampleSilhouette }) => sampleSilhouette.toFixed(3),
  "calinski-harabasz": ({ calinskiHarabasz }) => (calinskiHarabasz === null ? DASH : number.format(calinskiHarabasz)),
  elbow: ({ inertia }) => number.format(inertia),
};

function numbers(qualities: SegmentChoice["qualities"], measures: readonly KCriterion[]): Html {
  const columns: Column<Quality>[] = [
    { head: "Segments", numeric: true, cell: ({ k }) => count(k) },
    ...measures.map((name) => ({ head: MEASURES[name], numeric: true, cell: CELLS[name] })),
  ];
  return table("Numbers of segments", columns, qualities);
}
