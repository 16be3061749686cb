import type { CampaignComparison, ComparedMethod } from "../../evaluate/compare.js";
import { figure } from "../chart/figure.js";
import { intervalChart } from "../chart/interval-chart.js";
import { count, decimal, percent } from "../format.js";
import { pageHtml } from "../page.js";
import { paragraph } from "../section/section.js";
import { type Column, table } from "../table.js";
import { evaluationSummary } from "./summary.js";

const NORMAL_95 = 1.96;

/** The page of a comparison of scoring methods. */
export async function methodsPage(found: CampaignComparison): Promise<string> {
  const { methods, n, cut, numUsers, numRelevant, numUnknown, numSeen, blend } = found;
  const rows = methods.map(({ name, quality }) => {
    const error = quality.standardErrors.ndcg;
    const { ndcg } = quality;
    return { name, value: ndcg, low: ndcg - NORMAL_95 * error, high: ndcg + NORMAL_95 * error, error };
  });
  const popular = methods.find(({ name }) => name === "popular")?.quality.ndcg;
  const number = (head: string, cell: (row: ComparedMethod) => string): Column<ComparedMethod> => ({
    head,
    numeric: true,
    cell,
  });
  const chart = await figure({
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
        number("Seconds", ({ seconds }) => decimal(seconds)),
      ],
      methods,
    ),
  });
  const best = methods[0]!;
  const weights = blend?.map(({ method, weight }) => `${method} ${decimal(weight)}`).join(", ");
  return pageHtml({
    title: "Scoring methods · couponcast",
    summary: evaluationSummary(
      "Scoring methods",
      `${best.name} ranks best what shoppers first dealt with after ${cut}: NDCG@${n} ${decimal(best.quality.ndcg)}.`,
      [
        { term: "Shoppers", value: count(numUsers), note: "with something new after the cut" },
        { term: "Items", value: count(numRelevant), note: "that they then dealt with first" },
        {
          term: "Not known before",
          value: count(numUnknown),
          note: "of shoppers or items without history: nobody's lists",
        },
        { term: "Bought again", value: count(numSeen), note: "not counted" },
      ],
    ),
    sections: [
      {
        id: "methods",
        short: "Methods",
        title: "Which method suits this shop",
        body: [
          chart,
          paragraph(
            "NDCG counts what a list holds and how far up; recall is the share of what was bought; novelty is in bits, the rarer the more; diversity is 1 less the mean cosine of a list's items; a popularity bias above 1 means lists more popular than what their shoppers deal with. Where intervals overlap much, prefer the faster or the more diverse method.",
          ),
          ...(weights === undefined
            ? []
            : [paragraph(`Weights of the blend, chosen on the days before the cut alone: ${weights}.`)]),
        ],
      },
    ],
    numSegments: 0,
  });
}
