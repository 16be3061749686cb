import { invalidArgument } from "../errors.js";
import { arrayOf } from "../util/arguments.js";

/** Below .1 nothing has moved, from .25 on it is another population: the usual limits of the index. */
export const STABILITY_LIMITS = { moderate: 0.1, large: 0.25 } as const;
export type StabilityLevel = "stable" | "moderate" | "large";

export interface Stability {
  psi: number;
  level: StabilityLevel;
}

/**
 * Population stability index between two distributions over the same bins: sum_b (q_b - p_b) ln(q_b / p_b), where p
 * and q are the bins' shares before and after. 0 for equal shares, the same in both directions.
 *
 * @param before,after counts of each bin, not negative, at least one above 0 each
 *
 * An empty bin counts as half a member of its own side, where the other side has any, so that the index stays finite.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT. Source: Lewis 1994; Yurdakul 2018 on the limits .1 and .25.
 */
export function populationStability(before: readonly number[], after: readonly number[]): Stability {
  for (const [name, counts] of Object.entries({ before, after })) arrayOf(name, counts);
  if (before.length !== after.length || before.length === 0)
    throw invalidArgument(`expected the same bins on both sides but received ${before.length} and ${after.length}`);
  const totals = [before, after].map((counts) => {
    if (!counts.every((count) => Number.isFinite(count) && count >= 0))
      throw invalidArgument("expected counts that are finite and not negative");
    return counts.reduce((sum, count) => sum + count, 0);
  });
  const [numBefore, numAfter] = totals as [number, number];
  if (numBefore === 0 || numAfter === 0) throw invalidArgument("expected at least one member on both sides");
  let psi = 0;
  for (const [b, old] of before.entries()) {
    const now = after[b]!;
    if (old === 0 && now === 0) continue;
    const p = Math.max(old, 0.5) / numBefore;
    const q = Math.max(now, 0.5) / numAfter;
    psi += (q - p) * Math.log(q / p);
  }
  return { psi, level: levelOf(psi) };
}

/** The same of the sizes of segments when they were found and now; null where nobody was or is in one. */
export function stabilitySince(before: readonly number[], after: readonly number[]): Stability | null {
  const hasUsers = (sizes: readonly number[]) => sizes.some((size) => size > 0);
  return hasUsers(before) && hasUsers(after) ? populationStability(before, after) : null;
}

export function levelOf(psi: number): StabilityLevel {
  if (psi >= STABILITY_LIMITS.large) return "large";
  return psi >= STABILITY_LIMITS.moderate ? "moderate" : "stable";
}
