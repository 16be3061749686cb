/** How good a response model is, by what became of offers. */
import { ascendingOrder } from "../executor/ascending-order.js";
import type { Executor } from "../executor/executor.js";
import { forEachYielding } from "../util/yield.js";
import type { Chances } from "./likelihood.js";
import type { ResponseQuality } from "./model.js";
import type { OfferHistory } from "./past-offers.js";

/** Offers and what was predicted of them. */
export interface Judged {
  rows: Int32Array;
  chances: Chances;
}

/** Of the offers that were sent. */
interface Treated {
  y: Uint8Array;
  p: Float32Array;
}

/** How good chances of P(redeem) are, over the offers that were sent. */
export interface RedemptionQuality extends Treated {
  logLoss: number;
  calibration: ResponseQuality["calibration"];
}

async function treatedOf(history: OfferHistory, { rows, chances }: Judged): Promise<Treated> {
  const y = new Uint8Array(rows.length);
  const p = new Float32Array(rows.length);
  let count = 0;
  await forEachYielding(rows.length, (i) => {
    if (history.treated[rows[i]!] !== 1) return;
    y[count] = history.redeemed[rows[i]!]!;
    p[count++] = chances.redeem[i]!;
  });
  return { y: y.subarray(0, count), p: p.subarray(0, count) };
}

export async function redemptionQuality(history: OfferHistory, judged: Judged): Promise<RedemptionQuality> {
  const { y, p } = await treatedOf(history, judged);
  return { y, p, logLoss: await logLoss(y, (i) => p[i]!), calibration: await calibrate(y, p) };
}

/** Standard errors by which a log loss must be lower: what luck makes of a model that is no better is not taken for better. */
const CLEARLY = 2;

/** Whether other chances of the same offers have a log loss that is lower by more than luck would make it. */
export async function isClearlyBetter(other: Treated, { y, p }: Treated): Promise<boolean> {
  const q = other.p;
  let sum = 0;
  let squares = 0;
  await forEachYielding(y.length, (i) => {
    const gain = lossOf(y[i]!, p[i]!) - lossOf(y[i]!, q[i]!);
    sum += gain;
    squares += gain * gain;
  });
  const variance = squares - (sum * sum) / y.length;
  return sum > CLEARLY * Math.sqrt(variance);
}

export async function judge(
  executor: Executor,
  history: OfferHistory,
  train: Judged,
  heldOut: Judged,
  platt: ResponseQuality["platt"],
): Promise<ResponseQuality> {
  const own = await treatedOf(history, train);
  const other = await treatedOf(history, heldOut);
  const baseRate = own.y.reduce((sum, v) => sum + v, 0) / own.y.length;
  return {
    numTrainOffers: own.y.length,
    numHeldOutOffers: other.y.length,
    baseRate,
    trainLogLoss: await logLoss(own.y, (i) => own.p[i]!),
    heldOutLogLoss: await logLoss(other.y, (i) => other.p[i]!),
    baseRateLogLoss: await logLoss(other.y, () => baseRate),
    calibration: await calibrate(other.y, other.p),
    uplift:
      heldOut.chances.extra === undefined
        ? null
        : await upliftBins(executor, history, heldOut.rows, heldOut.chances.extra),
    platt,
  };
}

const UPLIFT_BINS = 5;

/** Held-out rows in bins of equal size by predicted extra orders: treated minus control conversions of each. */
async function upliftBins(
  executor: Executor,
  history: OfferHistory,
  rows: Int32Array,
  predicted: Float64Array,
): Promise<NonNullable<ResponseQuality["uplift"]>> {
  const order = await ascendingOrder(executor, predicted);
  const bins: NonNullable<ResponseQuality["uplift"]> = [];
  for (let bin = 0; bin < UPLIFT_BINS; bin++) {
    const part = order.slice(
      Math.floor((bin * order.length) / UPLIFT_BINS),
      Math.floor(((bin + 1) * order.length) / UPLIFT_BINS),
    );
    const n = [0, 0];
    const bought = [0, 0];
    let extra = 0;
    for (const i of part) {
      const group = history.treated[rows[i]!]!;
      n[group]!++;
      bought[group]! += history.converted[rows[i]!]!;
      extra += predicted[i]!;
    }
    if (n[0] === 0 || n[1] === 0) continue;
    const rate = [bought[0]! / n[0]!, bought[1]! / n[1]!] as const;
    const variance = (rate[0] * (1 - rate[0])) / n[0]! + (rate[1] * (1 - rate[1])) / n[1]!;
    bins.push({
      meanPredicted: extra / part.length,
      observed: rate[1] - rate[0],
      standardError: Math.sqrt(variance),
      numOffers: part.length,
    });
  }
  return bins;
}

function lossOf(y: number, p: number): number {
  const q = Math.min(Math.max(p, 1e-12), 1 - 1e-12);
  return -Math.log(y === 1 ? q : 1 - q);
}

async function logLoss(y: Uint8Array, p: (index: number) => number): Promise<number> {
  let sum = 0;
  await forEachYielding(y.length, (i) => {
    sum += lossOf(y[i]!, p(i));
  });
  return sum / y.length;
}

const CALIBRATION_BINS = 10;

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
