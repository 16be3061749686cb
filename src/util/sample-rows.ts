import type { Random } from "./random.js";

/** `size` of the numbers below n, ascending, each at most once. */
export function sampleRows(n: number, size: number, random: Random): Int32Array {
  if (size === n) return Int32Array.from({ length: n }, (_, i) => i);
  // Floyd's choice: no array of n.
  const chosen = new Set<number>();
  for (let top = n - size; top < n; top++) {
    const row = random.int(top + 1);
    chosen.add(chosen.has(row) ? top : row);
  }
  return Int32Array.from(chosen).sort();
}
