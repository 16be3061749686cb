import { type Executor, shards, shared } from "../executor/executor.js";
import { yieldToEventLoop } from "../util/yield.js";

const SHARD_ROWS = 32_768;
const MAX_ITERATIONS = 50;

export interface LogisticFit {
  /** float64 [dims] */
  beta: Float64Array;
  /** Mean negative log-likelihood of the training rows, without the penalty. */
  logLoss: number;
  iterations: number;
  converged: boolean;
}

/**
 * Fits P(y = 1) = 1 / (1 + exp(-x beta)) by Newton's method with step halving: the minimum of
 * sum of log losses + l2 / 2 * |beta|², column 0 (the intercept) not penalised. The objective is strictly convex for
 * l2 > 0, so the answer is unique. Shards are added in order: threads change nothing.
 *
 * @param x float32 [rows * dims] in shared memory, column 0 is 1
 * @param y uint8 [rows] 0 or 1, in shared memory
 * Cost: rows * dims² a step, some 5 to 10 steps. Source: Hastie, Tibshirani & Friedman 2009, section 4.4.
 */
export async function fitLogistic(
  executor: Executor,
  x: Float32Array,
  y: Uint8Array,
  dims: number,
  l2: number,
): Promise<LogisticFit> {
  const rows = y.length;
  const evaluate = async (beta: Float64Array) => {
    const results = await executor.map(
      shards(rows, SHARD_ROWS).map(({ begin, end }) => ({
        kernel: "logisticPartial",
        args: {
          x,
          y,
          beta,
          begin,
          end,
          outGradient: { $return: "F64", length: dims },
          outHessian: { $return: "F64", length: dims * dims },
        },
      })),
    );
    let logLoss = 0;
    const gradient = new Float64Array(dims);
    const hessian = shared.f64(dims * dims);
    for (const { value, outputs } of results) {
      logLoss += value as number;
      (outputs.outGradient as Float64Array).forEach((g, i) => {
        gradient[i]! += g;
      });
      (outputs.outHessian as Float64Array).forEach((h, i) => {
        hessian[i]! += h;
      });
    }
    let penalty = 0;
    for (let d = 1; d < dims; d++) {
      penalty += (l2 / 2) * beta[d]! ** 2;
      gradient[d]! += l2 * beta[d]!;
      hessian[d * dims + d]! += l2;
    }
    // Keeps the system solvable where a column is constant and unpenalised.
    for (let d = 0; d < dims; d++) hessian[d * dims + d]! += 1e-9;
    return { objective: logLoss + penalty, logLoss, gradient, hessian };
  };
  let beta = shared.f64(dims);
  let at = await evaluate(beta);
  for (let iteration = 1; iteration <= MAX_ITERATIONS; iteration++) {
    const step = shared.f64(dims);
    await executor.run({ kernel: "solveSpd", args: { a: at.hessian, b: at.gradient, outSolution: step } });
    const decrement = step.reduce((sum, s, d) => sum + s * at.gradient[d]!, 0);
    let length = 1;
    let next = at;
    let moved = beta;
    for (; length > 1e-6; length /= 2) {
      moved = shared.f64(dims);
      for (let d = 0; d < dims; d++) moved[d] = beta[d]! - length * step[d]!;
      next = await evaluate(moved);
      if (next.objective <= at.objective) break;
    }
    const isLast = next.objective > at.objective || decrement <= 1e-10 * Math.max(1, Math.abs(at.objective));
    if (next.objective <= at.objective) {
      beta = moved;
      at = next;
    }
    if (isLast) return { beta, logLoss: at.logLoss / rows, iterations: iteration, converged: true };
    executor.progress("response model", iteration, undefined);
    await yieldToEventLoop();
  }
  return { beta, logLoss: at.logLoss / rows, iterations: MAX_ITERATIONS, converged: false };
}
