import { count, DASH, gapInWords, gapPercent, percent, share } from "../format.js";
import { type Html, type HtmlValue, html } from "../html.js";
import { idHtml, plural, truncateMiddle } from "../text.js";
import type { View } from "../view.js";

/** The head of the report: the decision in one sentence, its key figures, and what became of all users. */
export function summaryHtml(view: View): Html {
  const { headline } = view.data;
  return html`<header class="summary" id="summary">
<p class="eyebrow">Coupon distribution report</p>
<h1>${idHtml(headline.campaignName, 90)}</h1>
<p class="meta">Decided as of ${truncateMiddle(headline.asOf, 60)} · all amounts in ${headline.currency}</p>
<p class="lead">${leadSentence(view)}</p>
${keyFigures(view)}
${shoppersBar(view)}
</header>
`;
}

function leadSentence({ data: { headline: h }, money }: View): HtmlValue {
  if (h.numAssignedUsers === 0) {
    return html`<strong>No shopper gets a coupon.</strong> Of ${count(h.numUsers)} ${plural(h.numUsers, "shopper")} considered, none could be given one within the budget of ${money.amount(h.budgetMinor)} and the rules of the catalogue.`;
  }
  const basis = h.valueBasis === "before-discount" ? "before the discounts are paid" : "after the discounts are paid";
  return html`<strong>${count(h.numAssignedUsers)} of ${count(h.numUsers)} shoppers get a coupon.</strong> We expect them to redeem ${money.amount(h.expectedSpendMinor)} in discounts, within the budget of ${money.amount(h.budgetMinor)}, and to bring <strong>${money.amount(h.expectedValueMinor)} of extra margin</strong> (${basis}) that we would not earn without the coupons.`;
}

function keyFigures(view: View): Html {
  const { data, money, roi } = view;
  const h = data.headline;
  const used = share(h.expectedSpendMinor, h.budgetMinor);
  const perUnit = share(h.expectedValueMinor, h.expectedSpendMinor);
  const words = gapInWords(h.expectedValueMinor, h.upperBoundMinor);
  return html`<dl class="figures">
${figure("Expected extra margin", money.amount(h.expectedValueMinor), [
  h.valueBasis === "before-discount"
    ? `${money.amount(h.expectedValueMinor - h.expectedSpendMinor)} after the discounts`
    : "discounts already deducted",
])}
${figure("Expected spend", money.amount(h.expectedSpendMinor), [
  used === null ? "the budget is zero" : `${percent(used)} of the budget of ${money.amount(h.budgetMinor)}`,
  used === null ? null : html`<span class="meter" style="--part:${Math.min(1, used).toFixed(4)}"></span>`,
])}
${figure("Expected return (ROI)", roi === null ? DASH : percent(roi), [
  perUnit === null
    ? "nothing is spent"
    : `${money.exact(perUnit * money.minorPerMajor)} of extra margin for each ${money.unit} of discount`,
])}
${figure("Shoppers with a coupon", count(h.numAssignedUsers), [
  `${percent(share(h.numAssignedUsers, h.numUsers))} of those considered; ${count(h.numAssignments)} ${plural(h.numAssignments, "coupon")} in all`,
])}
${figure("Distance to the best plan", view.gap === null ? DASH : `${view.gap > 0 ? "≤ " : ""}${gapPercent(view.gap)}`, [
  words === null
    ? "no upper bound was computed"
    : `The plan is ${words}: no plan within the limits earns more than ${money.amount(h.upperBoundMinor)}.`,
])}
${figure("Held out to measure", count(h.numHeldOutUsers), [
  h.numHeldOutUsers === 0
    ? "nobody: the effect cannot be measured later"
    : `${percent(share(h.numHeldOutUsers, h.numUsers))} of shoppers, by lot, get nothing so that the effect can be measured`,
])}
</dl>`;
}

function figure(term: string, value: string, notes: readonly HtmlValue[]): Html {
  return html`<div><dt>${term}</dt><dd class="value">${value}</dd><dd class="note">${notes}</dd></div>`;
}

function shoppersBar({ data: { headline: h } }: View): Html | null {
  if (h.numUsers <= 0) return null;
  const parts = [
    { name: "with a coupon", users: h.numAssignedUsers, colour: "var(--value)" },
    { name: "withheld", users: h.numWithheldUsers, colour: "var(--bound)" },
    { name: "held out to measure", users: h.numHeldOutUsers, colour: "var(--spend)" },
  ];
  const bars = parts
    .filter((p) => p.users > 0)
    .map((p) => html`<span style="--c:${p.colour};flex-grow:${((p.users / h.numUsers) * 1000).toFixed(3)}"></span>`);
  const names = parts.map(
    (p) =>
      html`<li><span class="key box" style="--c:${p.colour}"></span><strong>${count(p.users)}</strong> ${p.name} <span class="muted">(${percent(share(p.users, h.numUsers))})</span></li>`,
  );
  return html`<div class="split" aria-hidden="true">${bars}</div><ul class="legend">${names}</ul>`;
}
