import { absorption, type ProbabilityOptions, stationaryDistribution, transitionProbabilities } from "./markov.js";
import type { GroupTransitions } from "./transitions.js";

/** What the chain of a group of users says, as plain JSON; null where there is nothing to go by. */
export interface ChainSummary {
  numUsers: number;
  /** [states * states] */
  probabilities: (number | null)[];
  /** [states] where the chain settles. */
  stationary: number[] | null;
  /** [states] chance that the target comes before the sequence ends, and the steps to it if it does. */
  reaches: (number | null)[];
  stepsIfReached: (number | null)[];
}

/** transitionProbabilities, null where a behaviour has nothing after (or before) it. */
export function knownProbabilities(
  counts: Float64Array,
  n: number,
  { direction, smoothing }: ProbabilityOptions,
): (number | null)[] {
  const p = transitionProbabilities(counts, n, { direction, smoothing });
  const groupOf = (at: number) => (direction === "backward" ? at % n : Math.floor(at / n));
  const known = new Set<number>();
  for (const [at, value] of p.entries()) if (value > 0) known.add(groupOf(at));
  return Array.from(p, (value, at) => (known.has(groupOf(at)) ? value : null));
}

/** `target` is the position of a behaviour; smoothing holds for everything, the direction for the probabilities only. */
export function summariseChain(
  group: GroupTransitions,
  { target, direction, smoothing }: ProbabilityOptions & { target: number },
): ChainSummary {
  const n = group.ends.length;
  const { probability, stepsIfReached } = absorption(group.counts, group.ends, target, smoothing);
  const stationary = stationaryDistribution(transitionProbabilities(group.counts, n, { smoothing }), n);
  return {
    numUsers: group.numUsers,
    probabilities: knownProbabilities(group.counts, n, { direction, smoothing }),
    stationary: stationary && [...stationary],
    reaches: finiteOrNull(probability),
    stepsIfReached: finiteOrNull(stepsIfReached),
  };
}

export const finiteOrNull = (values: Float64Array): (number | null)[] =>
  Array.from(values, (value) => (Number.isFinite(value) ? value : null));
