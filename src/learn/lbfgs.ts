import { shared } from "../executor/executor.js";
import { yieldToEventLoop } from "../util/yield.js";
import { cholesky, solveCholesky } from "./cholesky.js";
import type { NewtonOptions, Solved } from "./newton.js";
import type { Point, SmoothObjective } from "./objective.js";
import { direction, dot, type Step } from "./owl-qn.js";

const MEMORY = 20;

/**
 * Limited-memory quasi-Newton for smooth objectives (l1 = 0) that begins from an estimate of the Hessian, such as a
 * sample's at a point near by. Ends when a step promises at most `tolerance` of the objective, or nothing decreases any
 * more. Cost: a pass without Hessian a step; dims³ / 6 once, dims² a step. Source: Nocedal & Wright 2006, ch. 7.
 */
export async function lbfgs(
  objective: SmoothObjective,
  start: Float64Array,
  { tolerance, maxIterations, curvature, onIteration }: NewtonOptions & { curvature: Float64Array },
): Promise<Solved> {
  const lower = cholesky(curvature, start.length);
  const steps: Step[] = [];
  let at = await objective.at(start, false);
  for (let iteration = 1; iteration <= maxIterations; iteration++) {
    const towards = direction(at.gradient, steps, (q) => solveCholesky(lower, q));
    const slope = dot(at.gradient, towards);
    if (-slope <= tolerance * Math.max(1, Math.abs(at.smooth))) {
      return { point: at, iterations: iteration - 1, converged: true };
    }
    let next: Point | undefined;
    for (let length = 1; length > 1e-10 && next === undefined; length /= 2) {
      const beta = shared.f64(towards.length);
      for (let d = 0; d < beta.length; d++) beta[d] = at.beta[d]! + length * towards[d]!;
      const tried = await objective.at(beta, false);
      if (tried.smooth <= at.smooth + 1e-4 * length * slope) next = tried;
    }
    if (next === undefined) return { point: at, iterations: iteration, converged: true };
    const s = next.beta.map((b, d) => b - at.beta[d]!);
    const y = next.gradient.map((g, d) => g - at.gradient[d]!);
    const curved = dot(s, y);
    if (curved > 1e-12 * dot(y, y)) {
      steps.push({ s, y, rho: 1 / curved });
      if (steps.length > MEMORY) steps.shift();
    }
    at = next;
    onIteration?.(iteration);
    await yieldToEventLoop();
  }
  return { point: at, iterations: maxIterations, converged: false };
}
