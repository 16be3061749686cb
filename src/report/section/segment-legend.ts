import { legendOf } from "../chart/figure.js";
import { segmentColour } from "../chart/theme.js";
import { count } from "../format.js";
import { type Html, html } from "../html.js";

/** From here on the names of the colours fold away behind a colour scale. */
const NAMES_SHOWN = 12;

/** The colours of points that are users of segments; -1: of none. */
export function segmentLegend(names: readonly string[], points: readonly { segment: number }[]): Html {
  const entries = names.map((name, i) => ({ colour: segmentColour(i), name, mark: "dot" as const }));
  if (points.some(({ segment }) => names[segment] === undefined)) {
    entries.push({ colour: segmentColour(-1), name: "no segment", mark: "dot" });
  }
  if (entries.length <= NAMES_SHOWN) return legendOf(entries);
  return html`<div class="viridis"><span>${names[0]}</span><span class="ramp"></span><span>${names[names.length - 1]}</span></div>
<details class="numbers"><summary>All ${count(entries.length)} colours</summary>${legendOf(entries)}</details>`;
}
