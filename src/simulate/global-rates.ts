/** The policy of a shop that has counted its past offers and no more. */
import type { Limits } from "../allocate/limits.js";
import { discountMinor, lowestThreshold } from "../campaign/coupon.js";
import type { Coupon } from "../campaign/coupon-schema.js";
import type { Executor } from "../executor/executor.js";
import { type OfferHistory, UNKNOWN_CONVERSION } from "../response/past-offers.js";
import { type Allocated, allocateBy, type Shape } from "./allocate-by.js";

export interface GlobalRates {
  /** Share of the offers that are redeemed. */
  redeem: number;
  /** Share of the offers that win an order. */
  extra: number;
  /** Mean of all orders. */
  orderMinor: number;
}

/** From past offers; without a control group every redeemed order counts as won. */
export function globalRates(history: OfferHistory, orderMinor: number): GlobalRates {
  const offers = [0, 0];
  const bought = [0, 0];
  let redeemed = 0;
  let isLogged = true;
  for (let i = 0; i < history.users.length; i++) {
    const group = history.treated[i]!;
    offers[group]!++;
    if (history.converted[i] === UNKNOWN_CONVERSION) isLogged = false;
    else bought[group]! += history.converted[i]!;
    if (group === 1) redeemed += history.redeemed[i]!;
  }
  const redeem = redeemed / Math.max(1, offers[1]!);
  const won = isLogged && offers[0]! > 0 ? bought[1]! / Math.max(1, offers[1]!) - bought[0]! / offers[0]! : redeem;
  return { redeem, extra: Math.min(redeem, Math.max(0, won)), orderMinor };
}

/** One redemption rate and one order value for everybody; allocated as usual. */
export function globalRatesPolicy(
  executor: Executor,
  shape: Shape,
  reasons: Uint8Array,
  limits: Limits,
  coupons: readonly Coupon[],
  marginRate: readonly number[],
  { redeem, extra, orderMinor }: GlobalRates,
): Promise<Allocated> {
  const worth = coupons.map((coupon, c) => {
    const order = Math.max(orderMinor, lowestThreshold(coupon));
    const faceMinor = discountMinor(coupon, order);
    const costMinor = redeem * faceMinor;
    const valueMinor = marginRate[c]! * (redeem * order - (redeem - extra) * orderMinor) - costMinor;
    return { valueMinor, costMinor, faceMinor };
  });
  return allocateBy(executor, shape, reasons, limits, (_, c) => worth[c]!);
}
