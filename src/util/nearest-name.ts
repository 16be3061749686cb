/** Longest name that is compared: longer ones come from broken or hostile input and get no suggestion. */
const MAX_LENGTH = 64;

/** `total_minor`, `Total-Minor` and `totalMinor` are the same name written by different habits. */
function normalise(name: string): string {
  return name.toLowerCase().replaceAll(/[_\-\s.]/g, "");
}

/**
 * Damerau-Levenshtein distance of two strings (optimal string alignment: insert, delete, replace, and swap of two
 * neighbours cost 1 each; no part is edited twice), or `limit + 1` as soon as it is known to exceed `limit`.
 * Cost O(|a| |b|) time, O(|b|) memory, in UTF-16 code units.
 */
export function editDistance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    let rowMinimum = i;
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(substitution, previous[j]! + 1, current[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, beforePrevious[j - 2]! + 1);
      }
      current.push(best);
      if (best < rowMinimum) rowMinimum = best;
    }
    // A swap reaches two rows back but adds one, so a row minimum above the limit can still only grow.
    if (rowMinimum > limit) return limit + 1;
    beforePrevious = previous;
    previous = current;
  }
  const distance = previous[b.length]!;
  return distance > limit ? limit + 1 : distance;
}

/**
 * The candidate that the writer of `name` most likely meant, or undefined when none is near. Case and the
 * separators `_ - . space` do not count; at most a third of the letters (at least one) may differ.
 * Of equally near candidates the first in the given order wins.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const wanted = normalise(name);
  if (wanted === "") return undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  let best: string | undefined;
  for (const candidate of candidates) {
    if (candidate.length > MAX_LENGTH) continue;
    const other = normalise(candidate);
    // One letter of a one-letter name is everything: that is no resemblance.
    if (other !== wanted && Math.min(other.length, wanted.length) < 2) continue;
    const distance = editDistance(wanted, other, bestDistance - 1);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
      if (distance === 0) break;
    }
  }
  return best;
}

/** `; did you mean "x"?` for the end of a message, or nothing. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const nearest = nearestName(name, candidates);
  return nearest === undefined ? "" : `; did you mean ${JSON.stringify(nearest)}?`;
}
