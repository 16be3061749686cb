import { type Executor, shared } from "../executor/executor.js";
import { yieldToEventLoop } from "../util/yield.js";
import { newton } from "./newton.js";
import { Objective } from "./objective.js";
import { type GlmData, rowShards } from "./sparse-rows.js";

/** What a randomised log of coupons says about each row. */
export interface CouponLog {
  /** uint8 [rows] 1: had the coupon; 0: control */
  treated: Uint8Array;
  /** uint8 [rows] 1: used the coupon; only where treated */
  redeemed: Uint8Array;
  /** uint8 [rows] 1: bought, with or without it */
  converted: Uint8Array;
}

/** Coefficients of three logits, float64 [cols + 1] each with the intercept last. */
export interface StrataModel {
  /** of a, the chance to buy without the coupon */
  anyway: Float64Array;
  /** of u, the chance that somebody who buys anyway uses the coupon */
  use: Float64Array;
  /** of s, the chance that somebody who would not buy does so because of the coupon */
  persuade: Float64Array;
  iterations: number;
}

const MAX_ITERATIONS = 40;
/** Rounds between two Hessians. */
const ROUNDS_PER_HESSIAN = 8;
/** The expected log-likelihood's relative gain below which the rounds end. */
const TOLERANCE = 1e-6;

function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/** One of the three logistic models: its rows' targets and weights change from round to round. */
class Part {
  beta: Float64Array;
  readonly objective: Objective;
  #curvature: Float64Array | undefined;

  constructor(
    readonly executor: Executor,
    readonly data: GlmData,
    l2: number,
    start: number,
  ) {
    this.objective = new Objective(executor, data, rowShards(data.rows), 0, l2);
    this.beta = shared.f64(data.cols + 1);
    this.beta[data.cols] = start;
  }

  /** A step or two towards the maximum for the present targets and weights. */
  async improve(round: number): Promise<void> {
    const isFirst = round === 0;
    if (round % ROUNDS_PER_HESSIAN === 0) this.#curvature = undefined;
    const curvature = this.#curvature;
    const options = { tolerance: 1e-9, maxIterations: isFirst ? 6 : 1, curvature };
    if (curvature === undefined) this.#curvature = (await this.objective.at(this.beta, true)).hessian;
    this.beta = (await newton(this.objective, this.beta, { ...options, curvature: this.#curvature })).point.beta;
  }

  async probabilities(into: Float64Array): Promise<void> {
    const { cols, indptr, indices, values } = this.data;
    await this.executor.map(
      rowShards(this.data.rows).map(({ begin, end }) => ({
        kernel: "glmScores",
        args: { cols, indptr, indices, values, beta: this.beta, begin, end, outScores: into.subarray(begin, end) },
      })),
    );
    for (let i = 0; i < into.length; i++) into[i] = sigmoid(into[i]!);
  }
}

/**
 * Who buys anyway, who of them uses the coupon, and whom it persuades, by maximum likelihood from a randomised log: with
 * a, u and s logistic in x, the treated redeem with a u + (1 - a) s, buy without redeeming with a (1 - u), and the
 * control group buys with a. So the incremental orders (1 - a) s are found from redemptions and purchases at once, of
 * which each alone would say less. Supposes that no coupon keeps anybody from buying.
 *
 * Expectation and maximisation in turn: whoever redeemed counts as a buyer anyway with the chance a u / (a u + (1 - a) s),
 * and each logit moves by Newton steps on its weighted rows. Deterministic; threads change nothing.
 * Cost: up to 40 rounds of some 6 passes of nnz. Source: Frangakis & Rubin 2002; Dempster, Laird & Rubin 1977.
 */
export async function fitStrata(executor: Executor, x: GlmData, log: CouponLog, l2: number): Promise<StrataModel> {
  const { rows } = x;
  const part = (y: Float32Array, start: number, weights: Float32Array | undefined) =>
    new Part(executor, { ...x, gaussian: false, y, weights }, l2, start);
  /** The chance that the row's user buys anyway, given what was seen; the other two models' weights follow. */
  const buysAnyway = shared.f32(rows);
  const inUse = shared.f32(rows);
  const inPersuade = shared.f32(rows);
  const redeemed = shared.f32(rows);
  redeemed.set(log.redeemed);
  const anyway = part(buysAnyway, -3, undefined);
  const use = part(redeemed, -1, inUse);
  const persuade = part(redeemed, -4, inPersuade);
  const [a, u, s] = [shared.f64(rows), shared.f64(rows), shared.f64(rows)];
  let before = Number.NEGATIVE_INFINITY;
  let round = 0;
  for (; round < MAX_ITERATIONS; round++) {
    await anyway.probabilities(a);
    await use.probabilities(u);
    await persuade.probabilities(s);
    let likelihood = 0;
    for (let i = 0; i < rows; i++) {
      const isTreated = log.treated[i] === 1;
      let share = log.converted[i]!;
      let chance = share === 1 ? a[i]! : 1 - a[i]!;
      if (isTreated && log.redeemed[i] === 1) {
        chance = a[i]! * u[i]! + (1 - a[i]!) * s[i]!;
        share = (a[i]! * u[i]!) / chance;
      } else if (isTreated) chance *= share === 1 ? 1 - u[i]! : 1 - s[i]!;
      likelihood += Math.log(Math.max(chance, 1e-300));
      buysAnyway[i] = share;
      inUse[i] = isTreated ? share : 0;
      inPersuade[i] = isTreated ? 1 - share : 0;
    }
    if (round > 2 && likelihood - before <= TOLERANCE * Math.abs(likelihood)) break;
    before = likelihood;
    await anyway.improve(round);
    await use.improve(round);
    await persuade.improve(round);
    executor.progress("uplift model", round + 1, undefined);
    await yieldToEventLoop();
  }
  return { anyway: anyway.beta, use: use.beta, persuade: persuade.beta, iterations: round };
}
