import { barChart } from "../chart/bar-chart.js";
import { figure, legendOf } from "../chart/figure.js";
import { SPEND, VALUE } from "../chart/theme.js";
import { count, DASH, percent, share } from "../format.js";
import { type Html, type HtmlValue, html } from "../html.js";
import { narrative } from "../narrative.js";
import type { CouponSummary } from "../report-data.js";
import { type Column, foldedTable, STACKS, table } from "../table.js";
import { codeInWords, idHtml, truncateMiddle } from "../text.js";
import type { View } from "../view.js";
import { nothingToShow, type Section, segmentHtml } from "./section.js";

const ROWS_SHOWN = 15;

export async function decisionSection(view: View): Promise<Section> {
  return {
    id: "decision",
    short: "Decision",
    title: "What was decided, and why",
    body: [
      html`<ul class="findings">${narrative(view).map((sentence) => html`<li>${sentence}</li>\n`)}</ul>`,
      html`<h3>The coupons</h3>`,
      couponTable(view),
      await byCoupon(view),
      await bySegment(view),
    ],
  };
}

function couponTable(view: View): Html {
  const { couponsBySpend, money } = view;
  if (couponsBySpend.length === 0) return nothingToShow("The catalogue holds no coupon.");
  const columns: Column<CouponSummary>[] = [
    {
      head: "Coupon",
      cell: (c) =>
        html`${idHtml(c.id)}<span class="sub">${truncateMiddle(codeInWords(c.kind), 30)}: ${idHtml(c.offer, 80)}</span>`,
      className: "wide-cell",
    },
    { head: "Handed out", numeric: true, cell: (c) => count(c.numAssigned) },
    {
      head: "Stock",
      numeric: true,
      cell: (c) =>
        c.stock === null
          ? html`<span class="muted">unlimited</span>`
          : html`${count(c.stock)}<span class="sub">${percent(share(c.numAssigned, c.stock))} used</span>`,
    },
    {
      head: "Spend",
      numeric: true,
      cell: (c) =>
        html`${money.amount(c.expectedSpendMinor)}${c.budgetMinor === null ? null : html`<span class="sub">of ${money.amount(c.budgetMinor)}</span>`}`,
      title: "Expected discount; below it the coupon's own budget, if it has one",
    },
    { head: "Extra margin", numeric: true, cell: (c) => money.amount(c.expectedValueMinor) },
    { head: "Mean P(redeem)", numeric: true, cell: (c) => percent(c.meanPRedeem) },
    { head: "What limits it", cell: (c) => limitInWords(c, view), className: "wide-cell" },
  ];
  return html`${foldedTable("Coupons by expected spend", columns, couponsBySpend, {
    shown: ROWS_SHOWN,
    others: (n) => `The other ${count(n)} coupons, by spend`,
    className: STACKS,
  })}
<p class="hint">“What limits it” is the shadow price: what the plan would gain if that one limit were a little wider.</p>`;
}

/** The shadow prices of a coupon in a sentence. */
function limitInWords(c: CouponSummary, { money }: View): HtmlValue {
  const stock = c.stockMultiplierMinor ?? 0;
  const budget = c.budgetMultiplier ?? 0;
  const limits: string[] = [];
  if (stock > 0) limits.push(`Stock: one more piece would be worth ${money.exact(stock)}.`);
  if (budget > 0) {
    limits.push(`Its own budget: ${money.unit} more would bring ${money.exact(budget * money.minorPerMajor)}.`);
  }
  if (limits.length > 0) return limits.join(" ");
  const why =
    c.numAssigned === 0
      ? "Not used: no shopper for whom it is the best use of the budget."
      : c.stock === null && c.budgetMinor === null
        ? "Only the total budget."
        : "Not itself; there is enough of it.";
  return html`<span class="muted">${why}</span>`;
}

interface Bar {
  name: string;
  nameHtml: HtmlValue;
  spend: number;
  value: number;
  users: number;
}

