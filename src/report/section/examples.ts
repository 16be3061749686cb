import type { AffinityDriver, ExampleCoupon, ExampleUser, ExampleWithheldUser } from "../example-data.js";
import { count, decimal, percent, percentWhole } from "../format.js";
import { type Html, type HtmlValue, html } from "../html.js";
import { withheldSentence } from "../reasons.js";
import { type Column, foldedTable, STACKS } from "../table.js";
import { idHtml, truncateMiddle } from "../text.js";
import type { View } from "../view.js";
import { nothingToShow, type Section, segmentHtml } from "./section.js";

const USERS_SHOWN = 12;
/** Drivers named in a sentence; the rest are counted. */
const DRIVERS_NAMED = 3;

export function examplesSection(view: View): Section {
  const { assigned, withheld } = view.data.examples;
  return {
    id: "examples",
    short: "Examples",
    title: "Some shoppers, and why",
    body: [
      html`<h3>With a coupon</h3>`,
      assigned.length === 0 ? nothingToShow("No shopper with a coupon to show.") : assignedTable(view, assigned),
      html`<h3>Without a coupon</h3>`,
      withheld.length === 0 ? nothingToShow("No shopper without a coupon to show.") : withheldTable(view, withheld),
    ],
  };
}

interface Row {
  user: ExampleUser;
  coupon: ExampleCoupon;
  /** 0 for the user's first coupon. */
  rank: number;
}

function assignedTable(view: View, users: readonly ExampleUser[]): Html {
  const { money } = view;
  const rows = users.flatMap((user) => user.coupons.map((coupon, rank): Row => ({ user, coupon, rank })));
  const columns: Column<Row>[] = [
    {
      head: "Shopper",
      cell: ({ user, rank }) =>
        html`${idHtml(user.userId, 22)}<span class="sub">${rank === 0 ? segmentHtml(user.segment, view.segmentNames) : `coupon ${rank + 1}`}</span>`,
      className: "name-cell",
    },
    {
      head: "Coupon, and why",
      cell: ({ coupon }) => html`<strong>${idHtml(coupon.couponId, 30)}</strong><br>${why(coupon)}`,
      className: "text-cell",
    },
    { head: "P(redeem)", numeric: true, cell: ({ coupon }) => percent(coupon.pRedeem) },
    { head: "Extra margin", numeric: true, cell: ({ coupon }) => money.exact(coupon.expectedValueMinor) },
    { head: "Cost", numeric: true, cell: ({ coupon }) => money.exact(coupon.expectedCostMinor) },
    {
      head: "Advantage",
      numeric: true,
      title: "Extra margin left after paying the shadow prices of budget and stock",
      cell: ({ coupon }) => money.exact(coupon.reducedValueMinor),
    },
  ];
  return html`<p class="hint">Extra margin and cost are expected values: what happens on redemption, times its chance. “Advantage” is the extra margin left after paying the shadow prices of budget and stock; where those run short, the largest advantage goes first.</p>
${foldedTable("Example shoppers with a coupon", columns, rows, {
  shown: USERS_SHOWN,
  others: (n) => `The other ${count(n)} examples`,
  className: `${STACKS} stacks-4`,
})}`;
}

/** How a score came about, by its source; for the sources that stand in for the shopper's own behaviour, why they do. */
const SOURCES: Record<string, string> = {
  "item-knn": "found by items that are chosen together",
  "user-knn": "found by shoppers with alike behaviour",
  saturated: "found by shoppers with alike behaviour, habits damped",
  segment: "new to these items, so the taste of the segment stands in for the shopper's own",
  rule: "what is usually bought with the latest basket is in its scope",
  popularity: "too little is known of this shopper, so what everybody likes stands in",
};

function why(coupon: ExampleCoupon): Html {
  const source = Object.hasOwn(SOURCES, coupon.source)
    ? SOURCES[coupon.source]
    : `scored by ${truncateMiddle(coupon.source, 30)}`;
  return html`${driversInWords(coupon.drivers)}<span class="muted">Affinity ${decimal(coupon.score)}: ${source}.</span>`;
}

function driversInWords(drivers: readonly AffinityDriver[]): Html {
  const parts: HtmlValue[] = [];
  for (const kind of ["item", "user"] as const) {
    const own = drivers.filter((d) => d.kind === kind);
    if (own.length === 0) continue;
    const named = own.slice(0, DRIVERS_NAMED).map(driverHtml);
    const more = own.length - named.length;
    const list: HtmlValue[] = named.map((n, i) => [
      i === 0 ? "" : i === named.length - 1 && more === 0 ? " and " : ", ",
      n,
    ]);
    if (more > 0) list.push(` and ${count(more)} more`);
    parts.push(
      kind === "item"
        ? html`Close to what this shopper already chose: ${list}. `
        : html`Wanted by alike shoppers: ${list}. `,
    );
  }
  return html`${parts}`;
}

function driverHtml({ id, share }: AffinityDriver): Html {
  return html`<strong>${idHtml(id, 24)}</strong>${share === null ? null : ` (${percentWhole(share)})`}`;
}

function withheldTable(view: View, users: readonly ExampleWithheldUser[]): Html {
  const columns: Column<ExampleWithheldUser>[] = [
    {
      head: "Shopper",
      cell: (u) => html`${idHtml(u.userId, 22)}<span class="sub">${segmentHtml(u.segment, view.segmentNames)}</span>`,
      className: "wide-cell",
    },
    {
      head: "Why not",
      cell: (u) => {
        const own = view.data.withheld.find((r) => r.code === u.code)?.sentence;
        return html`${withheldSentence(u.code, own)}${u.detail === undefined ? null : html` <span class="muted">${truncateMiddle(u.detail, 300)}</span>`}`;
      },
      className: "text-cell",
    },
    { head: "Reason code", cell: (u) => html`<code>${idHtml(u.code, 40)}</code>` },
  ];
  return foldedTable("Example shoppers without a coupon", columns, users, {
    shown: USERS_SHOWN,
    others: (n) => `The other ${count(n)} examples`,
    className: STACKS,
  });
}
