import type { Baskets } from "../../src/index.js";

export function basketsOf(rows: readonly (readonly number[])[], numItems = 1): Baskets {
  const sorted = rows.map((row) => [...new Set(row)].sort((a, b) => a - b));
  const indptr = new BigInt64Array(sorted.length + 1);
  for (const [i, row] of sorted.entries()) indptr[i + 1] = indptr[i]! + BigInt(row.length);
  const items = Int32Array.from(sorted.flat());
  return { indptr, items, numItems: items.reduce((most, item) => Math.max(most, item + 1), numItems) };
}

/** Every set of items that at least minCount baskets hold, by counting every subset of every basket. */
export function bruteForce(rows: readonly (readonly number[])[], minCount: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const basket = [...new Set(row)].sort((a, b) => a - b);
    for (let mask = 1; mask < 2 ** basket.length; mask++) {
      const key = basket.filter((_, i) => (mask >> i) & 1).join(" ");
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return new Map([...counts].filter(([, count]) => count >= minCount));
}

export const keyOf = (items: readonly number[]) => [...items].sort((a, b) => a - b).join(" ");
