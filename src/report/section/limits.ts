import type { ConstraintUse } from "../../allocate/constraint-use.js";
import { count } from "../format.js";
import { type Html, html } from "../html.js";
import { type Column, table } from "../table.js";
import type { View } from "../view.js";

/** Budgets and floors beyond the total: how far they were used, and what one more unit of each is worth. */
export function limitsTable({ data, money }: View): Html | null {
  if (data.limits.length === 0) return null;
  const amount = ({ counts }: ConstraintUse, of: number) =>
    counts === "money" ? money.amount(of) : `${count(of)} coupons`;
  const price = ({ kind, counts, multiplier }: ConstraintUse) => {
    if (!(multiplier > 0)) return "changes nothing";
    const worth = money.exact(counts === "money" ? multiplier * money.minorPerMajor : multiplier);
    return kind === "budget" ? `would bring ${worth}` : `costs ${worth}`;
  };
  const columns: Column<ConstraintUse>[] = [
    { head: "Limit", cell: ({ name }) => name },
    {
      head: "Allowed",
      numeric: true,
      cell: (limit) => `${limit.kind === "budget" ? "at most" : "at least"} ${amount(limit, limit.limit)}`,
    },
    { head: "Used", numeric: true, cell: (limit) => amount(limit, limit.used) },
    {
      head: `One more ${money.unit} or coupon`,
      numeric: true,
      title: "What the extra margin of the whole plan gains or loses when this limit moves by one.",
      cell: price,
    },
  ];
  return html`<h3>What the other limits cost</h3>${table("Budgets and floors", columns, data.limits)}`;
}
