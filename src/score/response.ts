import { COUPON_KINDS, type Coupon } from "../campaign/coupon-schema.js";
import type { ArgValue } from "../executor/call.js";
import { type Executor, shards, shared } from "../executor/executor.js";
import type { UserFeatures } from "../profile/user-features.js";
import { Random } from "../util/random.js";
import { forEachYielding } from "../util/yield.js";
import { fitLogistic } from "./logistic-regression.js";

/** Past offers: user row, coupon position, whether it was redeemed. In a fixed order. */
export interface OfferHistory {
  users: Int32Array;
  coupons: Int32Array;
  redeemed: Uint8Array;
}

/** Names of the pair features, in the order of native/include/couponcast/response.h. */
export const PAIR_FEATURES = [
  "affinity to the coupon's items",
  "share of the user's affinity that falls on them",
  "that share relative to everybody's",
  "depth of the discount",
  "how far the threshold lies above the usual order",
] as const;

export interface ResponseOptions {
  l2: number;
  heldOutShare: number;
  minRedemptions: number;
  prior: number;
  maxTrainingOffers: number;
  seed: number;
}

/** P(redeem): a logistic model, or the prior where the history is too thin. */
export interface ResponseModel {
  kind: "prior" | "model";
  numOffers: number;
  numRedemptions: number;
  /** [PAIR_FEATURES] on the raw features; standardisation is folded in. */
  pairBeta: number[];
  /** Intercept and the user's part: one coefficient a standardised feature, one a segment. */
  intercept: number;
  userBeta: number[];
  segmentBeta: number[];
  /** One coefficient a coupon kind. */
  kindBeta: number[];
  quality: ResponseQuality | null;
  /** In words, for the report. */
  coefficients: { label: string; coefficient: number; per: "standard-deviation" | "yes" }[];
}

export interface ResponseQuality {
  numTrainOffers: number;
  numHeldOutOffers: number;
  baseRate: number;
  trainLogLoss: number;
  heldOutLogLoss: number;
  baseRateLogLoss: number;
  calibration: { meanPredicted: number; observedRate: number; numOffers: number }[];
}

const CALIBRATION_BINS = 10;

function logit(p: number): number {
  const clamped = Math.min(Math.max(p, 1e-6), 1 - 1e-6);
  return Math.log(clamped / (1 - clamped));
}

function priorModel(
  history: OfferHistory,
  numRedemptions: number,
  options: ResponseOptions,
  userDims: number,
  segments: number,
): ResponseModel {
  return {
    kind: "prior",
    numOffers: history.users.length,
    numRedemptions,
    pairBeta: PAIR_FEATURES.map(() => 0),
    intercept: logit(options.prior),
    userBeta: new Array(userDims).fill(0),
    segmentBeta: new Array(segments).fill(0),
    kindBeta: COUPON_KINDS.map(() => 0),
    quality: null,
    coefficients: [],
  };
}

