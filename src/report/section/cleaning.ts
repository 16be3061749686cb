import { figure, legendOf } from "../chart/figure.js";
import { ACCENT, SPEND, VALUE } from "../chart/theme.js";
import { type WaterfallStep, waterfallChart } from "../chart/waterfall-chart.js";
import { compactCount, count, percent, share } from "../format.js";
import { type Html, html } from "../html.js";
import { rejectionInWords } from "../reasons.js";
import type { CleaningSummary } from "../report-data.js";
import { type Column, table } from "../table.js";
import { capitalised, idHtml, truncateMiddle } from "../text.js";
import type { View } from "../view.js";
import { nothingToShow, paragraph, type Section } from "./section.js";

const REASONS_DRAWN = 12;

export async function cleaningSection({ data: { cleaning } }: View): Promise<Section> {
  const rejected = cleaning.rejected.filter((r) => r.rows > 0).sort((a, b) => b.rows - a.rows);
  const numRejected = rejected.reduce((sum, r) => sum + r.rows, 0);
  const missing = cleaning.rowsRead - numRejected - cleaning.rowsAccepted;
  return {
    id: "cleaning",
    short: "Data",
    title: "What the data is made of",
    body:
      cleaning.rowsRead === 0
        ? nothingToShow("No rows of behaviour were read.")
        : [
            paragraph(
              `${count(cleaning.rowsRead)} rows of behaviour were read and ${count(cleaning.rowsAccepted)} accepted (${percent(share(cleaning.rowsAccepted, cleaning.rowsRead))}). They sum up to ${count(cleaning.numCells)} distinct pairs of ${count(cleaning.numUsers)} shoppers and ${count(cleaning.numItems)} items. Every rejected row is kept, with its reason, in rejected.parquet.`,
            ),
            // Every row has one fate; a sum that does not close is a fault of the run, and is not to be hidden.
            missing === 0
              ? null
              : html`<div class="note-box"><p><strong>The counts do not add up.</strong> ${count(Math.abs(missing))} rows are neither accepted nor rejected, or are counted twice.</p></div>`,
            await funnel(cleaning, rejected),
          ],
  };
}

function funnel(cleaning: CleaningSummary, rejected: CleaningSummary["rejected"]): Promise<Html> {
  const drawn = rejected.length <= REASONS_DRAWN + 1 ? rejected : rejected.slice(0, REASONS_DRAWN);
  const others = rejected.slice(drawn.length).reduce((sum, r) => sum + r.rows, 0);
  const losses = drawn.map((r) => ({ name: capitalised(rejectionInWords(r.reason)), rows: r.rows }));
  if (others > 0) losses.push({ name: "Other reasons", rows: others });
  let left = cleaning.rowsRead;
  const steps: WaterfallStep[] = [
    { name: "Rows read", from: 0, to: left, colour: SPEND, label: count(left) },
    ...losses.map(({ name, rows }) => {
      const from = left;
      left = Math.max(0, left - rows);
      const label = `−${compactCount(rows)} (${percent(share(rows, cleaning.rowsRead))})`;
      return { name: truncateMiddle(name, 40), from, to: left, colour: ACCENT, label };
    }),
    { name: "Rows accepted", from: 0, to: cleaning.rowsAccepted, colour: VALUE, label: count(cleaning.rowsAccepted) },
    { name: "Matrix cells", from: 0, to: cleaning.numCells, colour: VALUE, label: count(cleaning.numCells) },
  ];
  const columns: Column<CleaningSummary["rejected"][number]>[] = [
    { head: "Rejected because", cell: (r) => capitalised(rejectionInWords(r.reason)), className: "wide-cell" },
    { head: "Rows", numeric: true, cell: (r) => count(r.rows) },
    { head: "Of rows read", numeric: true, cell: (r) => percent(share(r.rows, cleaning.rowsRead)) },
    { head: "Reason code", cell: (r) => html`<code>${idHtml(r.reason, 40)}</code>` },
  ];
  return figure({
    key: "cleaning-funnel",
    title: "From rows read to matrix cells",
    caption:
      "Each row that was read is either accepted or rejected for one reason. A matrix cell is one shopper and one item, however often they met.",
    ...waterfallChart(steps, "Rows", compactCount),
    legend: legendOf([
      { colour: SPEND, name: "Read" },
      { colour: ACCENT, name: "Rejected" },
      { colour: VALUE, name: "Kept" },
    ]),
    table:
      rejected.length === 0
        ? nothingToShow("No row was rejected.")
        : table("Rejected rows by reason", columns, rejected),
  });
}
