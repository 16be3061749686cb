import { K_CRITERIA } from "../profile/choice-of-k.js";
import { MEASURES } from "./chart/choice-of-k-chart.js";
import { evaluationSummary } from "./evaluation/summary.js";
import { count, decimal } from "./format.js";
import type { Html } from "./html.js";
import { pageHtml } from "./page.js";
import { criterionFigure } from "./section/choice-of-k.js";
import { nothingToShow } from "./section/section.js";
import type { SegmentChoice } from "./segment-data.js";

/**
 * Every criterion by number of segments as one self-contained HTML page, the chosen number marked; undefined: there were
 * too few users to choose for. The bytes depend on `choice` alone.
 */
export async function choiceOfKPage(choice: SegmentChoice | undefined): Promise<string> {
  const figures: Html[] = [];
  for (const by of choice === undefined ? [] : K_CRITERIA) {
    const shown = { key: `by-${by}`, title: MEASURES[by], columns: [by] };
    figures.push(await criterionFigure(choice!, by, shown));
  }
  return pageHtml({
    title: "How many segments there are · couponcast",
    summary: summaryOf(choice),
    sections: [
      {
        id: "choice-of-k",
        short: "Numbers of segments",
        title: "What speaks for each number",
        body: choice === undefined ? nothingToShow("Fewer than 3 users have data: no number is better.") : figures,
      },
    ],
    numSegments: 0,
  });
}

function summaryOf(choice: SegmentChoice | undefined) {
  const title = "How many segments there are";
  if (choice === undefined) return evaluationSummary(title, "There was nothing to choose.", []);
  const { k, criterion, qualities, sampleSize } = choice;
  const { sampleSilhouette, calinskiHarabasz, inertia } = qualities.find((quality) => quality.k === k)!;
  const by = criterion === "elbow" ? "the elbow of the inertia" : MEASURES[criterion].toLowerCase();
  const [from, to] = [qualities[0]!.k, qualities.at(-1)!.k];
  return evaluationSummary(title, `Of ${count(from)} to ${count(to)} segments, ${count(k)} were chosen by ${by}.`, [
    { term: "Silhouette", value: decimal(sampleSilhouette), note: `over ${count(sampleSize)} users; 1 is best` },
    {
      term: "Calinski-Harabasz",
      value: decimal(calinskiHarabasz),
      note: "higher is better",
    },
    { term: "Inertia", value: decimal(inertia), note: "what segments leave unexplained" },
  ]);
}
