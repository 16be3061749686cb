import { shared } from "../executor/executor.js";
import { yieldToEventLoop } from "../util/yield.js";
import type { Point, SmoothObjective } from "./objective.js";

export interface Solved {
  point: Point;
  iterations: number;
  converged: boolean;
}

const MAX_SWEEPS = 1000;
/** Keeps the system solvable where a column is constant and unpenalised. */
const RIDGE = 1e-9;
/** An estimated Hessian that has not led to the end by then is not good enough. */
const MAX_ESTIMATED_STEPS = 12;

/** The step of the quadratic model: Cholesky, or coordinate descent where there is an l1 penalty. */
async function stepOf(objective: SmoothObjective, at: Point, curvature: Float64Array): Promise<Float64Array> {
  const { executor, dims, l1 } = objective;
  const step = shared.f64(dims);
  const hessian = shared.f64(curvature.length);
  hessian.set(curvature);
  for (let d = 0; d < dims; d++) hessian[d * dims + d]! += RIDGE;
  if (l1 > 0) {
    await executor.run({
      kernel: "elasticNetStep",
      args: {
        hessian,
        gradient: at.gradient,
        beta: at.beta,
        l1,
        tolerance: 1e-10,
        maxSweeps: MAX_SWEEPS,
        outStep: step,
      },
    });
    return step;
  }
  await executor.run({ kernel: "solveSpd", args: { a: hessian, b: at.gradient, outSolution: step } });
  for (let d = 0; d < dims; d++) step[d] = -step[d]!;
  return step;
}

export interface NewtonOptions {
  /** End when a step promises at most so much of the objective. */
  tolerance: number;
  maxIterations: number;
  /** An estimate of the Hessian: taken as long as its steps are good, so that a pass over the rows needs none. */
  curvature?: Float64Array | undefined;
  onIteration?: (iteration: number) => void;
}

/**
 * Newton's method with step halving, proximal where l1 > 0, from `start`. Cost: a pass with Hessian a step, or without
 * while `curvature` serves. Source: Hastie, Tibshirani & Friedman 2009, section 4.4; Lee, Sun & Saunders 2014.
 */
export async function newton(objective: SmoothObjective, start: Float64Array, options: NewtonOptions): Promise<Solved> {
  const { tolerance, maxIterations, onIteration } = options;
  let { curvature } = options;
  let at = await objective.at(start, curvature === undefined);
  for (let iteration = 1; iteration <= maxIterations; iteration++) {
    const step = await stepOf(objective, at, curvature ?? at.hessian);
    const value = at.smooth + objective.l1Penalty(at.beta);
    const moved = (length: number): Float64Array => {
      const beta = shared.f64(step.length);
      for (let d = 0; d < step.length; d++) beta[d] = at.beta[d]! + length * step[d]!;
      return beta;
    };
    let slope = objective.l1Penalty(moved(1)) - objective.l1Penalty(at.beta);
    for (let d = 0; d < step.length; d++) slope += at.gradient[d]! * step[d]!;
    if (-slope <= tolerance * Math.max(1, Math.abs(value)))
      return { point: at, iterations: iteration, converged: true };
    let next: Point | undefined;
    let length = 1;
    for (; length > 1e-8 && next === undefined; length /= 2) {
      const tried = await objective.at(moved(length), curvature === undefined);
      if (tried.smooth + objective.l1Penalty(tried.beta) <= value + 1e-4 * length * slope) next = tried;
    }
    if (next === undefined && curvature === undefined) return { point: at, iterations: iteration, converged: true };
    if (curvature !== undefined && (length < 0.5 || iteration >= MAX_ESTIMATED_STEPS)) {
      curvature = undefined;
      next = await objective.at((next ?? at).beta, true);
    }
    at = next!;
    onIteration?.(iteration);
    await yieldToEventLoop();
  }
  return { point: at, iterations: maxIterations, converged: false };
}
