import { benefitTiers } from "../campaign/coupon.js";
import type { Coupon } from "../campaign/coupon-schema.js";

/** What the shopper gets, in a few words: "10 % off orders from €30.00, at most €15.00". */
export function describeOffer(coupon: Coupon, currency: string): string {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  const money = (minor: number) => format.format(minor / 10 ** digits);
  const offers = benefitTiers(coupon).map(({ thresholdMinor, amountMinor, percent }) => {
    const off = amountMinor === null ? `${percent} % off` : `${money(amountMinor)} off`;
    return thresholdMinor > 0 ? `${off} orders from ${money(thresholdMinor)}` : off;
  });
  const most = coupon.maxDiscountMinor === undefined ? "" : `, at most ${money(coupon.maxDiscountMinor)}`;
  return offers.join("; ") + most;
}
