import type { CampaignComparison, ComparedMethod } from "../../evaluate/compare.js";
import { count, decimal } from "../format.js";
import { pageHtml } from "../page.js";
import { blendText, QUALITY_READING, qualityFigure } from "../section/quality.js";
import { paragraph } from "../section/section.js";
import type { Column } from "../table.js";
import { evaluationSummary } from "./summary.js";

/** The page of a comparison of scoring methods. */
export async function methodsPage(found: CampaignComparison): Promise<string> {
  const { methods, n, cut, numUsers, numRelevant, numUnknown, numSeen, blend } = found;
  const seconds: Column<ComparedMethod> = { head: "Seconds", numeric: true, cell: (row) => decimal(row.seconds) };
  const chart = await qualityFigure(methods, n, [seconds]);
  const best = methods[0]!;
  const [what, who, weighed] =
    cut === undefined
      ? ["each shopper's last new item", "with a last new item", "as the campaign gives them"]
      : [
          `what shoppers first dealt with after ${cut}`,
          "with something new after the cut",
          "chosen on the days before the cut alone",
        ];
  const weights = blend && blendText(blend);
  return pageHtml({
    title: "Scoring methods · couponcast",
    summary: evaluationSummary(
      "Scoring methods",
      `${best.name} ranks best ${what}: NDCG@${n} ${decimal(best.quality.ndcg)}.`,
      [
        { term: "Shoppers", value: count(numUsers), note: who },
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
          paragraph(`${QUALITY_READING} Where intervals overlap much, prefer the faster or the more diverse method.`),
          ...(weights === undefined ? [] : [paragraph(`Weights of the blend, ${weighed}: ${weights}.`)]),
        ],
      },
    ],
    numSegments: 0,
  });
}
