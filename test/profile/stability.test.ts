import fc from "fast-check";
import { expect, it } from "vitest";
import { levelOf, populationStability } from "../../src/profile/stability.js";

it("is the sum over the bins, 0 for equal shares and the same in both directions", () => {
  const psi = (a: number[], b: number[]) => populationStability(a, b).psi;
  expect(psi([1, 2, 3], [10, 20, 30])).toBeCloseTo(0, 15);
  const by = [0.5, 0.5].map((p, i) => ([0.4, 0.6][i]! - p) * Math.log([0.4, 0.6][i]! / p));
  expect(psi([50, 50], [40, 60])).toBeCloseTo(by[0]! + by[1]!, 15);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { minLength: 1, maxLength: 12 }), (bins) => {
      const [a, b] = [bins.map(([x]) => x + 1), bins.map(([, y]) => y + 1)];
      expect(psi(a, b)).toBeGreaterThanOrEqual(0);
      expect(psi(a, b)).toBeCloseTo(psi(b, a), 12);
    }),
  );
});

it("stays finite where a bin is empty: half a member", () => {
  expect(populationStability([10, 0], [10, 10]).psi).toBeCloseTo(
    (0.5 - 1) * Math.log(0.5) + (0.5 - 0.05) * Math.log(0.5 / 0.05),
    12,
  );
  expect(populationStability([10, 0], [30, 0]).psi).toBeCloseTo(0, 15);
});

it("names the usual limits", () => {
  expect([0, 0.0999, 0.1, 0.2499, 0.25, 9].map(levelOf)).toEqual([
    "stable",
    "stable",
    "moderate",
    "moderate",
    "large",
    "large",
  ]);
});

it("refuses what has no shares", () => {
  for (const [a, b] of [
    [[1], [1, 2]],
    [[], []],
    [
      [0, 0],
      [1, 1],
    ],
    [
      [-1, 2],
      [1, 1],
    ],
    [[Number.NaN], [1]],
  ] as [number[], number[]][]) {
    expect(() => populationStability(a, b)).toThrow(
      expect.objectContaining({ code: "ERR_COUPONCAST_INVALID_ARGUMENT" }),
    );
  }
});
