/** What had come of a user's offers before a moment. */
import { horizonBefore, validityWindow } from "../campaign/coupon.js";
import type { Coupon } from "../campaign/coupon-schema.js";
import { shared } from "../executor/executor.js";
import { Int64Numbers } from "../util/int64.js";
import { forEachYielding } from "../util/yield.js";

/** Past offers: user row, coupon position, time and what came of it. By user, then time. */
export interface OfferHistory {
  users: Int32Array;
  coupons: Int32Array;
  /** Microseconds since 1970. */
  times: BigInt64Array;
  redeemed: Uint8Array;
  /** 0: chosen, but withheld by lot */
  treated: Uint8Array;
  /** 1: bought in the coupon's scope in its time; UNKNOWN_CONVERSION where nobody knows */
  converted: Uint8Array;
}

export const UNKNOWN_CONVERSION = 255;

/** Some of the offers, in shared memory. `rows`: int32, ascending */
export async function offersAt(history: OfferHistory, rows: Int32Array): Promise<OfferHistory> {
  const count = rows.length;
  const some: OfferHistory = {
    users: shared.i32(count),
    coupons: shared.i32(count),
    times: shared.i64(count),
    redeemed: shared.u8(count),
    treated: shared.u8(count),
    converted: shared.u8(count),
  };
  await forEachYielding(count, (at) => {
    const row = rows[at]!;
    some.users[at] = history.users[row]!;
    some.coupons[at] = history.coupons[row]!;
    some.times[at] = history.times[row]!;
    some.redeemed[at] = history.redeemed[row]!;
    some.treated[at] = history.treated[row]!;
    some.converted[at] = history.converted[row]!;
  });
  return some;
}

export interface PastOffers {
  /** float64 [moments] offers received whose time was over */
  received: Float64Array;
  /** float64 [moments] of these, the redeemed */
  redeemed: Float64Array;
  /** Redemptions an offer, over the whole history; > 0. */
  rate: number;
}

/** float64 [offers] days in which each could be redeemed, in shared memory. */
export function offerHorizons(
  { coupons: positions, times }: OfferHistory,
  coupons: readonly Coupon[],
  timeZone: string,
): Float64Array {
  const ends = coupons.map((coupon) => validityWindow(coupon, timeZone).untilMs);
  const horizons = shared.f64(positions.length);
  const micros = new Int64Numbers(times);
  for (let i = 0; i < horizons.length; i++) {
    const coupon = positions[i]!;
    horizons[i] = horizonBefore(coupons[coupon]!, ends[coupon]!, micros.at(i) / 1000);
  }
  return horizons;
}

const DAY_MICROS = 86_400_000_000;

/**
 * Counts what was known at each moment: an offer counts from the end of its time on (offered + horizonDays, strictly
 * before the moment), since until then nobody knows whether it will be redeemed. Withheld offers do not count.
 * Cost: O(offers log(offers a user) + moments). Memory: 16 bytes a moment.
 *
 * @param users int32 [moments] rows, ascending
 * @param moments int64 [moments] microseconds since 1970, ascending within a user
 */
export async function pastOffersAt(
  history: OfferHistory,
  coupons: readonly Coupon[],
  timeZone: string,
  users: Int32Array,
  moments: BigInt64Array,
): Promise<PastOffers> {
  const received = new Float64Array(users.length);
  const redeemed = new Float64Array(users.length);
  const count = history.users.length;
  const ends = coupons.map((coupon) => validityWindow(coupon, timeZone).untilMs);
  const offeredAt = new Int64Numbers(history.times);
  const momentAt = new Int64Numbers(moments);
  let next = 0;
  let owner = -1;
  let over: number[] = [];
  let overRedeemed: number[] = [];
  const before = (times: readonly number[], from: number, moment: number): number => {
    let at = from;
    while (at < times.length && times[at]! < moment) at++;
    return at;
  };
  await forEachYielding(users.length, (m) => {
    const user = users[m]!;
    const isSame = user === owner;
    if (!isSame) {
      owner = user;
      over = [];
      overRedeemed = [];
      while (next < count && history.users[next]! < user) next++;
      for (; next < count && history.users[next] === user; next++) {
        if (history.treated[next] !== 1) continue;
        const offered = offeredAt.at(next);
        const coupon = history.coupons[next]!;
        const days = horizonBefore(coupons[coupon]!, ends[coupon]!, offered / 1000);
        over.push(offered + days * DAY_MICROS);
        if (history.redeemed[next] === 1) overRedeemed.push(over.at(-1)!);
      }
      over.sort((a, b) => a - b);
      overRedeemed.sort((a, b) => a - b);
    }
    const moment = momentAt.at(m);
    received[m] = before(over, isSame ? received[m - 1]! : 0, moment);
    redeemed[m] = before(overRedeemed, isSame ? redeemed[m - 1]! : 0, moment);
  });
  let numReceived = 0;
  let numRedeemed = 0;
  await forEachYielding(count, (i) => {
    numReceived += history.treated[i]!;
    numRedeemed += history.treated[i]! * history.redeemed[i]!;
  });
  return { received, redeemed, rate: (numRedeemed + 1) / (numReceived + 1) };
}

/** A part of the moments. */
export function partOfOffers({ received, redeemed, rate }: PastOffers, begin: number, end: number): PastOffers {
  return { received: received.subarray(begin, end), redeemed: redeemed.subarray(begin, end), rate };
}

/** Offers of the shop that a user's own are blended with. */
const PRIOR_OFFERS = 10;
/** The last of USER_FEATURES. */
export const OFFER_FEATURES = 2;

export function offerFeatures(
  { received, redeemed, rate }: PastOffers,
  moment: number,
  into: Float32Array,
  at: number,
): void {
  into[at] = Math.log1p(received[moment]!);
  // 0 without offers, so also where a model comes to a shop that has no history yet.
  into[at + 1] = Math.log((redeemed[moment]! / rate + PRIOR_OFFERS) / (received[moment]! + PRIOR_OFFERS));
}
