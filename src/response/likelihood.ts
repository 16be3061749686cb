/** What a response model's logits mean: chances, and how likely they make what became of an offer. */
import type { CouponLog } from "../learn/principal-strata.js";
import { sigmoid } from "../util/sigmoid.js";

export interface Chances {
  redeem: number;
  /** of an order that would not have been; undefined where the model cannot tell */
  extra: number | undefined;
}

const SMALLEST = 1e-300;

export function chancesOf(scores: readonly number[]): Chances {
  const [a, u, s] = scores.map(sigmoid);
  if (u === undefined || s === undefined) return { redeem: a!, extra: undefined };
  const extra = (1 - a!) * s;
  return { redeem: a! * u + extra, extra };
}

/** The row's log-likelihood; its derivatives by each logit go to `slopes`. One logit: of P(redeem), of treated rows. */
export function rowSlopes(z: Float64Array, log: CouponLog, row: number, slopes: Float64Array): number {
  if (z.length === 1) {
    const p = sigmoid(z[0]!);
    const isRedeemed = log.redeemed[row] === 1;
    slopes[0] = (isRedeemed ? 1 : 0) - p;
    return Math.log(Math.max(isRedeemed ? p : 1 - p, SMALLEST));
  }
  const a = sigmoid(z[0]!);
  const u = sigmoid(z[1]!);
  const s = sigmoid(z[2]!);
  const hasBought = log.converted[row] === 1;
  slopes.fill(0);
  slopes[0] = (hasBought ? 1 : 0) - a;
  if (log.treated[row] !== 1) return Math.log(Math.max(hasBought ? a : 1 - a, SMALLEST));
  if (log.redeemed[row] === 1) {
    const p = Math.max(a * u + (1 - a) * s, SMALLEST);
    slopes[0] = (a * (1 - a) * (u - s)) / p;
    slopes[1] = (a * u * (1 - u)) / p;
    slopes[2] = ((1 - a) * s * (1 - s)) / p;
    return Math.log(p);
  }
  if (hasBought) {
    slopes[1] = -u;
    return Math.log(Math.max(a * (1 - u), SMALLEST));
  }
  slopes[2] = -s;
  return Math.log(Math.max((1 - a) * (1 - s), SMALLEST));
}
