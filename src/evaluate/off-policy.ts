import { invalidArgument } from "../errors.js";
import { fieldsOf, numberBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { forEachYielding } from "../util/yield.js";
import { type Estimate, normalEstimate } from "./interval.js";

/** What a policy did, row by row: one logged action and its reward. All arrays have as many elements. */
export interface PolicyLog {
  /** What the action earned. */
  rewards: ArrayLike<number>;
  /** Probability, in (0, 1], with which the logging policy chose the logged action. */
  propensities: ArrayLike<number>;
  /** Probability, in [0, 1], with which the policy to be evaluated chooses the logged action. */
  targetPropensities: ArrayLike<number>;
  /** A model's reward of the logged action; with `targetPredictions` gives the doubly robust estimate. */
  predictions?: ArrayLike<number> | undefined;
  /** The model's mean reward of what the policy to be evaluated would choose. */
  targetPredictions?: ArrayLike<number> | undefined;
}

export interface OffPolicyOptions {
  /** Weights above this are cut to it: less variance for some bias. Default: none are. */
  clip?: number | undefined;
  /** Of the intervals, in (0, 1); default 0.95. */
  confidence?: number | undefined;
}

/** Value of a policy: mean reward a row, estimated from what another policy logged. */
export interface OffPolicyValue {
  numRows: number;
  /** Mean reward of the log itself: the value of the logging policy. */
  logged: Estimate;
  /** Inverse propensity scoring: mean of weight * reward. */
  ips: Estimate;
  /** Self-normalised: the same over the mean weight; undefined when all weights are 0. */
  snips: Estimate | undefined;
  /** Doubly robust; undefined without predictions. */
  dr: Estimate | undefined;
  /** (sum of weights)² / sum of squared weights: how many rows of the target policy the log is worth. */
  effectiveSampleSize: number;
  /** Rows whose weight was cut. */
  numClipped: number;
  largestWeight: number;
  /** Mean weight: 1 in expectation when the logging policy could choose all that the target does. */
  meanWeight: number;
}

interface Moments {
  mean: number;
  /** Sample variance. */
  variance: number;
}

/** Two passes, so that large means lose no digits. */
async function moments(n: number, at: (i: number) => number): Promise<Moments> {
  let sum = 0;
  await forEachYielding(n, (i) => {
    sum += at(i);
  });
  const mean = sum / n;
  let squares = 0;
  await forEachYielding(n, (i) => {
    squares += (at(i) - mean) ** 2;
  });
  return { mean, variance: n > 1 ? squares / (n - 1) : 0 };
}

async function checkColumn(
  name: string,
  column: ArrayLike<number>,
  rows: number,
  expected: string,
  isGood: (x: number) => boolean,
): Promise<void> {
  if (fieldsOf(name, column).length !== rows)
    throw invalidArgument(`expected ${rows} elements in ${name}, as in rewards, but received ${column.length}`);
  await forEachYielding(rows, (i) => {
    const value: unknown = column[i];
    if (typeof value !== "number" || !isGood(value))
      throw invalidArgument(`expected ${expected} in ${name}[${i}] but received ${String(value)}`, {
        hint: name === "propensities" ? "Without the propensity of every row nothing can be estimated." : undefined,
      });
  });
}

/**
 * The value of a policy from the log of another: with weights w = targetPropensity / propensity,
 * IPS = mean(w r), SNIPS = sum(w r) / sum(w), DR = mean(targetPrediction + w (r - prediction)).
 *
 * Intervals are normal approximations: the standard error of the mean for IPS and DR, the delta method for SNIPS. They
 * say nothing of actions that the logging policy never chose; an `meanWeight` far from 1 shows such.
 *
 * Cost: some passes over the rows; yields to the event loop. Errors: ERR_COUPONCAST_INVALID_ARGUMENT (no rows, lengths
 * that differ, a propensity that is missing or outside (0, 1], predictions of one kind only).
 * Source: Horvitz & Thompson 1952; Swaminathan & Joachims 2015; Dudík, Langford & Li 2011; formulas.md, "Off-policy
 * evaluation".
 */
export async function evaluatePolicy(log: PolicyLog, options: OffPolicyOptions = {}): Promise<OffPolicyValue> {
  const { rewards, propensities, targetPropensities, predictions, targetPredictions } = fieldsOf("log", log);
  knownOptions("evaluatePolicy", options, { clip: true, confidence: true });
  const confidence = numberBetween("confidence", options.confidence ?? 0.95, 1e-6, 1 - 1e-6);
  const clip = options.clip === undefined ? Number.POSITIVE_INFINITY : numberBetween("clip", options.clip, 1e-9, 1e300);
  const n = fieldsOf("rewards", rewards).length;
  if (!(n > 0)) throw invalidArgument("expected at least one row in the log");
  if ((predictions === undefined) !== (targetPredictions === undefined))
    throw invalidArgument("expected predictions and targetPredictions together, or neither");
  await checkColumn("rewards", rewards, n, "a finite number", Number.isFinite);
  await checkColumn("propensities", propensities, n, "a number in (0, 1]", (x) => x > 0 && x <= 1);
  await checkColumn("targetPropensities", targetPropensities, n, "a number in [0, 1]", (x) => x >= 0 && x <= 1);
  if (predictions !== undefined) await checkColumn("predictions", predictions, n, "a finite number", Number.isFinite);
  if (targetPredictions !== undefined)
    await checkColumn("targetPredictions", targetPredictions, n, "a finite number", Number.isFinite);

  const weights = new Float64Array(n);
  let sum = 0;
  let squares = 0;
  let numClipped = 0;
  let largestWeight = 0;
  await forEachYielding(n, (i) => {
    const weight = targetPropensities[i]! / propensities[i]!;
    if (weight > clip) numClipped++;
    const cut = Math.min(weight, clip);
    weights[i] = cut;
    sum += cut;
    squares += cut * cut;
    largestWeight = Math.max(largestWeight, cut);
  });
  const estimate = ({ mean, variance }: Moments) => normalEstimate(mean, Math.sqrt(variance / n), confidence);
  const ips = await moments(n, (i) => weights[i]! * rewards[i]!);
  const meanWeight = sum / n;
  let snips: Estimate | undefined;
  if (sum > 0) {
    const value = ips.mean / meanWeight;
    let residuals = 0;
    await forEachYielding(n, (i) => {
      residuals += (weights[i]! * (rewards[i]! - value)) ** 2;
    });
    snips = normalEstimate(value, Math.sqrt(residuals) / sum, confidence);
  }
  const dr =
    predictions === undefined || targetPredictions === undefined
      ? undefined
      : await moments(n, (i) => targetPredictions[i]! + weights[i]! * (rewards[i]! - predictions[i]!));
  return {
    numRows: n,
    logged: estimate(await moments(n, (i) => rewards[i]!)),
    ips: estimate(ips),
    snips,
    dr: dr === undefined ? undefined : estimate(dr),
    effectiveSampleSize: squares > 0 ? sum ** 2 / squares : 0,
    numClipped,
    largestWeight,
    meanWeight,
  };
}
