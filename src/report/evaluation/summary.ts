import { type Html, type HtmlValue, html } from "../html.js";
import { idHtml } from "../text.js";

export interface Figure {
  term: string;
  value: string;
  note: HtmlValue;
}

/** The head of an evaluation's page: what it found in a sentence, and its key figures. */
export function evaluationSummary(title: string, lead: HtmlValue, figures: readonly Figure[]): Html {
  const cells = figures.map(
    ({ term, value, note }) =>
      html`<div><dt>${term}</dt><dd class="value">${value}</dd><dd class="note">${note}</dd></div>`,
  );
  return html`<header class="summary" id="summary">
<p class="eyebrow">Evaluation</p>
<h1>${idHtml(title, 90)}</h1>
<p class="lead">${lead}</p>
<dl class="figures">${cells}</dl>
</header>
`;
}
