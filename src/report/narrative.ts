import { count, gapInWords, percent, share } from "./format.js";
import { type Html, html } from "./html.js";
import { idHtml, plural } from "./text.js";
import type { View } from "./view.js";

/** The findings that a reader in a hurry takes away, most important first. Each follows from the numbers alone. */
export function narrative(view: View): Html[] {
  return [
    rule(view),
    budgetFinding(view),
    couponFinding(view),
    stockFinding(view),
    segmentFinding(view),
    gapFinding(view),
    holdoutFinding(view),
  ].filter((finding) => finding !== null);
}

function rule({ data: { headline } }: View): Html {
  const net = headline.valueBasis === "before-discount" ? "" : ", the discount deducted";
  return html`<strong>The rule.</strong> A coupon goes where it changes the most: we compare the margin expected with the coupon to the margin expected without it${net}, so that no money goes to those who would buy anyway. Among all ways to hand out the coupons within budget, stock and limits, the plan aims for the largest sum.`;
}

function budgetFinding({ data: { headline: h }, money }: View): Html | null {
  if (h.budgetMinor === 0)
    return html`<strong>No budget.</strong> The budget is zero, so only coupons without cost could be handed out.`;
  const left = h.budgetMinor - h.expectedSpendMinor;
  if (h.budgetMultiplier !== null && h.budgetMultiplier > 0) {
    const gain = money.exact(h.budgetMultiplier * money.minorPerMajor);
    return html`<strong>The budget is the limit.</strong> ${percent(share(h.expectedSpendMinor, h.budgetMinor))} of it is planned. A little more budget would bring about ${gain} of extra margin for each further ${money.unit}.`;
  }
  if (h.numAssignedUsers === 0 || left <= 0) return null;
  return html`<strong>The budget is not the limit.</strong> ${money.amount(left)} of ${money.amount(h.budgetMinor)} stays unspent, because no further coupon within the rules and the stock would add margin.`;
}

function couponFinding({ couponsBySpend, data: { headline: h } }: View): Html | null {
  const used = couponsBySpend.filter((c) => c.numAssigned > 0);
  const top = used[0];
  if (!top) return null;
  const spend = share(top.expectedSpendMinor, h.expectedSpendMinor);
  const value = share(top.expectedValueMinor, h.expectedValueMinor);
  return html`<strong>${count(used.length)} of ${count(couponsBySpend.length)} ${plural(couponsBySpend.length, "coupon")} ${plural(used.length, "is", "are")} used.</strong> The largest is ${idHtml(top.id)}: ${percent(spend)} of the spend and ${percent(value)} of the extra margin.`;
}

function stockFinding({ data: { coupons }, money }: View): Html | null {
  const scarce = coupons
    .filter((c) => c.stock !== null && (c.stockMultiplierMinor ?? 0) > 0)
    .sort((a, b) => (b.stockMultiplierMinor ?? 0) - (a.stockMultiplierMinor ?? 0));
  const top = scarce[0];
  if (!top) return null;
  return html`<strong>${count(scarce.length)} ${plural(scarce.length, "coupon is", "coupons are")} held back by stock.</strong> ${scarce.length > 1 ? "The scarcest is " : "It is "}${idHtml(top.id)}: one more piece would be worth ${money.exact(top.stockMultiplierMinor)}.`;
}

function segmentFinding({ segmentsBySpend, data }: View): Html | null {
  const top = segmentsBySpend[0];
  const users = data.segments.segments.reduce((sum, s) => sum + s.numUsers, 0);
  if (!top || segmentsBySpend.length < 2 || top.segment.numAssignedUsers === 0) return null;
  const spend = share(top.segment.expectedSpendMinor, data.headline.expectedSpendMinor);
  return html`<strong>The segment with the most spend is <bdi>${top.name}</bdi>.</strong> They are ${percent(share(top.segment.numUsers, users))} of the shoppers in a segment and receive ${percent(spend)} of the spend.`;
}

function gapFinding({ data: { headline: h }, money }: View): Html | null {
  const words = gapInWords(h.expectedValueMinor, h.upperBoundMinor);
  if (words === null || h.numAssignedUsers === 0) return null;
  return html`<strong>The plan is ${words}.</strong> This is proven, not estimated: with these expectations no plan within the limits can earn more than ${money.amount(h.upperBoundMinor)}.`;
}

function holdoutFinding({ data: { headline: h } }: View): Html | null {
  if (h.numHeldOutUsers === 0) return null;
  return html`<strong>The effect will be measurable.</strong> ${count(h.numHeldOutUsers)} shoppers, chosen by lot, get nothing. Comparing the others with them shows later what the coupons really added.`;
}
