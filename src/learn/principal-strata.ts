import { type Executor, shared } from "../executor/executor.js";
import { type DesignRows, designArgs, designPieces, designShards } from "./design-rows.js";
import { lbfgs } from "./lbfgs.js";
import { newton, type Solved } from "./newton.js";
import { owlQn } from "./owl-qn.js";
import { OUTCOME, StrataObjective } from "./strata-objective.js";

/** What a randomised log of coupons says about each row. */
export interface CouponLog {
  /** uint8 [rows] 1: had the coupon; 0: control */
  treated: Uint8Array;
  /** uint8 [rows] 1: used the coupon; only where treated */
  redeemed: Uint8Array;
  /** uint8 [rows] 1: bought, with or without it */
  converted: Uint8Array;
}

export interface StrataModel {
  /**
   * Coefficients of each logit, float64 [cols + 1] with the intercept last: of a, the chance to buy without the coupon; of
   * u, the chance that somebody who buys anyway uses it; of s, the chance that somebody who would not buy does so because of
   * it. Of redemptions alone: one logit, of P(redeem).
   */
  betas: Float64Array[];
  /** The penalised negative log-likelihood at the end. */
  objective: number;
  iterations: number;
}

/** Where the intercepts begin: few buy, some of them use a coupon, fewer are persuaded. */
const START = [-3, -1, -4];
const MAX_ITERATIONS = 100;
/** Of the objective, relative, that a last step promises. */
const TOLERANCE = 1e-9;
/** Up to so many coefficients a Hessian pays: it is d² numbers, and half as many a shard. */
const MAX_NEWTON_DIMS = 768;
/** A first, rough fit is to so many pieces of the log at even distances, an eighth of it at most. */
const SAMPLE_TOLERANCE = 1e-3;
const MAX_SAMPLE_PIECES = 64;
const SAMPLE_PIECE_ROWS = 1024;
/** Fewer pieces are no guide. */
const MIN_SAMPLE_PIECES = 8;

async function maximise(
  executor: Executor,
  x: DesignRows,
  outcomes: Uint8Array,
  l2: number,
  logits: 1 | 3,
): Promise<StrataModel> {
  const whole = new StrataObjective(executor, x, outcomes, logits, designShards(x.rows), l2);
  const each = x.cols + 1;
  const start = shared.f64(whole.dims);
  if (logits === 3) for (const [p, intercept] of START.entries()) start[p * each + x.cols] = intercept;
  let passes = 0;
  const onIteration = () => executor.progress("response model", ++passes, undefined);
  const options = { tolerance: TOLERANCE, maxIterations: MAX_ITERATIONS, onIteration };
  const solve = async (): Promise<Solved> => {
    if (whole.dims > MAX_NEWTON_DIMS) {
      return owlQn(whole, start, Math.sqrt(TOLERANCE) / 10, 10 * MAX_ITERATIONS, onIteration);
    }
    const pieces = Math.min(MAX_SAMPLE_PIECES, Math.floor(x.rows / (8 * SAMPLE_PIECE_ROWS)));
    if (pieces < MIN_SAMPLE_PIECES) return newton(whole, start, options);
    // A sample leads close to the end, and its Hessian is good enough to go on from: a pass with Hessian costs ten without.
    const share = (pieces * SAMPLE_PIECE_ROWS) / x.rows;
    const ranges = designPieces(x.rows, pieces, SAMPLE_PIECE_ROWS);
    const sample = new StrataObjective(executor, x, outcomes, logits, ranges, l2 * share);
    const { point } = await newton(sample, start, { ...options, tolerance: SAMPLE_TOLERANCE });
    return lbfgs(whole, point.beta, { ...options, curvature: point.hessian.map((h) => h / share) });
  };
  const { point, iterations } = await solve();
  return {
    betas: Array.from({ length: logits }, (_, p) => point.beta.slice(p * each, (p + 1) * each)),
    objective: point.smooth,
    iterations,
  };
}

/**
 * Who buys anyway, who of them uses the coupon, and whom it persuades, by maximum likelihood from a randomised log: with
 * a, u and s logistic in x, the treated redeem with a u + (1 - a) s, buy without redeeming with a (1 - u), and the
 * control group buys with a. So the incremental orders (1 - a) s are found from redemptions and purchases at once, of
 * which each alone would say less. Supposes that no coupon keeps anybody from buying.
 *
 * Fisher scoring on the likelihood of what was seen + l2 / 2 |beta|²; on a long log L-BFGS from a sample's solution and
 * curvature, beyond 768 coefficients L-BFGS alone. Deterministic; threads change nothing.
 * Cost: some 15 passes of 3 nnz. Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CANCELLED.
 * Source: Frangakis & Rubin 2002; Osborne 1992.
 */
export async function fitStrata(executor: Executor, x: DesignRows, log: CouponLog, l2: number): Promise<StrataModel> {
  const outcomes = shared.u8(x.rows);
  for (let i = 0; i < x.rows; i++) {
    if (log.treated[i] === 0) outcomes[i] = log.converted[i] === 1 ? OUTCOME.controlBought : OUTCOME.controlIdle;
    else if (log.redeemed[i] === 1) outcomes[i] = OUTCOME.redeemed;
    else outcomes[i] = log.converted[i] === 1 ? OUTCOME.bought : OUTCOME.idle;
  }
  return maximise(executor, x, outcomes, l2, 3);
}

/** P(redeem) alone: logistic regression, from uint8 [rows] 1: used the coupon. Otherwise as `fitStrata`. */
export async function fitRedemption(
  executor: Executor,
  x: DesignRows,
  redeemed: Uint8Array,
  l2: number,
): Promise<StrataModel> {
  const outcomes = shared.u8(x.rows);
  outcomes.set(redeemed);
  return maximise(executor, x, outcomes, l2, 1);
}

/** float64 [rows * logits] the logits of each row. Cost: nnz. */
export async function strataScores(
  executor: Executor,
  x: DesignRows,
  betas: readonly Float64Array[],
): Promise<Float64Array> {
  const each = x.cols + 1;
  const beta = shared.f64(betas.length * each);
  for (const [p, one] of betas.entries()) beta.set(one, p * each);
  const scores = shared.f64(x.rows * betas.length);
  await executor.map(
    designShards(x.rows).map(({ begin, end }) => ({
      kernel: "strataScores",
      args: {
        ...designArgs(x),
        beta,
        begin,
        end,
        outScores: scores.subarray(begin * betas.length, end * betas.length),
      },
    })),
  );
  return scores;
}
