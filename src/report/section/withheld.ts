import { count, percent, share } from "../format.js";
import { html } from "../html.js";
import { withheldSentence } from "../reasons.js";
import type { WithheldReason } from "../report-data.js";
import { type Column, STACKS, table } from "../table.js";
import { idHtml } from "../text.js";
import type { View } from "../view.js";
import { nothingToShow, paragraph, type Section } from "./section.js";

export function withheldSection({ data }: View): Section {
  const { numWithheldUsers, numUsers } = data.headline;
  const reasons = data.withheld.filter((r) => r.numUsers > 0).sort((a, b) => b.numUsers - a.numUsers);
  const most = Math.max(1, ...reasons.map((r) => r.numUsers));
  const columns: Column<WithheldReason>[] = [
    { head: "Why", cell: (r) => withheldSentence(r.code, r.sentence), className: "text-cell" },
    {
      head: "Shoppers",
      numeric: true,
      cell: (r) =>
        html`${count(r.numUsers)}<span class="bar" style="--part:${(r.numUsers / most).toFixed(4)};--c:var(--bound)"></span>`,
    },
    { head: "Of all", numeric: true, cell: (r) => percent(share(r.numUsers, numUsers)) },
    { head: "Reason code", cell: (r) => html`<code>${idHtml(r.code, 40)}</code>` },
  ];
  return {
    id: "withheld",
    short: "Withheld",
    title: "Who gets nothing, and why",
    body:
      reasons.length === 0
        ? nothingToShow("Every shopper considered gets a coupon.")
        : [
            paragraph(
              `${count(numWithheldUsers)} ${numWithheldUsers === 1 ? "shopper gets" : "shoppers get"} no coupon. Every one has a reason, in withheld.parquet; these are the reasons and how often they apply.`,
            ),
            table("Reasons for withholding a coupon", columns, reasons, STACKS),
          ],
  };
}
