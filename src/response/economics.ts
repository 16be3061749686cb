import { benefitTiers, horizonDays } from "../campaign/coupon.js";
import type { Coupon } from "../campaign/coupon-schema.js";
import { shared } from "../executor/executor.js";

/** The coupons' benefits and horizons as kernels take them. */
export function couponArrays(coupons: readonly Coupon[], asOfMs: number, timeZone: string) {
  const tiers = coupons.map((coupon) => benefitTiers(coupon));
  const count = tiers.reduce((sum, list) => sum + list.length, 0);
  const arrays = {
    tierIndptr: shared.i32(coupons.length + 1),
    tierThreshold: shared.f64(count),
    tierAmount: shared.f64(count),
    tierPercent: shared.f64(count),
    tierMaxDiscount: shared.f64(count),
  };
  let at = 0;
  for (const [j, list] of tiers.entries()) {
    for (const tier of list) {
      arrays.tierThreshold[at] = tier.thresholdMinor;
      arrays.tierAmount[at] = tier.amountMinor ?? 0;
      arrays.tierPercent[at] = tier.percent ?? 0;
      arrays.tierMaxDiscount[at] = tier.maxDiscountMinor ?? Number.POSITIVE_INFINITY;
      at++;
    }
    arrays.tierIndptr[j + 1] = at;
  }
  const horizon = shared.f64(coupons.length);
  for (const [j, coupon] of coupons.entries()) horizon[j] = horizonDays(coupon, asOfMs, timeZone);
  return { tiers: arrays, horizonDays: horizon };
}
