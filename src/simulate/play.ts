import type { Limits } from "../allocate/limits.js";
import type { Truth } from "./truth.js";

/** Coupons in the order in which they are handed out. */
export interface Handouts {
  users: Int32Array | number[];
  coupons: Int32Array | number[];
}

/** What a policy really earns. Expected numbers: nothing is drawn, so nothing is noise. */
export interface Played {
  /** Margin that would not have been, less discounts; minor units. */
  profitMinor: number;
  /** Discounts paid. */
  spendMinor: number;
  handedOut: number;
  redemptions: number;
  /** Of the redemptions, those of orders that would have been made anyway. */
  redeemedAnyway: number;
  /** Coupons that the limits, the budget or eligibility kept back. */
  keptBack: number;
}

/**
 * Hands coupons out in the given order and adds up what they earn. As at a till, money is counted as it is really spent:
 * a coupon goes out only while its expected true cost fits all budgets, a piece is in stock, the user may have it and
 * is below its caps. A policy that reckons costs too low so runs out of money before its end.
 *
 * @param reasons uint8 [users * coupons] 0: the user may have the coupon
 * Cost: the handouts.
 */
export function play(truth: Truth, reasons: Uint8Array, limits: Limits, { users, coupons }: Handouts): Played {
  const { numCoupons } = truth;
  let budget = limits.budgetMinor ?? Number.POSITIVE_INFINITY;
  const own = limits.coupons.map(({ budgetMinor }) => budgetMinor ?? Number.POSITIVE_INFINITY);
  const stock = limits.coupons.map((coupon) => coupon.stock ?? Number.POSITIVE_INFINITY);
  const held = new Map<number, number[]>();
  const result: Played = {
    profitMinor: 0,
    spendMinor: 0,
    handedOut: 0,
    redemptions: 0,
    redeemedAnyway: 0,
    keptBack: 0,
  };
  for (let i = 0; i < users.length; i++) {
    const user = users[i]!;
    const coupon = coupons[i]!;
    const at = user * numCoupons + coupon;
    const cost = truth.costMinor[at]!;
    const others = held.get(user) ?? [];
    const group = limits.coupons[coupon]!.exclusiveGroup;
    const clashes = others.some(
      (other) => other === coupon || (group !== undefined && limits.coupons[other]!.exclusiveGroup === group),
    );
    const fits = cost <= budget && cost <= own[coupon]! && stock[coupon]! >= 1;
    if (reasons[at] !== 0 || !fits || clashes || others.length >= (limits.perUser ?? 1)) {
      result.keptBack++;
      continue;
    }
    held.set(user, [...others, coupon]);
    budget -= cost;
    own[coupon]! -= cost;
    stock[coupon]!--;
    result.handedOut++;
    result.profitMinor += truth.profitMinor[at]!;
    result.spendMinor += cost;
    result.redemptions += truth.redeem[at]!;
    result.redeemedAnyway += Math.max(0, truth.redeem[at]! - truth.extra[at]!);
  }
  return result;
}
