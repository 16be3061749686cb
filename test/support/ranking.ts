import { expect } from "vitest";

/** Sums of float32 in another order than float64's: the error grows with the number of terms, here a few dozen. */
const RELATIVE = 2e-5;
const ABSOLUTE = 1e-6;

export function expectClose(actual: number, expected: number, what: string): void {
  expect(Math.abs(actual - expected), `${what}: ${actual} for ${expected}`).toBeLessThanOrEqual(
    RELATIVE * Math.abs(expected) + ABSOLUTE,
  );
}

/**
 * Checks that a row holds the best of `reference` (score by index; absent ones may not occur): right scores, best
 * first, of equal scores the smaller index, nothing better left out, as many as there are or fit.
 */
export function expectTopOf(
  indices: ArrayLike<number>,
  scores: ArrayLike<number>,
  count: number,
  reference: ReadonlyMap<number, number>,
  what: string,
): void {
  const positive = [...reference].filter(([, score]) => score > 0);
  expect(count, `${what}: places used`).toBe(Math.min(indices.length, positive.length));
  const listed = new Set<number>();
  for (let at = 0; at < count; at++) {
    const index = indices[at]!;
    expect(reference.has(index), `${what}: ${index} may not be listed`).toBe(true);
    expect(listed.has(index), `${what}: ${index} is listed twice`).toBe(false);
    listed.add(index);
    expectClose(scores[at]!, reference.get(index)!, `${what}: score of ${index}`);
    if (at === 0) continue;
    const inOrder = scores[at]! < scores[at - 1]! || (scores[at] === scores[at - 1] && index > indices[at - 1]!);
    expect(inOrder, `${what}: place ${at} is out of order`).toBe(true);
  }
  if (count === 0) return;
  const last = scores[count - 1]!;
  for (const [index, score] of positive) {
    if (listed.has(index)) continue;
    expect(score, `${what}: ${index} is better than the last place`).toBeLessThanOrEqual(
      last + RELATIVE * Math.abs(last) + ABSOLUTE,
    );
  }
}

/** Checks that unused places say so. */
export function expectUnused(indices: ArrayLike<number>, scores: ArrayLike<number>, count: number): void {
  for (let at = count; at < indices.length; at++) {
    expect(indices[at]).toBe(-1);
    expect(scores[at]).toBe(0);
  }
}
