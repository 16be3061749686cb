import { html } from "./html.js";
import type { ReportData } from "./report-data.js";
import { budgetSection } from "./section/budget.js";
import { cleaningSection } from "./section/cleaning.js";
import { decisionSection } from "./section/decision.js";
import { examplesSection } from "./section/examples.js";
import { provenanceHtml } from "./section/provenance.js";
import { responseSection } from "./section/response.js";
import { scoresSection } from "./section/scores.js";
import { type Section, sectionHtml } from "./section/section.js";
import { segmentsSection } from "./section/segments.js";
import { summaryHtml } from "./section/summary.js";
import { withheldSection } from "./section/withheld.js";
import { styleHtml } from "./style.js";
import { truncateMiddle } from "./text.js";
import { viewOf } from "./view.js";

/** Nothing is loaded and no script runs, whatever the data tries; styles are inline, the empty icon is a data URL. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/**
 * The report of a distribution run as one self-contained HTML page: no network, no script, every string of the data
 * escaped. The bytes depend on `data` alone (not on the clock, earlier calls, or the machine's locale).
 * Cost: some 20 ms of this thread a chart (at most 14 drawings), others get their turn in between; the first call also
 * loads ECharts. A service that must not be held up renders in a worker.
 */
export async function renderReport(data: ReportData): Promise<string> {
  const view = viewOf(data);
  // One after the other: charts share one thread anyway, and the order of the calls is then always the same.
  const sections: Section[] = [
    await decisionSection(view),
    await budgetSection(view),
    segmentsSection(view),
    await scoresSection(view),
    await responseSection(view),
    withheldSection(view),
    examplesSection(view),
    await cleaningSection(view),
  ];
  const contents = [...sections, { id: "provenance", short: "Provenance" }].map(
    ({ id, short }) => html`<li><a href="#${id}">${short}</a></li>`,
  );
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_SECURITY_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="couponcast">
<title>${truncateMiddle(data.headline.campaignName, 90)} · coupon report</title>
<link rel="icon" href="data:,">
${styleHtml(data.segments.segments.length)}
</head>
<body>
<a class="skip" href="#decision">Skip to the decision</a>
<div class="page">
<nav aria-label="Contents"><ol>${contents}</ol></nav>
<main>
${summaryHtml(view)}
${sections.map(sectionHtml)}
</main>
${provenanceHtml(view)}
</div>
</body>
</html>
`.text;
}
