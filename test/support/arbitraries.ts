import fc from "fast-check";

/** Seeded, so that a failure is the same failure for everybody. COUPONCAST_PROPERTY_RUNS multiplies the cases. */
export const settings = (numRuns: number) => ({
  numRuns: numRuns * Number(process.env.COUPONCAST_PROPERTY_RUNS ?? 1),
  seed: 20260701,
});

/** Rows of small whole numbers, some equal to others, some empty: ties and gaps on purpose. */
export function denseMatrix(maxUsers: number, maxItems: number): fc.Arbitrary<number[][]> {
  return fc
    .record({
      users: fc.integer({ min: 1, max: maxUsers }),
      items: fc.integer({ min: 1, max: maxItems }),
      zeros: fc.integer({ min: 1, max: 9 }),
    })
    .chain(({ users, items, zeros }) => {
      const cell = fc.oneof(
        { weight: zeros, arbitrary: fc.constant(0) },
        { weight: 3, arbitrary: fc.integer({ min: 1, max: 5 }) },
      );
      const row = fc.array(cell, { minLength: items, maxLength: items });
      const rows = fc.array(row, { minLength: users, maxLength: users });
      const copies = fc.array(fc.tuple(fc.nat(users - 1), fc.nat(users - 1)), { maxLength: 3 });
      return fc.tuple(rows, copies).map(([list, pairs]) => {
        const dense = list.map((values) => [...values]);
        for (const [from, to] of pairs) dense[to] = [...dense[from]!];
        return dense;
      });
    });
}

/** A square matrix. */
export function squareMatrix(max: number): fc.Arbitrary<number[][]> {
  return denseMatrix(max, max).map((dense) => {
    const size = Math.min(dense.length, dense[0]!.length);
    return dense.slice(0, size).map((row) => row.slice(0, size));
  });
}

export const parameters = fc.record({
  k1: fc.double({ min: 0, max: 3, noNaN: true }).map(Math.fround),
  b: fc.double({ min: 0, max: 1, noNaN: true }).map(Math.fround),
  lambda: fc.double({ min: 0.1, max: 10, noNaN: true }).map(Math.fround),
});
