import { invalidArgument } from "../errors.js";
import type { Coupon } from "./coupon-schema.js";
import { parseInstant } from "./instant.js";

/** Days that a coupon without ttlDays and validUntil is looked ahead for. */
const DEFAULT_HORIZON_DAYS = 30;
const DAY_MS = 86_400_000;

/** One step of a discount. Exactly one of amountMinor and percent is not null. */
export interface BenefitTier {
  /** smallest order value that earns it, minor units */
  thresholdMinor: number;
  /** amount off, minor units */
  amountMinor: number | null;
  /** percent off, 0 < percent <= 100, at most 4 decimals */
  percent: number | null;
  /** the discount never exceeds this; null: no cap */
  maxDiscountMinor: number | null;
}

/**
 * The benefit of any coupon kind as tiers, ascending by threshold (equal thresholds: in the order of the coupon).
 * A coupon's own thresholdMinor holds for each of its tiers.
 */
export function benefitTiers(coupon: Coupon): BenefitTier[] {
  const maxDiscountMinor = coupon.maxDiscountMinor ?? null;
  if (coupon.tiers !== undefined) {
    return coupon.tiers
      .map((tier) => ({
        thresholdMinor: Math.max(tier.thresholdMinor, coupon.thresholdMinor),
        amountMinor: tier.amountMinor,
        percent: null,
        maxDiscountMinor,
      }))
      .sort((a, b) => a.thresholdMinor - b.thresholdMinor);
  }
  const amountMinor = coupon.amountMinor ?? null;
  const percent = amountMinor === null ? (coupon.percent ?? null) : null;
  return [{ thresholdMinor: coupon.thresholdMinor, amountMinor, percent, maxDiscountMinor }];
}

/** floor(value * percent / 100), exact: the product of two doubles would round 19.99 % of 100.00 down by a cent. */
function percentOf(valueMinor: number, percent: number): number {
  const millionths = Math.round(percent * 10_000);
  const millions = Math.floor(valueMinor / 1_000_000);
  const rest = valueMinor - millions * 1_000_000;
  return millions * millionths + Math.floor((rest * millionths) / 1_000_000);
}

/**
 * Discount in minor units on an order of this value in scope (minor units; a fraction is cut off): the best tier
 * whose threshold the order meets, rounded down, at most the cap and at most the order value. Never negative.
 */
export function discountMinor(coupon: Coupon, orderValueMinor: number): number {
  if (!(orderValueMinor > 0)) return 0;
  const order = Math.floor(orderValueMinor);
  let best = 0;
  for (const tier of benefitTiers(coupon)) {
    if (order < tier.thresholdMinor) continue;
    const raw = tier.amountMinor ?? percentOf(order, tier.percent ?? 0);
    best = Math.max(best, Math.min(raw, tier.maxDiscountMinor ?? raw, order));
  }
  return best;
}

/** The smallest order value, minor units, that gets anything. */
export function lowestThreshold(coupon: Coupon): number {
  return Math.min(...benefitTiers(coupon).map(({ thresholdMinor }) => thresholdMinor));
}

/** When a coupon can be handed out and redeemed: [fromMs, untilMs) since 1970, null where it is open. */
export interface ValidityWindow {
  fromMs: number | null;
  untilMs: number | null;
}

/**
 * The coupon's window. Times without an offset are read in its time zone, else in `campaignTimeZone`.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT for a text that is no ISO 8601 time (loaders have checked it before).
 */
export function validityWindow(coupon: Coupon, campaignTimeZone = "UTC"): ValidityWindow {
  const zone = coupon.timeZone ?? campaignTimeZone;
  const read = (field: "validFrom" | "validUntil"): number | null => {
    const text = coupon[field];
    if (text === undefined) return null;
    const ms = parseInstant(text, zone);
    if (ms === undefined) {
      throw invalidArgument(
        `coupon ${JSON.stringify(coupon.id)}: ${field}: expected an ISO 8601 time but received ${JSON.stringify(text)}`,
        { field: `coupons.${coupon.id}.${field}` },
      );
    }
    return ms;
  };
  return { fromMs: read("validFrom"), untilMs: read("validUntil") };
}

/** Whether the instant lies in the coupon's window (from inclusive, until exclusive). Stock is not looked at. */
export function isActive(coupon: Coupon, asOfMs: number, campaignTimeZone = "UTC"): boolean {
  const { fromMs, untilMs } = validityWindow(coupon, campaignTimeZone);
  return (fromMs === null || fromMs <= asOfMs) && (untilMs === null || asOfMs < untilMs);
}

/**
 * Days (of 24 h, may be a fraction, never negative) in which a coupon handed out at asOf can be redeemed:
 * the smaller of ttlDays and the time to validUntil; DEFAULT_HORIZON_DAYS when the coupon has neither.
 */
export function horizonDays(coupon: Coupon, asOfMs: number, campaignTimeZone = "UTC"): number {
  return horizonBefore(coupon, validityWindow(coupon, campaignTimeZone).untilMs, asOfMs);
}

/** The same for a known end of the coupon's window: for many offers of few coupons. */
export function horizonBefore(coupon: Coupon, untilMs: number | null, asOfMs: number): number {
  const ttl = coupon.ttlDays ?? Number.POSITIVE_INFINITY;
  const toEnd = untilMs === null ? Number.POSITIVE_INFINITY : (untilMs - asOfMs) / DAY_MS;
  const days = Math.min(ttl, toEnd);
  return days === Number.POSITIVE_INFINITY ? DEFAULT_HORIZON_DAYS : Math.max(0, days);
}
