import { benefitTiers, horizonDays } from "../campaign/coupon.js";
import type { Coupon } from "../campaign/coupon-schema.js";
import { type DuckDb, quoteLiteral } from "../duckdb/duckdb.js";
import { shared } from "../executor/executor.js";
import { forEachYielding } from "../util/yield.js";

/** What a user is worth without any coupon. */
export interface UserEconomics {
  /** float64 [users] usual order value, minor units, > 0. */
  orderValue: Float64Array;
  /** float64 [users] orders a day. */
  purchaseRate: Float64Array;
}

/** Days of the whole shop's behaviour that a user's own history is blended with: short histories say little. */
const PRIOR_DAYS = 30;

/** Orders of the user's segment that a user's own are blended with: single orders differ more than users do. */
const PRIOR_ORDERS = 10;

/**
 * Order value: the user's mean blended with 10 orders of its segment's (else everybody's) mean, or of `defaultMinor`.
 * Purchase rate: (orders + r * 30 days) / (days observed + 30 days), with r everybody's orders a day: a gamma prior.
 */
export async function readEconomics(
  db: DuckDb,
  path: string,
  labels: Int32Array,
  segments: number,
  defaultMinor: number | undefined,
): Promise<UserEconomics> {
  const numUsers = labels.length;
  const orderValue = shared.f64(numUsers);
  const purchaseRate = shared.f64(numUsers);
  const frequency = new Float64Array(numUsers);
  const days = new Float64Array(numUsers);
  const sums = new Float64Array(segments + 1);
  const counts = new Float64Array(segments + 1);
  let orders = 0;
  let observed = 0;
  let row = 0;
  const sql = `SELECT order_value_minor, frequency, observed_days FROM read_parquet(${quoteLiteral(path)}) ORDER BY row`;
  for await (const { numRows, columns } of db.streamColumns(sql, ["F64", "I32", "F64"])) {
    for (let i = 0; i < numRows; i++, row++) {
      const value = columns[0][i]!;
      orderValue[row] = value;
      frequency[row] = columns[1][i]!;
      days[row] = Number.isNaN(columns[2][i]!) ? 0 : columns[2][i]!;
      orders += frequency[row]!;
      observed += days[row]!;
      if (value > 0) {
        const groups = labels[row]! >= 0 ? [labels[row]!, segments] : [segments];
        for (const group of groups) {
          sums[group]! += value;
          counts[group]!++;
        }
      }
    }
  }
  const everybody = defaultMinor ?? (counts[segments]! > 0 ? sums[segments]! / counts[segments]! : 1);
  const rate = observed > 0 ? orders / observed : 0;
  await forEachYielding(numUsers, (user) => {
    const label = labels[user]!;
    const alike = defaultMinor ?? (label >= 0 && counts[label]! > 0 ? sums[label]! / counts[label]! : everybody);
    const own = orderValue[user]!;
    orderValue[user] =
      own > 0 ? (frequency[user]! * own + PRIOR_ORDERS * alike) / (frequency[user]! + PRIOR_ORDERS) : alike;
    purchaseRate[user] = (frequency[user]! + rate * PRIOR_DAYS) / (days[user]! + PRIOR_DAYS);
  });
  return { orderValue, purchaseRate };
}

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