async function byCoupon(view: View): Promise<Html> {
  const used = view.couponsBySpend.filter((c) => c.numAssigned > 0);
  if (used.length === 0) return nothingToShow("No coupon was handed out, so there is no spend to show.");
  const bars = used.map((c) => ({
    name: c.id,
    nameHtml: idHtml(c.id),
    spend: c.expectedSpendMinor,
    value: c.expectedValueMinor,
    users: c.numAssigned,
  }));
  return spendFigure(view, {
    key: "spend-by-coupon",
    title: "Spend and extra margin by coupon",
    caption: "Each coupon's expected discount, and the margin that it is expected to add.",
    noun: "coupons",
    countHead: "Handed out",
    bars,
  });
}

async function bySegment(view: View): Promise<Html> {
  const used = view.segmentsBySpend.filter(({ segment }) => segment.numAssignedUsers > 0);
  if (used.length === 0) return nothingToShow("No segment received coupons, so there is no spend by segment to show.");
  const bars = used.map(({ segment, position, name }) => ({
    name,
    nameHtml: segmentHtml(position, view.segmentNames),
    spend: segment.expectedSpendMinor,
    value: segment.expectedValueMinor,
    users: segment.numAssignedUsers,
  }));
  return spendFigure(view, {
    key: "spend-by-segment",
    title: "Spend and extra margin by segment",
    caption: "Where the budget goes, by the kind of shopper, and what it is expected to bring there.",
    noun: "segments",
    countHead: "Shoppers",
    bars,
  });
}

interface SpendFigure {
  key: string;
  title: string;
  caption: string;
  noun: string;
  countHead: string;
  bars: Bar[];
}

async function spendFigure(
  { money }: View,
  { key, title, caption, noun, countHead, bars }: SpendFigure,
): Promise<Html> {
  // Drawn as one bar the others would often dwarf all named ones; their sum is told in the caption instead.
  const rows = bars.length <= ROWS_SHOWN + 3 ? bars : bars.slice(0, ROWS_SHOWN);
  const others = bars.slice(rows.length);
  const sum = (pick: (bar: Bar) => number) => money.amount(others.reduce((total, bar) => total + pick(bar), 0));
  const variants = barChart({
    rows: rows.map((r) => r.name),
    series: [
      { name: "Expected spend", colour: SPEND, values: rows.map((r) => r.spend), label: money.compact },
      { name: "Expected extra margin", colour: VALUE, values: rows.map((r) => r.value), label: money.compact },
    ],
    axisName: `Amount (${money.currency})`,
    axisFormat: money.compact,
  });
  const folded =
    others.length === 0
      ? ""
      : ` Drawn are the ${rows.length} ${noun} with the most spend; the other ${count(others.length)} spend ${sum((b) => b.spend)} and add ${sum((b) => b.value)} together, and are among the numbers below.`;
  return figure({
    key,
    title,
    caption: caption + folded,
    ...variants,
    legend: legendOf([
      { colour: SPEND, name: "Expected spend" },
      { colour: VALUE, name: "Expected extra margin" },
    ]),
    table: table(title, numbersColumns(countHead, money), bars),
  });
}

function numbersColumns(countHead: string, money: View["money"]): Column<Bar>[] {
  const perUnit = (b: Bar) => share(b.value, b.spend);
  return [
    { head: "Name", cell: (b) => b.nameHtml },
    { head: countHead, numeric: true, cell: (b) => count(b.users) },
    { head: "Spend", numeric: true, cell: (b) => money.amount(b.spend) },
    { head: "Extra margin", numeric: true, cell: (b) => money.amount(b.value) },
    {
      head: `Margin per ${money.unit}`,
      numeric: true,
      cell: (b) => {
        const rate = perUnit(b);
        return rate === null ? DASH : money.exact(rate * money.minorPerMajor);
      },
    },
  ];
}
