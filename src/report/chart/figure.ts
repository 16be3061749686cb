import { setImmediate } from "node:timers/promises";
import { type Html, html } from "../html.js";
import { type ChartOption, type ChartSize, renderChart } from "./svg-chart.js";

export interface FigureOptions {
  /** Unique in the page. */
  key: string;
  title: string;
  /** What to see in it, one or two sentences: caption and text alternative. */
  caption: string;
  /** Drawn once for wide and once for narrow screens; CSS shows one of them. `narrow` undefined: one fits both. */
  wide: ChartSize & { option: ChartOption };
  narrow?: ChartSize & { option: ChartOption };
  legend?: Html;
  /** The numbers behind the chart, folded away. */
  table: Html;
}

/** A chart with its title, legend, caption and numbers. */
export async function figure({ key, title, caption, wide, narrow, legend, table }: FigureOptions): Promise<Html> {
  const label = `${title}. ${caption}`;
  const draw = async (variant: ChartSize & { option: ChartOption }, suffix: string) => {
    // A chart takes some milliseconds of this thread; between two of them others get their turn.
    await setImmediate();
    const { option, width, height } = variant;
    return renderChart(`${key}${suffix}`, label, { width, height }, option);
  };
  const wideSvg = await draw(wide, "-w");
  const narrowSvg = narrow && (await draw(narrow, "-n"));
  const charts = narrowSvg
    ? html`<div class="wide-only">${wideSvg}</div><div class="narrow-only">${narrowSvg}</div>`
    : html`<div class="any-width">${wideSvg}</div>`;
  return html`<figure id="${key}" class="figure">
<h3>${title}</h3>
${legend}
${charts}
<figcaption>${caption}</figcaption>
<details class="numbers"><summary>The numbers behind this chart</summary>${table}</details>
</figure>
`;
}

/** Names of colours under a chart's title. */
export function legendOf(entries: readonly { colour: string; name: string; mark?: "line" | "dash" | "dot" }[]): Html {
  const items = entries.map(
    ({ colour, name, mark }) => html`<li><span class="key ${mark ?? "box"}" style="--c:${colour}"></span>${name}</li>`,
  );
  return html`<ul class="legend">${items}</ul>`;
}
