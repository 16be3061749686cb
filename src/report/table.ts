import { type Html, type HtmlValue, html } from "./html.js";

/** Class of a table whose rows become cards on a narrow screen, each cell with its column's name in front. */
export const STACKS = "stacks";

export interface Column<Row> {
  head: string;
  cell: (row: Row, index: number) => HtmlValue;
  /** Numbers stand right-aligned, digit under digit. */
  numeric?: boolean;
  /** Explains the column in a tooltip. */
  title?: string;
  className?: string;
}

/**
 * A table in a container that scrolls by itself when the table is wider than the page, reachable by keyboard.
 * The first column names the row.
 */
export function table<Row>(label: string, columns: readonly Column<Row>[], rows: readonly Row[], className = ""): Html {
  const head = columns.map(
    (c) =>
      html`<th scope="col" class="${classes(c)}"${c.title === undefined ? null : html` title="${c.title}"`}>${c.head}</th>`,
  );
  const stacks = className.startsWith(STACKS);
  const body = rows.map((row, index) => {
    const cells = columns.map((c, i) =>
      i === 0
        ? html`<th scope="row" class="${classes(c)}">${c.cell(row, index)}</th>`
        : html`<td class="${classes(c)}"${stacks ? html` data-label="${c.head}"` : null}>${c.cell(row, index)}</td>`,
    );
    return html`<tr>${cells}</tr>\n`;
  });
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table class="${className}">
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody></table></div>`;
}

function classes<Row>(column: Column<Row>): string {
  return [column.numeric ? "num" : "", column.className ?? ""].filter((c) => c !== "").join(" ");
}

/** The first `shown` rows as a table, the others in a second one that unfolds: nothing is left out. */
export function foldedTable<Row>(
  label: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { shown, others, className = "" }: { shown: number; others: (count: number) => string; className?: string },
): Html {
  const first = table(label, columns, rows.slice(0, shown), className);
  // A fold that hides two or three rows costs more attention than the rows.
  if (rows.length <= shown + 3) return table(label, columns, rows, className);
  const rest = rows.slice(shown);
  const restLabel = others(rest.length);
  return html`${first}<details class="rest"><summary>${restLabel}</summary>${table(restLabel, columns, rest, className)}</details>`;
}
