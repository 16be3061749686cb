import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { segmentProfiles } from "../../src/profile/segment-profiles.js";
import { settings } from "../support/arbitraries.js";

const features = (columns: Record<string, Float64Array>) =>
  Object.entries(columns).map(([name, values]) => [name, async () => values] as const);

const moments = (values: readonly number[]) => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length };
};

describe("segment profiles", () => {
  it("equal means and variances taken apart, whatever is missing", async () => {
    const value = fc.oneof({ weight: 5, arbitrary: fc.integer({ min: -4, max: 9 }) }, fc.constant(Number.NaN));
    const users = fc.array(fc.tuple(value, value, fc.integer({ min: -1, max: 2 })), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(users, async (rows) => {
        const columns = [0, 1].map((c) => Float64Array.from(rows, (row) => row[c]!));
        const labels = Int32Array.from(rows, (row) => row[2]);
        const profiles = await segmentProfiles(features({ a: columns[0]!, b: columns[1]! }), labels, 3);
        for (const [s, profile] of profiles.entries()) {
          expect(profile.map(({ feature }) => feature).sort()).toEqual(["a", "b"]);
          expect(Math.abs(profile[0]!.difference ?? 0)).toBeGreaterThanOrEqual(Math.abs(profile[1]!.difference ?? 0));
          for (const { feature, numKnown, mean, restMean, difference } of profile) {
            const known = [...columns["ab".indexOf(feature)]!].map((x, u) => [x, labels[u]!] as const);
            const own = known.filter(([x, label]) => label === s && !Number.isNaN(x)).map(([x]) => x);
            const rest = known.filter(([x, label]) => label !== s && !Number.isNaN(x)).map(([x]) => x);
            expect(numKnown).toBe(own.length);
            if (own.length === 0 || rest.length === 0) {
              expect(difference).toBeNull();
              continue;
            }
            const [m, r, all] = [moments(own), moments(rest), moments([...own, ...rest])];
            expect(mean).toBeCloseTo(m.mean, 9);
            expect(restMean).toBeCloseTo(r.mean, 9);
            const within = (m.variance + r.variance) / 2;
            const unit = Math.sqrt(within > 1e-9 ? within : all.variance);
            expect(difference).toBeCloseTo(unit > 0 ? (m.mean - r.mean) / unit : 0, 6);
          }
        }
      }),
      settings(100),
    );
  });

  it("groups that are constant and apart, a feature that tells nothing, and a tie", async () => {
    const labels = Int32Array.of(0, 0, 1, 1);
    const columns = {
      same: Float64Array.of(5, 5, 5, 5),
      apart: Float64Array.of(1, 1, 3, 3),
      also: Float64Array.of(0, 0, 2, 2),
    };
    const [first] = await segmentProfiles(features(columns), labels, 2);
    expect(first!.map(({ feature, difference }) => [feature, difference])).toEqual([
      ["apart", -2],
      ["also", -2],
      ["same", 0],
    ]);
  });

  it("refuses labels and values that do not fit", async () => {
    const column = features({ a: Float64Array.of(1) });
    await expect(segmentProfiles(column, Int32Array.of(2), 2)).rejects.toMatchObject({ message: /labels/ });
    await expect(segmentProfiles(column, Int32Array.of(0, 0), 1)).rejects.toMatchObject({ message: /2 values of a/ });
  });
});
