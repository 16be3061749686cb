import { earlierCampaignSections } from "./evaluation/campaign.js";
import { pageHtml } from "./page.js";
import type { ReportData } from "./report-data.js";
import { budgetSection } from "./section/budget.js";
import { cleaningSection } from "./section/cleaning.js";
import { decisionSection } from "./section/decision.js";
import { examplesSection } from "./section/examples.js";
import { provenanceHtml } from "./section/provenance.js";
import { qualitySection } from "./section/quality.js";
import { responseSection } from "./section/response.js";
import { rulesSection } from "./section/rules.js";
import { scoresSection } from "./section/scores.js";
import type { Section } from "./section/section.js";
import { segmentsSection } from "./section/segments.js";
import { summaryHtml } from "./section/summary.js";
import { transitionsSection } from "./section/transitions.js";
import { withheldSection } from "./section/withheld.js";
import { truncateMiddle } from "./text.js";
import { viewOf } from "./view.js";

/**
 * The report of a distribution run as one self-contained HTML page: no network, no script, every string of the data
 * escaped. The bytes depend on `data` alone (not on the clock, earlier calls, or the machine's locale).
 * Cost: some 20 ms of this thread a chart (at most 20 drawings), others get their turn in between; the first call also
 * loads ECharts. A service that must not be held up renders in a worker.
 */
export async function renderReport(data: ReportData): Promise<string> {
  const view = viewOf(data);
  // One after the other: charts share one thread anyway, and the order of the calls is then always the same.
  const sections: Section[] = [
    await decisionSection(view),
    await budgetSection(view),
    await segmentsSection(view),
    await transitionsSection(view),
    ...(await qualitySection(view)),
    await scoresSection(view),
    await responseSection(view),
    ...(await rulesSection(view)),
    withheldSection(view),
    examplesSection(view),
    ...(await earlierCampaignSections(data.evaluation)),
    await cleaningSection(view),
  ];
  return pageHtml({
    title: `${truncateMiddle(data.headline.campaignName, 90)} · coupon report`,
    summary: summaryHtml(view),
    sections,
    footer: provenanceHtml(view),
    numSegments: data.segments.segments.length,
  });
}
