/** The Markov chain of behaviours: from counts of transitions to what follows from them. Matrices are [n * n], by row. */
import { invalidArgument } from "../errors.js";
import { integerBetween, numberBetween, oneOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { closedClasses, reaches } from "./chain-classes.js";
import { solveDense } from "./solve-dense.js";

const DIRECTIONS = ["forward", "backward"] as const;

export interface ProbabilityOptions {
  /** forward: to each next behaviour, rows add up to 1; backward: from each behaviour before, columns do. */
  direction?: (typeof DIRECTIONS)[number] | undefined;
  /** Added to every count; default 0: then a behaviour that nothing follows has a row (or column) of zeros. */
  smoothing?: number | undefined;
}

/**
 * Probabilities of transitions: forward P_ij = (n_ij + alpha) / sum_j (n_ij + alpha), the chance that i is followed by
 * j; backward B_ij = (n_ij + alpha) / sum_i (n_ij + alpha), the chance that i came before j.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT. Source: formulas.md, "Behaviour transitions".
 */
export function transitionProbabilities(
  counts: Float64Array,
  states: number,
  options: ProbabilityOptions = {},
): Float64Array {
  checkSquare(counts, states);
  knownOptions("transitionProbabilities", options, { direction: true, smoothing: true });
  const direction = oneOf("direction", options.direction ?? "forward", DIRECTIONS);
  const smoothing = numberBetween("smoothing", options.smoothing ?? 0, 0, 1e12);
  const groupOf = (place: number) => (direction === "forward" ? Math.floor(place / states) : place % states);
  const totals = new Float64Array(states);
  for (const [place, n] of counts.entries()) totals[groupOf(place)]! += n + smoothing;
  return counts.map((n, place) => (totals[groupOf(place)]! > 0 ? (n + smoothing) / totals[groupOf(place)]! : 0));
}

/**
 * The distribution pi with pi P = pi, where the chain settles whatever it began with; null where it may settle in more
 * than one way, or where probabilities of a behaviour that can be reached are not known. By elimination without
 * subtraction, so each entry is right to nearly all its digits. Cost: n³.
 * Source: Grassmann, Taksar & Heyman 1985.
 */
export function stationaryDistribution(probabilities: Float64Array, states: number): Float64Array | null {
  checkSquare(probabilities, states);
  const seen = Array.from({ length: states }, (_, i) => i).filter((i) => isUsed(probabilities, states, i));
  const classes = closedClasses(probabilities, states).filter((members) => members.some((i) => seen.includes(i)));
  const [only] = classes;
  if (only === undefined || classes.length > 1) return null;
  const n = only.length;
  const p = Float64Array.from(
    { length: n * n },
    (_, at) => probabilities[only[Math.floor(at / n)]! * states + only[at % n]!]!,
  );
  // A class of one that nothing is known to follow: where it goes is not known either.
  if (n === 1 && p[0] === 0) return null;
  for (let k = n - 1; k > 0; k--) {
    let leaving = 0;
    for (let j = 0; j < k; j++) leaving += p[k * n + j]!;
    for (let i = 0; i < k; i++) {
      p[i * n + k]! /= leaving;
      for (let j = 0; j < k; j++) p[i * n + j]! += p[i * n + k]! * p[k * n + j]!;
    }
  }
  const weights = new Float64Array(n);
  weights[0] = 1;
  for (let k = 1; k < n; k++) for (let i = 0; i < k; i++) weights[k]! += weights[i]! * p[i * n + k]!;
  const total = weights.reduce((sum, w) => sum + w, 0);
  const stationary = new Float64Array(states);
  for (const [i, state] of only.entries()) stationary[state] = weights[i]! / total;
  return stationary;
}

function isUsed(probabilities: Float64Array, states: number, state: number): boolean {
  for (let other = 0; other < states; other++) {
    if (probabilities[state * states + other]! > 0 || probabilities[other * states + state]! > 0) return true;
  }
  return false;
}

export interface Absorption {
  /** [n] chance that the target comes after the state before the sequence ends. */
  probability: Float64Array;
  /** [n] expected steps from the state to the target where it comes before the end; NaN where it never does. */
  stepsIfReached: Float64Array;
  /** [n] expected steps to the target if sequences never ended; infinite where it may never come. */
  expectedSteps: Float64Array;
}

/**
 * How a chain gets to `target` (for a shop: from browsing to a purchase), with the target as absorbing state. With Q the
 * probabilities between the other states and r those of the target, `ends` as a further way out: probability
 * h = (I - Q)^-1 r, steps if reached ((I - Q)^-1 h) / h; without ends, steps (I - Q)^-1 1. For the target itself they
 * say how it comes again. Cost: n³. Errors: ERR_COUPONCAST_INVALID_ARGUMENT.
 * Source: Kemeny & Snell 1960, chapter 3; formulas.md, "Behaviour transitions".
 *
 * @param counts [n * n] transitions
 * @param ends [n] sequences that end with each state
 */
export function absorption(counts: Float64Array, ends: Float64Array, target: number, smoothing = 0): Absorption {
  if (!(ends instanceof Float64Array)) throw invalidArgument("expected ends as a Float64Array");
  const n = ends.length;
  checkSquare(counts, n);
  integerBetween("target", target, 0, n - 1);
  numberBetween("smoothing", smoothing, 0, 1e12);
  const going = transitionProbabilities(counts, n, { smoothing });
  const ending = going.map((p, place) => {
    const from = Math.floor(place / n);
    let total = ends[from]!;
    for (let to = 0; to < n; to++) total += counts[from * n + to]! + smoothing;
    return total > 0 ? (counts[place]! + smoothing) / total : p;
  });
  const comes = reaches(ending, n, target);
  const probability = solveAway(ending, n, target, comes, (from) => ending[from * n + target]!);
  const steps = solveAway(ending, n, target, comes, (from) => probability[from]!);
  // Certain only from where nothing can be reached from which there is no way to the target.
  const certain = surelyReaches(going, n, target);
  const expected = solveAway(going, n, target, certain, () => 1);
  return {
    probability,
    stepsIfReached: steps.map((value, i) => value / probability[i]!),
    expectedSteps: expected.map((value, i) => (certain[i] ? value : Number.POSITIVE_INFINITY)),
  };
}

/** x = b + Q x over the states with `include`, Q without the target's column; then the target's own row by the same formula. */
function solveAway(
  p: Float64Array,
  n: number,
  target: number,
  include: readonly boolean[],
  b: (from: number) => number,
): Float64Array {
  const inner = Array.from({ length: n }, (_, i) => i).filter((i) => i !== target && include[i]);
  const m = inner.length;
  const matrix = Float64Array.from({ length: m * m }, (_, at) => {
    const [i, j] = [Math.floor(at / m), at % m];
    return (i === j ? 1 : 0) - p[inner[i]! * n + inner[j]!]!;
  });
  const solved = solveDense(matrix, Float64Array.from(inner, b));
  const x = new Float64Array(n);
  for (const [i, state] of inner.entries()) x[state] = solved[i]!;
  if (include[target]) {
    x[target] = b(target) + inner.reduce((sum, state) => sum + p[target * n + state]! * x[state]!, 0);
  }
  return x;
}

function surelyReaches(p: Float64Array, n: number, target: number): boolean[] {
  const comes = reaches(p, n, target);
  const lost = comes.map((can, i) => !can && i !== target);
  return comes.map((can, from) => {
    if (!can) return false;
    // Paths end at the target: what can be reached only through it does not matter.
    const seen = new Set([from]);
    const open = [from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (let to = 0; to < n; to++) {
        if (!(p[at * n + to]! > 0) || to === target || seen.has(to)) continue;
        if (lost[to]) return false;
        seen.add(to);
        open.push(to);
      }
    }
    return true;
  });
}

function checkSquare(matrix: Float64Array, states: number): void {
  integerBetween("states", states, 1, 256);
  if (!(matrix instanceof Float64Array) || matrix.length !== states * states) {
    throw invalidArgument(`expected ${states * states} numbers in a Float64Array`);
  }
  if (!matrix.every((x) => x >= 0 && x < Number.POSITIVE_INFINITY))
    throw invalidArgument("expected finite numbers of at least 0");
}
