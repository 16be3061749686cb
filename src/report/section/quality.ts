import type { CampaignComparison, ComparedMethod } from "../../evaluate/compare.js";
import { figure } from "../chart/figure.js";
import { intervalChart } from "../chart/interval-chart.js";
import { count, decimal, percent } from "../format.js";
import type { Html } from "../html.js";
import { type Column, table } from "../table.js";
import type { View } from "../view.js";
import { paragraph, type Section } from "./section.js";

const NORMAL_95 = 1.96;

export const QUALITY_READING =
  "NDCG counts what a list holds and how far up; recall is the share of what was bought; novelty is in bits, the rarer the more; diversity is 1 less the mean cosine of a list's items; a popularity bias above 1 means lists more popular than what their shoppers deal with.";

type Row = Omit<ComparedMethod, "seconds">;

/** NDCG by method with intervals, and a table of all measures. */
export async function qualityFigure<T extends Row>(
  methods: readonly T[],
  n: number,
  more: readonly Column<T>[] = [],
): Promise<Html> {
  const rows = methods.map(({ name, quality }) => {
    const error = quality.standardErrors.ndcg;
    const { ndcg } = quality;
    return { name, value: ndcg, low: ndcg - NORMAL_95 * error, high: ndcg + NORMAL_95 * error, error };
  });
  const popular = methods.find(({ name }) => name === "popular")?.quality.ndcg;
  const number = (head: string, cell: (row: T) => string): Column<T> => ({ head, numeric: true, cell });
  return figure({
    key: "methods",
    title: `NDCG@${n}`,
    caption: `Means over users with their 95 % intervals${popular === undefined ? "" : "; the dashed line is what everybody likes"}.`,
    ...intervalChart(rows, `NDCG@${n}`, decimal, popular ?? 0),
    table: table(
      "Quality by method",
      [
        { head: "Method", cell: (row) => row.name },
        number(`NDCG@${n}`, ({ quality }) => decimal(quality.ndcg)),
        number("Recall", ({ quality }) => decimal(quality.recall)),
        number("MAP", ({ quality }) => decimal(quality.map)),
        number("Users hit", ({ quality }) => percent(quality.hitRate)),
        number("Items shown", ({ quality }) => percent(quality.coverage)),
        number("Novelty (bits)", ({ quality }) => decimal(quality.novelty)),
        number("Diversity", ({ quality }) => decimal(quality.diversity)),
        number("Popularity bias", ({ quality }) => decimal(quality.popularityBias)),
        ...more,
      ],
      methods,
    ),
  });
}

/** The parts of a blend with their weights, and what is added up. */
export function blendText(blend: NonNullable<CampaignComparison["blend"]>): string {
  const by = blend.some(({ curve }) => curve !== undefined) ? "calibrated scores" : "reciprocal ranks";
  return `${blend.map(({ method, weight }) => `${method} ${decimal(weight)}`).join(", ")} (${by})`;
}

/** Nothing where the run did not measure it. */
export async function qualitySection(view: View): Promise<Section[]> {
  const { quality } = view.data;
  if (quality === undefined) return [];
  const { method, methods, n, cut, heldOutDays, numUsers, numRelevant, blend, chosen } = quality;
  const own = methods.find(({ name }) => name === method)?.quality;
  const weights = blend && blendText(blend);
  return [
    {
      id: "quality",
      short: "Quality",
      title: "How good the recommendations are",
      body: [
        paragraph(
          `Coupons are scored by ${method}. To see how well it ranks, it was fitted once more without the last ${decimal(heldOutDays)} days and held against the ${count(numRelevant)} items that ${count(numUsers)} shoppers dealt with for the first time after ${cut}${own === undefined ? "" : `: NDCG@${n} ${decimal(own.ndcg)}, recall ${decimal(own.recall)}, ${percent(own.coverage)} of the items shown to somebody`}.`,
        ),
        await qualityFigure(methods, n),
        paragraph(QUALITY_READING),
        ...(weights === undefined
          ? []
          : [
              paragraph(
                chosen
                  ? `Weights of the blend, chosen on the days before the cut alone and used in this run: ${weights}.`
                  : `Weights of the blend, as the campaign gives them: ${weights}.`,
              ),
            ]),
      ],
    },
  ];
}
