import { describe, expect, it } from "vitest";
import { allocate } from "../../src/allocate/allocate.js";

// formulas.md, "Allocation": three coupons A, B, C with costs 1, 2, 4; four users; budget 7; one piece of B.
const VALUES = [3, 5, 6.2, 2, 4.5, 5, 1, 2.6, 4.4, 2.5, 2.8, 3];
const golden = {
  width: 3,
  counts: Int32Array.of(3, 3, 3, 3),
  coupons: Int32Array.from(VALUES, (_, at) => at % 3),
  valueMinor: Float64Array.from(VALUES),
  costMinor: Float64Array.from(VALUES, (_, at) => [1, 2, 4][at % 3]!),
};

describe("allocation of formulas.md", () => {
  it("reaches the integer optimum 13.2 at cost 7, with the dual bound 13.3", async () => {
    const result = await allocate(
      golden,
      { budgetMinor: 7, coupons: [{ stock: 4 }, { stock: 1 }, { stock: 4 }] },
      { threads: 2 },
    );
    expect(result.valueMinor).toBeCloseTo(13.2, 9);
    expect(result.spendMinor).toBeCloseTo(7, 9);
    expect(result.upperBoundMinor).toBeCloseTo(13.3, 5);
    expect([...result.chosen]).toEqual([0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0]);
    expect(result.gap).toBeCloseTo(0.1 / 13.3, 5);
  });
});
