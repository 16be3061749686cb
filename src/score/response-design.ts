/** What the regressions of a response model see of an offer. */
import { COUPON_KINDS, type Coupon } from "../campaign/coupon-schema.js";
import { DENSE_STRIDE, type DesignRows, denseAt, designRows } from "../learn/design-rows.js";
import { forEachYielding, yieldToEventLoop } from "../util/yield.js";
import { USER_FEATURES } from "./moments.js";
import type { OfferHistory } from "./past-offers.js";
import type { OfferFeatures } from "./response-features.js";
import {
  KNOTS,
  PAIR_FEATURES,
  type ResponseModel,
  type ResponsePart,
  USER_COLUMNS,
  type UserBasis,
  type UserTraits,
} from "./response-model.js";

/** What a yes-or-no input counts: 1, but less for single coupons, whose own effects are kept small. */
const COUPON_SCALE = 0.3;

/** Standard deviations beyond which an input says no more. */
const FARTHEST = 6;

export interface DesignLayout {
  pairs: number;
  userAt: number;
  traitAt: number;
  kindAt: number;
  couponAt: number;
  cols: number;
}

export function layoutOf(traits: number, numCoupons: number): DesignLayout {
  const pairs = PAIR_FEATURES.length;
  const traitAt = pairs + USER_COLUMNS;
  const kindAt = traitAt + traits;
  const couponAt = kindAt + COUPON_KINDS.length;
  return { pairs, userAt: pairs, traitAt, kindAt, couponAt, cols: couponAt + numCoupons };
}

/** Rows that the knots are taken from. */
const BASIS_ROWS = 65_536;

/** Knots at the minimum and the quartiles of the rows, and the standardisation of what they make. */
export async function basisOf(features: Float32Array, rows: readonly number[]): Promise<UserBasis> {
  const dims = USER_FEATURES.length;
  const basis: UserBasis = { knots: [], mean: [], deviation: [] };
  const step = Math.max(1, Math.ceil(rows.length / BASIS_ROWS));
  const sample = rows.filter((_, i) => i % step === 0);
  for (let d = 0; d < dims; d++) {
    const sorted = Float32Array.from(sample, (row) => features[row * dims + d]!).sort();
    await yieldToEventLoop();
    for (let k = 0; k < KNOTS; k++) {
      const knot = sorted[Math.floor((k * (sorted.length - 1)) / KNOTS)]!;
      let sum = 0;
      let square = 0;
      for (const x of sorted) sum += Math.max(0, x - knot);
      const mean = sum / sorted.length;
      for (const x of sorted) square += (Math.max(0, x - knot) - mean) ** 2;
      basis.knots.push(knot);
      basis.mean.push(mean);
      basis.deviation.push(Math.sqrt(square / sorted.length) || 1);
    }
  }
  return basis;
}

/** The standardised columns of a user. Below the lowest knot of the training rows a feature is what it is there. */
export function eachColumn(
  { knots, mean, deviation }: UserBasis,
  features: Float32Array,
  row: number,
  visit: (column: number, value: number) => void,
): void {
  for (let column = 0; column < knots.length; column++) {
    const x = features[row * USER_FEATURES.length + Math.floor(column / KNOTS)]!;
    const z = (Math.max(0, x - knots[column]!) - mean[column]!) / deviation[column]!;
    visit(column, Math.max(-FARTHEST, Math.min(FARTHEST, z)));
  }
}

/** Mean and deviation of each pair feature over the training rows. */
export async function pairScale(
  features: Float32Array,
  rows: readonly number[],
): Promise<{ mean: number[]; deviation: number[] }> {
  const dims = PAIR_FEATURES.length;
  const sum = new Array<number>(dims).fill(0);
  const square = new Array<number>(dims).fill(0);
  await forEachYielding(rows.length, (i) => {
    for (let f = 0; f < dims; f++) sum[f]! += features[rows[i]! * dims + f]!;
  });
  const mean = sum.map((s) => s / rows.length);
  await forEachYielding(rows.length, (i) => {
    for (let f = 0; f < dims; f++) square[f]! += (features[rows[i]! * dims + f]! - mean[f]!) ** 2;
  });
  return { mean, deviation: square.map((s) => Math.sqrt(s / rows.length) || 1) };
}

