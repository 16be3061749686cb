import { featureTitle, featureValue } from "../features.js";
import { count, signed } from "../format.js";
import { type Html, html } from "../html.js";
import { type Column, foldedTable, STACKS } from "../table.js";
import type { View } from "../view.js";
import { segmentHtml } from "./section.js";

const ROWS_SHOWN = 60;

interface Row {
  position: number;
  key: string;
  mean: number | null;
  restMean: number | null;
  difference: number;
}

/** For each segment the features that set it apart, as bars to both sides; null where no profiles were made. */
export function differencesTable(view: View): Html | null {
  const rows = view.data.segments.segments.flatMap(({ differences = [] }, position) =>
    differences.flatMap((row): Row[] =>
      row.difference === null ? [] : [{ ...row, position, difference: row.difference }],
    ),
  );
  if (rows.length === 0) return null;
  const most = Math.max(Number.MIN_VALUE, ...rows.map(({ difference }) => Math.abs(difference)));
  const value = (key: string, mean: number | null) => featureValue({ key }, mean, view.money);
  const columns: Column<Row>[] = [
    { head: "Segment", cell: (r) => segmentHtml(r.position, view.segmentNames), className: "wide-cell" },
    { head: "Feature", cell: (r) => featureTitle({ key: r.key }), className: "wide-cell" },
    { head: "Mean", numeric: true, cell: (r) => value(r.key, r.mean) },
    { head: "Of all others", numeric: true, cell: (r) => value(r.key, r.restMean) },
    {
      head: "Lower ◂ ▸ higher",
      cell: (r) =>
        html`<span class="diverging ${r.difference < 0 ? "low" : "high"}" style="--part:${(Math.abs(r.difference) / most).toFixed(4)}"></span>`,
      className: "bar-cell",
    },
    { head: "Difference", numeric: true, cell: (r) => signed(r.difference, 2) },
  ];
  return html`<h3>What sets each segment apart</h3>
<p class="hint">The features in which a segment differs most from all other shoppers, in standard deviations within the two groups. segment_profiles.parquet has all of them.</p>
${foldedTable("What sets each segment apart", columns, rows, {
  shown: ROWS_SHOWN,
  others: (n) => `The other ${count(n)} differences`,
  className: STACKS,
})}`;
}
