/** What the regressions of a response model see of an offer. */
import { CHANNELS, COUPON_KINDS, type Coupon } from "../campaign/coupon-schema.js";
import { type Executor, shared } from "../executor/executor.js";
import { DENSE_STRIDE, type DesignRows, denseAt, designRows } from "../learn/design-rows.js";
import { Int64Numbers } from "../util/int64.js";
import { forEachYielding } from "../util/yield.js";
import { type Curves, NO_KNOT, putCurves } from "./curves.js";
import type { OfferFeatures } from "./features.js";
import { PAIR_COLUMNS, PAIR_FEATURES, type ResponsePart, USER_COLUMNS, type UserTraits } from "./model.js";
import { USER_FEATURES } from "./moments.js";
import type { OfferHistory } from "./past-offers.js";
import { putSeason, SEASONS } from "./season.js";

/** What a yes-or-no input counts: 1, but less for single coupons, whose own effects are kept small. */
const COUPON_SCALE = 0.3;
/** Of a user's trait: where half of the users have it, as much as the standard deviation of a number. */
const TRAIT_SCALE = 2;
/** Standard deviations beyond which a user's input says no more. */
export const FARTHEST = 6;

export interface DesignLayout {
  userAt: number;
  seasonAt: number;
  traitAt: number;
  kindAt: number;
  channelAt: number;
  couponAt: number;
  cols: number;
}

/** Columns in the order pair, user, season, trait, kind, channel, coupon. */
export function layoutOf(traits: number, numCoupons: number): DesignLayout {
  const userAt = PAIR_COLUMNS;
  const seasonAt = userAt + USER_COLUMNS;
  const traitAt = seasonAt + SEASONS.length;
  const kindAt = traitAt + traits;
  const channelAt = kindAt + COUPON_KINDS.length;
  const couponAt = channelAt + CHANNELS.length;
  return { userAt, seasonAt, traitAt, kindAt, channelAt, couponAt, cols: couponAt + numCoupons };
}

/** Coefficients by what they belong to; the intercept is the last of `beta`. */
export function partOf(beta: Float64Array, layout: DesignLayout, pairs: Curves): ResponsePart {
  const { userAt, seasonAt, traitAt, kindAt, channelAt, couponAt, cols } = layout;
  const pairBeta = pairs.deviation.map((deviation, k) => beta[k]! / deviation);
  return {
    pairBeta,
    intercept: beta[cols]! - pairBeta.reduce((sum, b, k) => sum + b * pairs.mean[k]!, 0),
    userBeta: [...beta.subarray(userAt, seasonAt)],
    seasonBeta: [...beta.subarray(seasonAt, traitAt)],
    traitBeta: Array.from(beta.subarray(traitAt, kindAt), (b) => TRAIT_SCALE * b),
    kindBeta: [...beta.subarray(kindAt, channelAt)],
    channelBeta: [...beta.subarray(channelAt, couponAt)],
    couponBeta: Array.from(beta.subarray(couponAt, cols), (b) => COUPON_SCALE * b),
  };
}

/** Of the columns before the traits, those that are not nothing in every row: what is left out costs no time. */
export function usedColumns({ pairs, basis, seasonsShown }: Pick<OfferDesign, "pairs" | "basis" | "seasonsShown">) {
  const isCurve = ({ knots, deviation }: Curves) =>
    knots.map((knot, k) => knot !== NO_KNOT && deviation[k]! < Infinity);
  const isUsed = [...isCurve(pairs), ...isCurve(basis), ...seasonsShown];
  return isUsed.flatMap((used, column) => (used ? [column] : []));
}

/** Coefficients of all columns; those left out have 0. */
export function wholeBeta(beta: Float64Array, { traitAt, cols }: DesignLayout, used: readonly number[]): Float64Array {
  const whole = new Float64Array(cols + 1);
  for (const [at, column] of used.entries()) whole[column] = beta[at]!;
  whole.set(beta.subarray(used.length), traitAt);
  return whole;
}

/** Offers as the regressions see them. */
export interface OfferDesign extends OfferFeatures {
  offers: OfferHistory;
  coupons: readonly Coupon[];
  traits: UserTraits;
  /** Deviation infinity: the model must do without. */
  pairs: Curves;
  basis: Curves;
  /** Of SEASONS. */
  seasonsShown: readonly boolean[];
  layout: DesignLayout;
  /** Of `usedColumns`. */
  used: readonly number[];
}

/** The design matrix of some offers, without the columns that are not used. Memory: 4 bytes an input of each. */
export async function designOf(executor: Executor, seen: OfferDesign, rows: Int32Array): Promise<DesignRows> {
  const { layout, offers, traits, pairFeatures, userFeatures, pairs, basis } = seen;
  const numUsed = seen.used.length;
  const place = new Int32Array(layout.traitAt).fill(-1);
  for (const [at, column] of seen.used.entries()) place[column] = at;
  const left = layout.traitAt - numUsed;
  const kinds = seen.coupons.map(({ kind }) => layout.kindAt - left + COUPON_KINDS.indexOf(kind));
  const channels = seen.coupons.map(({ channel }) => layout.channelAt - left + CHANNELS.indexOf(channel));
  const width = traits.attributes.length;
  const slots = [...new Array<number>(width).fill(TRAIT_SCALE), 1, 1, COUPON_SCALE];
  const x = designRows(rows.length, numUsed, layout.cols - left, Float32Array.from(slots));
  const own = shared.i32(rows.length);
  own.set(rows);
  await putCurves(
    executor,
    x,
    pairs,
    pairFeatures,
    PAIR_FEATURES.length,
    own,
    Infinity,
    place.subarray(0, layout.userAt),
  );
  const ofUser = place.subarray(layout.userAt, layout.seasonAt);
  await putCurves(executor, x, basis, userFeatures, USER_FEATURES.length, own, FARTHEST, ofUser);
  const times = new Int64Numbers(offers.times);
  const season: number[] = [];
  await forEachYielding(rows.length, (i) => {
    const offer = rows[i]!;
    const user = offers.users[offer]!;
    const coupon = offers.coupons[offer]!;
    const first = denseAt(x, i);
    putSeason(times.at(offer), season);
    for (let k = 0; k < season.length; k++) {
      const at = place[layout.seasonAt + k]!;
      if (at >= 0) x.dense[first + at * DENSE_STRIDE] = season[k]!;
    }
    let at = i * slots.length;
    for (let t = 0; t < width; t++) x.indices[at++] = numUsed + traits.values[user * width + t]!;
    x.indices[at++] = kinds[coupon]!;
    x.indices[at++] = channels[coupon]!;
    x.indices[at] = layout.couponAt - left + coupon;
  });
  return x;
}
