import { count } from "../format.js";
import { type Html, html } from "../html.js";
import type { Provenance } from "../report-data.js";
import { type Column, STACKS, table } from "../table.js";
import { idHtml, truncateMiddle } from "../text.js";
import type { View } from "../view.js";

/** Where the numbers come from: enough to make the same report again. */
export function provenanceHtml({ data: { provenance: p } }: View): Html {
  const columns: Column<Provenance["inputs"][number]>[] = [
    { head: "Input", cell: (i) => truncateMiddle(i.role, 30) },
    { head: "File", cell: (i) => idHtml(i.path, 60) },
    { head: "Bytes", numeric: true, cell: (i) => count(i.bytes) },
    { head: "Digest", cell: (i) => html`<code>${idHtml(i.digest, 40)}</code>` },
  ];
  const settings = [
    { label: "Seed", value: String(p.seed) },
    ...p.settings,
    ...p.versions.map((v) => ({ label: v.name, value: v.version })),
  ];
  return html`<footer id="provenance">
<h2>Where this report comes from</h2>
<dl class="settings">${settings.map((s) => html`<div><dt>${truncateMiddle(s.label, 40)}</dt><dd>${idHtml(s.value, 64)}</dd></div>\n`)}</dl>
${p.inputs.length > 0 ? table("Inputs and their digests", columns, p.inputs, STACKS) : null}
<p class="hint">The same inputs, campaign and seed give the same report, byte for byte. It needs no network and runs no script.</p>
</footer>
`;
}
