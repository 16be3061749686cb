import { invalidArgument } from "../errors.js";
import { ascendingOrder } from "../executor/ascending-order.js";
import { Executor, RUN_OPTIONS, type RunOptions, shared } from "../executor/executor.js";
import { fieldsOf, numberBetween, oneOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { sigmoid } from "../util/sigmoid.js";
import { forEachYielding } from "../util/yield.js";
import { logisticRegression } from "./linear-model.js";

/** Turns a model's scores (log-odds, or any number that grows with the chance) into probabilities. */
export type Calibration =
  | { kind: "platt"; slope: number; intercept: number }
  | {
      kind: "isotonic";
      /** Ascending scores and the probability at each; between them linear, outside that of the nearest. */
      scores: number[];
      probabilities: number[];
    };

async function checkHeldOut(scores: Float64Array, y: Float32Array): Promise<void> {
  if (
    !(scores instanceof Float64Array) ||
    !(y instanceof Float32Array) ||
    scores.length !== y.length ||
    y.length === 0
  ) {
    throw invalidArgument("expected scores as Float64Array and as many y as Float32Array, at least one");
  }
  await forEachYielding(scores.length, (i) => {
    if (!Number.isFinite(scores[i])) throw invalidArgument("expected finite scores");
  });
}

/**
 * Platt's scaling: sigmoid(slope * score + intercept), by maximum likelihood on held-out rows, with a slight pull
 * towards slope 0. y is 0 or 1. Errors: ERR_COUPONCAST_INVALID_ARGUMENT. Source: Platt 1999.
 */
export async function plattCalibration(
  scores: Float64Array,
  y: Float32Array,
  options: RunOptions = {},
): Promise<Calibration> {
  knownOptions("plattCalibration", options, RUN_OPTIONS);
  await checkHeldOut(scores, y);
  const n = scores.length;
  const x = {
    cols: 1,
    indptr: new BigInt64Array(n + 1),
    indices: new Int32Array(n),
    values: new Float32Array(n),
  };
  await forEachYielding(n, (i) => {
    x.indptr[i + 1] = BigInt(i + 1);
    x.values[i] = scores[i]!;
  });
  const { beta, intercept } = await logisticRegression(x, y, { ...options, l2: 1e-3 });
  return { kind: "platt", slope: beta[0]!, intercept };
}

/**
 * Isotonic calibration: the non-decreasing step function of the score closest to held-out outcomes in least squares;
 * equal scores count as one. Errors: ERR_COUPONCAST_INVALID_ARGUMENT. Cost: n log n. Source: Zadrozny & Elkan 2002.
 */
export async function isotonicCalibration(
  scores: Float64Array,
  y: Float32Array,
  options: RunOptions = {},
): Promise<Calibration> {
  knownOptions("isotonicCalibration", options, RUN_OPTIONS);
  await checkHeldOut(scores, y);
  const executor = new Executor(options);
  const order = await ascendingOrder(executor, scores);
  const distinct: number[] = [];
  const sums: number[] = [];
  const counts: number[] = [];
  await forEachYielding(order.length, (at) => {
    const i = order[at]!;
    if (distinct.length === 0 || scores[i]! > distinct.at(-1)!) {
      distinct.push(scores[i]!);
      sums.push(0);
      counts.push(0);
    }
    sums[sums.length - 1]! += y[i]!;
    counts[counts.length - 1]!++;
  });
  const means = shared.f64(distinct.length);
  const weights = shared.f64(distinct.length);
  await forEachYielding(distinct.length, (i) => {
    means[i] = sums[i]! / counts[i]!;
    weights[i] = counts[i]!;
  });
  const fitted = shared.f64(distinct.length);
  await executor.run({ kernel: "fitIsotonic", args: { y: means, weights, outFitted: fitted } });
  // Only the ends of each step matter.
  const ends: number[] = [];
  await forEachYielding(distinct.length, (i) => {
    if (i === 0 || i + 1 === distinct.length || fitted[i] !== fitted[i - 1] || fitted[i] !== fitted[i + 1])
      ends.push(i);
  });
  return { kind: "isotonic", scores: ends.map((i) => distinct[i]!), probabilities: ends.map((i) => fitted[i]!) };
}

/** The calibrated probability of a score. */
export function calibrated(calibration: Calibration, score: number): number {
  const { kind } = fieldsOf("calibration", calibration);
  numberBetween("score", score, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  if (calibration.kind === "platt") {
    numberBetween("calibration.slope", calibration.slope, -Number.MAX_VALUE, Number.MAX_VALUE);
    numberBetween("calibration.intercept", calibration.intercept, -Number.MAX_VALUE, Number.MAX_VALUE);
    return sigmoid(calibration.slope * score + calibration.intercept);
  }
  oneOf("calibration.kind", kind, ["platt", "isotonic"]);
  const { scores, probabilities } = calibration;
  let low = 0;
  let high = scores.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scores[middle]! <= score) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return probabilities[0]!;
  if (low === scores.length) return probabilities[low - 1]!;
  const share = (score - scores[low - 1]!) / (scores[low]! - scores[low - 1]!);
  return probabilities[low - 1]! + share * (probabilities[low]! - probabilities[low - 1]!);
}
