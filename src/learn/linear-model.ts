import { invalidArgument } from "../errors.js";
import { Executor, type RowRange, RUN_OPTIONS, type RunOptions, shared } from "../executor/executor.js";
import { fieldsOf, integerBetween, numberBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { newton, type Solved } from "./newton.js";
import { Objective } from "./objective.js";
import { owlQn } from "./owl-qn.js";
import { checkedGlm, type GlmData, rowArgs, rowShards, type SparseRows, sharedRows } from "./sparse-rows.js";

export interface LinearModelOptions extends RunOptions {
  /** Weight of |beta|_1, not of the intercept; default 0. */
  l1?: number | undefined;
  /** Weight of |beta|² / 2, not of the intercept; default 1. */
  l2?: number | undefined;
  /** float32 [rows] weight of each row, >= 0; default 1. */
  weights?: Float32Array | undefined;
  /** Default 100. */
  maxIterations?: number | undefined;
  /** Of the objective, relative; default 1e-9. */
  tolerance?: number | undefined;
}

const LINEAR_MODEL_OPTIONS = {
  ...RUN_OPTIONS,
  l1: true,
  l2: true,
  weights: true,
  maxIterations: true,
  tolerance: true,
};

/** Coefficients of sparse rows. */
export interface LinearModel {
  /** float64 [cols] */
  beta: Float64Array;
  intercept: number;
  /** Sum of the rows' losses by weight, without penalties. */
  loss: number;
  /** What was minimised: loss + penalties. */
  objective: number;
  iterations: number;
  converged: boolean;
}

/** Up to so many coefficients a Hessian pays: it is d² numbers a shard. */
const MAX_NEWTON_DIMS = 512;
/** Of a long table, the rows of the first, rough fit: pieces at even distances. */
const SAMPLE_PIECES = 64;
const SAMPLE_PIECE_ROWS = 2048;
const MIN_SAMPLED_ROWS = 4 * SAMPLE_PIECES * SAMPLE_PIECE_ROWS;

function samplePieces(rows: number): RowRange[] {
  return Array.from({ length: SAMPLE_PIECES }, (_, i) => {
    const begin = Math.floor((i * rows) / SAMPLE_PIECES);
    return { begin, end: begin + SAMPLE_PIECE_ROWS };
  });
}

async function fitModel(executor: Executor, data: GlmData, options: LinearModelOptions): Promise<LinearModel> {
  const l1 = numberBetween("l1", options.l1 ?? 0, 0, Number.MAX_VALUE);
  const l2 = numberBetween("l2", options.l2 ?? 1, 0, Number.MAX_VALUE);
  const maxIterations = integerBetween("maxIterations", options.maxIterations ?? 100, 1, 1_000_000);
  const tolerance = numberBetween("tolerance", options.tolerance ?? 1e-9, 0, 1);
  const whole = new Objective(executor, data, rowShards(data.rows), l1, l2);
  const onIteration = (iteration: number) => executor.progress("linear model", iteration, undefined);
  let start: Float64Array = shared.f64(whole.dims);
  let solved: Solved;
  if (whole.dims <= MAX_NEWTON_DIMS) {
    let curvature: Float64Array | undefined;
    if (data.rows >= MIN_SAMPLED_ROWS) {
      // A sample leads close to the end, and its Hessian is good enough for the steps that remain.
      const pieces = samplePieces(data.rows);
      const share = (SAMPLE_PIECES * SAMPLE_PIECE_ROWS) / data.rows;
      const sample = new Objective(executor, data, pieces, l1 * share, l2 * share);
      const { point } = await newton(sample, start, { tolerance: 1e-5, maxIterations, onIteration });
      start = point.beta;
      curvature = point.hessian.map((h) => h / share);
    }
    solved = await newton(whole, start, { tolerance, maxIterations, curvature, onIteration });
  } else {
    solved = await owlQn(whole, start, Math.sqrt(tolerance) / 10, maxIterations * 10, onIteration);
  }
  const { point, iterations, converged } = solved;
  return {
    beta: point.beta.slice(0, data.cols),
    intercept: point.beta[data.cols]!,
    loss: point.loss,
    objective: point.smooth + whole.l1Penalty(point.beta),
    iterations,
    converged,
  };
}

/**
 * Logistic regression with an elastic net: the minimum of
 * sum_i w_i (ln(1 + exp(z_i)) - y_i z_i) + l1 |beta|_1 + l2 / 2 |beta|², z = x beta + intercept.
 *
 * @param x CSR rows, float32 values; copied into shared memory unless they are there already
 * @param y float32 [rows] 0 or 1
 *
 * Newton's method (proximal where l1 > 0) up to 511 columns, of a long table with a sample's solution and Hessian to begin with; orthant-wise
 * L-BFGS beyond. Unique for l2 > 0. The same bytes for any number of threads: float64 sums over fixed shards of rows.
 * Cost: 3 to 6 passes of nnz, of a short table with nnz(row)² / 2 additions a row; beyond 511 columns 50 to 200 passes. Memory: 64 (cols + 1)² numbers.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (which row), ERR_COUPONCAST_CANCELLED.
 * Source: Friedman, Hastie & Tibshirani 2010; Andrew & Gao 2007.
 */
export async function logisticRegression(
  x: SparseRows,
  y: Float32Array,
  options: LinearModelOptions = {},
): Promise<LinearModel> {
  const executor = new Executor(knownOptions("logisticRegression", options, LINEAR_MODEL_OPTIONS));
  return fitModel(executor, await checkedGlm(executor, x, y, options.weights, false), options);
}

/** Least squares with an elastic net: as `logisticRegression`, of losses (z - y)² / 2 and any finite y. */
export async function linearRegression(
  x: SparseRows,
  y: Float32Array,
  options: LinearModelOptions = {},
): Promise<LinearModel> {
  const executor = new Executor(knownOptions("linearRegression", options, LINEAR_MODEL_OPTIONS));
  return fitModel(executor, await checkedGlm(executor, x, y, options.weights, true), options);
}

/**
 * x beta + intercept of every row (of a logistic regression: the log-odds).
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CANCELLED. Cost: nnz.
 */
export async function linearScores(
  model: Pick<LinearModel, "beta" | "intercept">,
  x: SparseRows,
  options: RunOptions = {},
): Promise<Float64Array> {
  knownOptions("linearScores", options, RUN_OPTIONS);
  if (!(fieldsOf("model", model).beta instanceof Float64Array))
    throw invalidArgument("expected model.beta as a Float64Array");
  numberBetween("model.intercept", model.intercept, -Number.MAX_VALUE, Number.MAX_VALUE);
  const executor = new Executor(options);
  // Checks the content too: a model may be used on rows that no fit has seen.
  const data = await checkedGlm(executor, x, shared.f32((await sharedRows(x)).rows), undefined, true);
  const beta = shared.f64(data.cols + 1);
  beta.set(model.beta);
  beta[data.cols] = model.intercept;
  const scores = shared.f64(data.rows);
  await executor.map(
    rowShards(data.rows).map(({ begin, end }) => ({
      kernel: "glmScores",
      args: { ...rowArgs(data), beta, begin, end, outScores: scores.subarray(begin, end) },
    })),
  );
  return scores;
}
