import { type Html, type HtmlValue, html } from "../html.js";

export interface Section {
  id: string;
  /** In the list of contents. */
  short: string;
  title: string;
  body: HtmlValue;
}

export function sectionHtml({ id, title, body }: Section): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${body}
</section>
`;
}

export const paragraph = (...content: HtmlValue[]): Html => html`<p>${content}</p>\n`;

/** In place of a chart or table for which there is no data: says so, instead of an empty frame. */
export const nothingToShow = (sentence: string): Html => html`<p class="nothing">${sentence}</p>\n`;

/** The name of a segment with the colour that it has in the charts. */
export function segmentHtml(position: number, names: readonly string[]): Html {
  const name = names[position];
  if (name === undefined)
    return html`<span class="segment"><span class="dot" style="--c:var(--muted)"></span>no segment</span>`;
  return html`<span class="segment"><span class="dot" style="--c:var(--seg-${position})"></span><bdi>${name}</bdi></span>`;
}
