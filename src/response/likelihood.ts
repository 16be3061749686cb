/** What a response model's logits mean: chances, and how likely they make what became of an offer. */
import type { CouponLog } from "../learn/principal-strata.js";
import { sigmoid } from "../util/sigmoid.js";
import { forEachYielding } from "../util/yield.js";

/** Of offers. */
export interface Chances {
  redeem: Float64Array;
  /** Of an order that would not have been; undefined where the model cannot tell. */
  extra: Float64Array | undefined;
}

const SMALLEST = 1e-300;

/** @param scores float64 [offers] of each logit */
export async function chancesOf(scores: readonly Float64Array[]): Promise<Chances> {
  const [anyway, uses, persuaded] = scores;
  const redeem = new Float64Array(anyway!.length);
  const extra = persuaded && new Float64Array(redeem.length);
  await forEachYielding(redeem.length, (i) => {
    const a = sigmoid(anyway![i]!);
    if (extra === undefined) {
      redeem[i] = a;
      return;
    }
    extra[i] = (1 - a) * sigmoid(persuaded![i]!);
    redeem[i] = a * sigmoid(uses![i]!) + extra[i]!;
  });
  return { redeem, extra };
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
