import { shared } from "../executor/executor.js";
import { yieldToEventLoop } from "../util/yield.js";
import type { Solved } from "./newton.js";
import type { Point, SmoothObjective } from "./objective.js";

const MEMORY = 10;

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** The steepest descent's opposite where |beta|_1 counts: the gradient, or the subgradient closest to 0. */
function pseudoGradient({ beta, gradient }: Point, l1: number): Float64Array {
  const result = Float64Array.from(gradient);
  for (let d = 0; d + 1 < result.length; d++) {
    const g = gradient[d]!;
    const b = beta[d]!;
    if (b > 0) result[d] = g + l1;
    else if (b < 0) result[d] = g - l1;
    else result[d] = Math.min(g + l1, 0) + Math.max(g - l1, 0);
  }
  return result;
}

/** A step that was made, the change of the gradient, and 1 / their product. */
export interface Step {
  s: Float64Array;
  y: Float64Array;
  rho: number;
}

/**
 * Down, by the inverse Hessian's estimate (two loops over the last steps). `solve`: multiplies by the inverse of what the
 * Hessian is taken for before any step, in place; else it is taken for a number.
 */
export function direction(
  gradient: Float64Array,
  steps: readonly Step[],
  solve?: (q: Float64Array) => void,
): Float64Array {
  const q = gradient.map((g) => -g);
  const alphas: number[] = [];
  for (const { s, y, rho } of [...steps].reverse()) {
    const alpha = rho * dot(s, q);
    alphas.push(alpha);
    for (let d = 0; d < q.length; d++) q[d]! -= alpha * y[d]!;
  }
  const last = steps.at(-1);
  if (solve !== undefined) solve(q);
  else if (last !== undefined) {
    const scale = 1 / (last.rho * dot(last.y, last.y));
    for (let d = 0; d < q.length; d++) q[d]! *= scale;
  }
  for (const { s, y, rho } of steps) {
    const beta = rho * dot(y, q);
    const alpha = alphas.pop()!;
    for (let d = 0; d < q.length; d++) q[d]! += (alpha - beta) * s[d]!;
  }
  return q;
}

/**
 * Orthant-wise limited-memory quasi-Newton; plain L-BFGS where l1 is 0. For more columns than a Hessian is worth.
 * Ends when the pseudo-gradient's largest element is at most `tolerance` of what it was, or nothing decreases any more.
 * Cost: a pass without Hessian a step, now and then two. Source: Andrew & Gao 2007; Nocedal & Wright 2006, ch. 7.
 */
export async function owlQn(
  objective: SmoothObjective,
  start: Float64Array,
  tolerance: number,
  maxIterations: number,
  onIteration: (iteration: number) => void = () => {},
): Promise<Solved> {
  const { l1 } = objective;
  const steps: Step[] = [];
  let at = await objective.at(start, false);
  let first: number | undefined;
  for (let iteration = 1; iteration <= maxIterations; iteration++) {
    const pseudo = pseudoGradient(at, l1);
    const size = pseudo.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    first ??= size;
    if (size <= tolerance * Math.max(first, 1)) return { point: at, iterations: iteration - 1, converged: true };
    const towards = direction(pseudo, steps);
    // A coordinate never moves against its own descent direction.
    for (let d = 0; d < towards.length; d++) if (l1 > 0 && towards[d]! * pseudo[d]! >= 0) towards[d] = 0;
    const value = at.smooth + objective.l1Penalty(at.beta);
    let length = steps.length === 0 ? 1 / Math.sqrt(dot(pseudo, pseudo)) : 1;
    let next: Point | undefined;
    for (; length > 1e-20; length /= 2) {
      const beta = shared.f64(towards.length);
      for (let d = 0; d < beta.length; d++) {
        const moved = at.beta[d]! + length * towards[d]!;
        const sign = at.beta[d] === 0 ? -pseudo[d]! : at.beta[d]!;
        const crossed = l1 > 0 && d + 1 < beta.length && moved * sign < 0;
        beta[d] = crossed ? 0 : moved;
      }
      let slope = 0;
      for (let d = 0; d < beta.length; d++) slope += pseudo[d]! * (beta[d]! - at.beta[d]!);
      const tried = await objective.at(beta, false);
      if (tried.smooth + objective.l1Penalty(beta) <= value + 1e-4 * slope) {
        next = tried;
        break;
      }
    }
    if (next === undefined) return { point: at, iterations: iteration, converged: true };
    const s = next.beta.map((b, d) => b - at.beta[d]!);
    const y = next.gradient.map((g, d) => g - at.gradient[d]!);
    const curvature = dot(s, y);
    if (curvature > 1e-12 * dot(y, y)) {
      steps.push({ s, y, rho: 1 / curvature });
      if (steps.length > MEMORY) steps.shift();
    }
    at = next;
    onIteration(iteration);
    await yieldToEventLoop();
  }
  return { point: at, iterations: maxIterations, converged: false };
}