/** Mean and deviation of each pair feature over the training rows. */
async function pairScale(
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

/** Splits the offers by user, so that no user is in both parts, and samples down to the cap; both by the seed. */
async function splitOffers(history: OfferHistory, options: ResponseOptions) {
  const keep = Math.min(1, options.maxTrainingOffers / Math.max(history.users.length, 1));
  const random = new Random(options.seed);
  const train: number[] = [];
  const heldOut: number[] = [];
  let user = -1;
  let isHeldOut = false;
  let isKept = true;
  let numRedemptions = 0;
  let trainRedemptions = 0;
  await forEachYielding(history.users.length, (i) => {
    if (history.users[i] !== user) {
      user = history.users[i]!;
      random.reseed(options.seed, user);
      isHeldOut = random.next() < options.heldOutShare;
      isKept = random.next() < keep;
    }
    const redeemed = history.redeemed[i]!;
    numRedemptions += redeemed;
    if (isKept && !isHeldOut) trainRedemptions += redeemed;
    if (isKept) (isHeldOut ? heldOut : train).push(i);
  });
  return { train, heldOut, numRedemptions, trainRedemptions };
}

/**
 * Fits P(redeem) on past offers: ridge logistic regression on the pair features, the user's standardised features,
 * its segment and the coupon's kind. Standard deviations come from the training part. Held-out users judge it: log
 * loss beside that of the base rate, and calibration in ten bins of equal size.
 * With fewer than `minRedemptions` redemptions, or none held out, the prior rate stands for everybody.
 * Source: formulas.md, "Allocation" (v must be incremental); Hastie, Tibshirani & Friedman 2009, section 4.4.
 */
export async function fitResponse(
  executor: Executor,
  pairArgs: Record<string, ArgValue>,
  history: OfferHistory,
  coupons: readonly Coupon[],
  features: UserFeatures,
  labels: Int32Array,
  segments: number,
  options: ResponseOptions,
): Promise<ResponseModel> {
  const { train, heldOut, numRedemptions, trainRedemptions } = await splitOffers(history, options);
  const tooThin =
    numRedemptions < options.minRedemptions ||
    trainRedemptions === 0 ||
    trainRedemptions === train.length ||
    heldOut.length === 0;
  if (tooThin) return priorModel(history, numRedemptions, options, features.dims, segments);

  const pairs = PAIR_FEATURES.length;
  const pairFeatures = shared.f32(history.users.length * pairs);
  const offers = shards(history.users.length, 65_536);
  await executor.map(
    offers.map(({ begin, end }) => ({
      kernel: "pairFeatures",
      args: {
        ...pairArgs,
        users: history.users.subarray(begin, end),
        coupons: history.coupons.subarray(begin, end),
        outFeatures: pairFeatures.subarray(begin * pairs, end * pairs),
      },
    })),
    { name: "offer features" },
  );
  const { mean, deviation } = await pairScale(pairFeatures, train);
  const kinds = coupons.map((coupon) => COUPON_KINDS.indexOf(coupon.kind));
  const userAt = 1 + pairs;
  const segmentAt = userAt + features.dims;
  const kindAt = segmentAt + segments;
  const dims = kindAt + COUPON_KINDS.length;
  const design = async (rows: readonly number[]) => {
    const x = shared.f32(rows.length * dims);
    const y = shared.u8(rows.length);
    await forEachYielding(rows.length, (i) => {
      const offer = rows[i]!;
      const user = history.users[offer]!;
      const at = i * dims;
      x[at] = 1;
      for (let f = 0; f < pairs; f++) x[at + 1 + f] = (pairFeatures[offer * pairs + f]! - mean[f]!) / deviation[f]!;
      for (let d = 0; d < features.dims; d++) x[at + userAt + d] = features.points[user * features.dims + d]!;
      const label = labels[user]!;
      if (label >= 0) x[at + segmentAt + label] = 1;
      x[at + kindAt + kinds[history.coupons[offer]!]!] = 1;
      y[i] = history.redeemed[offer]!;
    });
    return { x, y };
  };
  const { x, y } = await design(train);
  const fit = await fitLogistic(executor, x, y, dims, options.l2);
  const { beta } = fit;

  const test = await design(heldOut);
  const predicted = shared.f32(heldOut.length);
  await executor.map(
    shards(heldOut.length, 65_536).map(({ begin, end }) => ({
      kernel: "logisticPredict",
      args: { x: test.x, beta, begin, end, outProbabilities: predicted.subarray(begin, end) },
    })),
  );
  const baseRate = trainRedemptions / train.length;
  const pairBeta = PAIR_FEATURES.map((_, f) => beta[1 + f]! / deviation[f]!);
  return {
    kind: "model",
    numOffers: history.users.length,
    numRedemptions,
    pairBeta,
    intercept: beta[0]! - pairBeta.reduce((sum, b, f) => sum + b * mean[f]!, 0),
    userBeta: [...beta.subarray(userAt, segmentAt)],
    segmentBeta: [...beta.subarray(segmentAt, kindAt)],
    kindBeta: [...beta.subarray(kindAt)],
    quality: {
      numTrainOffers: train.length,
      numHeldOutOffers: heldOut.length,
      baseRate,
      trainLogLoss: fit.logLoss,
      heldOutLogLoss: await logLoss(test.y, (i) => predicted[i]!),
      baseRateLogLoss: await logLoss(test.y, () => baseRate),
      calibration: await calibrate(test.y, predicted),
    },
    coefficients: [
      ...PAIR_FEATURES.map((label, f) => ({ label, coefficient: beta[1 + f]!, per: "standard-deviation" as const })),
      ...features.names.map((name, d) => ({
        label: `user: ${name}`,
        coefficient: beta[userAt + d]!,
        per: "standard-deviation" as const,
      })),
      ...Array.from({ length: segments }, (_, s) => ({
        label: `segment ${s}`,
        coefficient: beta[segmentAt + s]!,
        per: "yes" as const,
      })),
      ...COUPON_KINDS.map((kind, k) => ({
        label: `coupon kind: ${kind}`,
        coefficient: beta[kindAt + k]!,
        per: "yes" as const,
      })),
    ],
  };
}

async function logLoss(y: Uint8Array, p: (index: number) => number): Promise<number> {
  let sum = 0;
  await forEachYielding(y.length, (i) => {
    const q = Math.min(Math.max(p(i), 1e-12), 1 - 1e-12);
    sum -= Math.log(y[i] === 1 ? q : 1 - q);
  });
  return sum / y.length;
}

/** Bins of about equal size by predicted probability, cut at edges of a fine histogram: no sort of a long array. */
async function calibrate(y: Uint8Array, predicted: Float32Array): Promise<ResponseQuality["calibration"]> {
  const cells = 16_384;
  let largest = 0;
  await forEachYielding(y.length, (i) => {
    largest = Math.max(largest, predicted[i]!);
  });
  const count = new Float64Array(cells);
  const sum = new Float64Array(cells);
  const redeemed = new Float64Array(cells);
  await forEachYielding(y.length, (i) => {
    const cell = Math.min(cells - 1, Math.floor((predicted[i]! / (largest || 1)) * cells));
    count[cell]!++;
    sum[cell]! += predicted[i]!;
    redeemed[cell]! += y[i]!;
  });
  const bins: ResponseQuality["calibration"] = [];
  let bin = { offers: 0, sum: 0, redeemed: 0 };
  let seen = 0;
  for (let cell = 0; cell < cells; cell++) {
    bin = { offers: bin.offers + count[cell]!, sum: bin.sum + sum[cell]!, redeemed: bin.redeemed + redeemed[cell]! };
    seen += count[cell]!;
    const isFull = seen >= ((bins.length + 1) * y.length) / CALIBRATION_BINS || cell + 1 === cells;
    if (isFull && bin.offers > 0) {
      bins.push({
        meanPredicted: bin.sum / bin.offers,
        observedRate: bin.redeemed / bin.offers,
        numOffers: bin.offers,
      });
      bin = { offers: 0, sum: 0, redeemed: 0 };
    }
  }
  return bins;
}

/** The user's part of the log-odds, intercept included. */
export async function userScores(
  model: ResponseModel,
  features: UserFeatures,
  labels: Int32Array,
): Promise<Float64Array> {
  const scores = shared.f64(features.numUsers);
  await forEachYielding(features.numUsers, (user) => {
    let z = model.intercept;
    for (let d = 0; d < features.dims; d++) z += model.userBeta[d]! * features.points[user * features.dims + d]!;
    if (labels[user]! >= 0) z += model.segmentBeta[labels[user]!]!;
    scores[user] = z;
  });
  return scores;
}

/** The coupon's part of the log-odds. */
export function couponScores(model: ResponseModel, coupons: readonly Coupon[]): Float64Array {
  const scores = shared.f64(coupons.length);
  for (const [j, coupon] of coupons.entries()) scores[j] = model.kindBeta[COUPON_KINDS.indexOf(coupon.kind)]!;
  return scores;
}