/** Coefficients by what they belong to; the intercept is the last of `beta`. */
export function partOf(beta: Float64Array, layout: DesignLayout, mean: number[], deviation: number[]): ResponsePart {
  const { pairs, userAt, traitAt, kindAt, couponAt, cols } = layout;
  const pairBeta = Array.from({ length: pairs }, (_, f) => beta[f]! / (deviation[f] ?? 1));
  return {
    pairBeta,
    intercept: beta[cols]! - pairBeta.reduce((sum, b, f) => sum + b * (mean[f] ?? 0), 0),
    userBeta: [...beta.subarray(userAt, traitAt)],
    traitBeta: [...beta.subarray(traitAt, kindAt)],
    kindBeta: [...beta.subarray(kindAt, couponAt)],
    couponBeta: Array.from(beta.subarray(couponAt, cols), (b) => COUPON_SCALE * b),
  };
}

/** Offers as the regressions see them. */
export interface OfferDesign extends OfferFeatures {
  history: OfferHistory;
  traits: UserTraits;
  basis: UserBasis;
  /** [PAIR_FEATURES] */
  mean: number[];
  /** [PAIR_FEATURES] infinity: the model must do without */
  deviation: number[];
  /** [coupons] position in COUPON_KINDS */
  kinds: number[];
  layout: DesignLayout;
}

export function kindsOf(coupons: readonly Coupon[]): number[] {
  return coupons.map((coupon) => COUPON_KINDS.indexOf(coupon.kind));
}

/** The design matrix of some offers. Memory: 4 bytes an input of each. */
export async function designOf(seen: OfferDesign, rows: readonly number[]): Promise<DesignRows> {
  const { layout, history, traits, pairFeatures, mean, deviation } = seen;
  const width = traits.attributes.length;
  const slots = [...new Array<number>(width + 1).fill(1), COUPON_SCALE];
  const x = designRows(rows.length, layout.traitAt, layout.cols, Float32Array.from(slots));
  await forEachYielding(rows.length, (i) => {
    const offer = rows[i]!;
    const user = history.users[offer]!;
    const coupon = history.coupons[offer]!;
    const first = denseAt(x, i);
    for (let f = 0; f < layout.pairs; f++)
      x.dense[first + f * DENSE_STRIDE] = (pairFeatures[offer * layout.pairs + f]! - mean[f]!) / deviation[f]!;
    eachColumn(seen.basis, seen.userFeatures, offer, (column, value) => {
      x.dense[first + (layout.userAt + column) * DENSE_STRIDE] = value;
    });
    let at = i * slots.length;
    for (let t = 0; t < width; t++) x.indices[at++] = layout.traitAt + traits.values[user * width + t]!;
    x.indices[at++] = layout.kindAt + seen.kinds[coupon]!;
    x.indices[at] = layout.couponAt + coupon;
  });
  return x;
}

/** What stands in the report. `labels`: of the traits. */
export function coefficientsOf(
  beta: Float64Array,
  layout: DesignLayout,
  labels: readonly string[],
): ResponseModel["coefficients"] {
  return [
    ...PAIR_FEATURES.map((label, f) => ({ label, coefficient: beta[f]!, per: "standard-deviation" as const })),
    ...USER_FEATURES.flatMap((name, d) =>
      ["", ", above the lower quarter", ", above the middle", ", in the upper quarter"].map((where, k) => ({
        label: `user: ${name}${where}`,
        coefficient: beta[layout.userAt + d * KNOTS + k]!,
        per: "standard-deviation" as const,
      })),
    ),
    ...[...labels.map((label) => `user: ${label}`), ...COUPON_KINDS.map((kind) => `coupon kind: ${kind}`)].map(
      (label, k) => ({ label, coefficient: beta[layout.traitAt + k]!, per: "yes" as const }),
    ),
  ];
}
