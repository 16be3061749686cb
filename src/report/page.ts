import { type Html, type HtmlValue, html } from "./html.js";
import { type Section, sectionHtml } from "./section/section.js";
import { styleHtml } from "./style.js";

/** Nothing is loaded and no script runs, whatever the data tries; styles are inline, the empty icon is a data URL. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

export interface Page {
  title: string;
  /** The head of the page, before the sections. */
  summary: Html;
  sections: readonly Section[];
  /** Its id is `provenance`. */
  footer?: Html | undefined;
  /** How many segments have a colour of their own. */
  numSegments: number;
}

/** One self-contained page: no network, no script, every string of the data escaped. */
export function pageHtml({ title, summary, sections, footer, numSegments }: Page): string {
  const links: HtmlValue[] = [
    ...sections,
    ...(footer === undefined ? [] : [{ id: "provenance", short: "Provenance" }]),
  ].map(({ id, short }) => html`<li><a href="#${id}">${short}</a></li>`);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_SECURITY_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="couponcast">
<title>${title}</title>
<link rel="icon" href="data:,">
${styleHtml(numSegments)}
</head>
<body>
<a class="skip" href="#${sections[0]?.id ?? "summary"}">Skip to the ${(sections[0]?.short ?? "summary").toLowerCase()}</a>
<div class="page">
<nav aria-label="Contents"><ol>${links}</ol></nav>
<main>
${summary}
${sections.map(sectionHtml)}
</main>
${footer}
</div>
</body>
</html>
`.text;
}
