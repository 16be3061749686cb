import { describe, expect, it } from "vitest";
import { principalAxes } from "../../dist/profile/principal-axes.js";
import { segmentMap } from "../../dist/profile/segment-map.js";
import { Random } from "../../dist/util/random.js";

/** The covariance in plain code. */
function covarianceOf(rows: Float64Array, dims: number): number[][] {
  const n = rows.length / dims;
  const column = (d: number) => Array.from({ length: n }, (_, row) => rows[row * dims + d]!);
  const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / n;
  const columns = Array.from({ length: dims }, (_, d) => column(d));
  return columns.map((a) => columns.map((b) => mean(a.map((x, i) => (x - mean(a)) * (b[i]! - mean(b))))));
}

describe("principal axes", () => {
  it("of a cross along the axes", async () => {
    const rows = Float64Array.of(5, 9, 5, 5, 7, 7, 3, 7);
    const { means, axes, shares } = await principalAxes(rows, 2, 2);
    expect([...means]).toEqual([5, 7]);
    expect(axes.map((axis) => [...axis])).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(shares).toEqual([0.5, 0.5]);
  });

  it("are orthonormal eigenvectors of the covariance, most variance first", async () => {
    const random = new Random(5);
    for (const dims of [1, 2, 3, 8, 20]) {
      const mix = Array.from({ length: dims * dims }, () => random.normal());
      const rows = new Float64Array(60 * dims);
      for (let row = 0; row < 60; row++) {
        const source = Array.from({ length: dims }, () => random.normal());
        for (let d = 0; d < dims; d++)
          rows[row * dims + d] = source.reduce((sum, x, s) => sum + x * mix[s * dims + d]!, 3);
      }
      const covariance = covarianceOf(rows, dims);
      const total = covariance.reduce((sum, row, d) => sum + row[d]!, 0);
      const { axes, shares } = await principalAxes(rows, dims, dims);
      expect(shares).toEqual([...shares].sort((a, b) => b - a));
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 10);
      for (const [a, axis] of axes.entries()) {
        const image = covariance.map((row) => row.reduce((sum, x, d) => sum + x * axis[d]!, 0));
        for (const [d, x] of image.entries())
          expect(Math.abs(x - shares[a]! * total * axis[d]!)).toBeLessThan(1e-9 * total);
        for (const [b, other] of axes.entries())
          expect(axis.reduce((sum, x, d) => sum + x * other[d]!, 0)).toBeCloseTo(a === b ? 1 : 0, 10);
        expect(Math.max(...axis)).toBeGreaterThanOrEqual(-Math.min(...axis));
      }
    }
  });

  it("of equal rows hold nothing", async () => {
    const { axes, shares } = await principalAxes(new Float64Array(12).fill(0.1), 3, 2);
    expect(shares).toEqual([0, 0]);
    expect(axes.flatMap((axis) => [...axis]).every(Number.isFinite)).toBe(true);
  });
});

describe("segment map", () => {
  it("keeps what differs most, and who is in which segment", async () => {
    // Segments differ by the third feature, users within one a little by the first.
    const numUsers = 100;
    const points = new Float32Array(numUsers * 3);
    const labels = Int32Array.from({ length: numUsers }, (_, user) => user % 2);
    for (let user = 0; user < numUsers; user++) points.set([(user % 10) / 10, 4, labels[user]! * 8], user * 3);
    const map = await segmentMap(["a", "b", "c"], points, labels, new Uint8Array(numUsers).fill(1));
    expect(map!.numUsers).toBe(numUsers);
    expect(map!.points.map(({ segment }) => segment)).toEqual([...labels]);
    for (const { x, segment } of map!.points) expect(Math.abs(x - (segment === 1 ? 4 : -4))).toBeLessThan(0.1);
    expect(map!.loadings[2]!.first).toBeGreaterThan(0.99);
    expect(Math.abs(map!.loadings[0]!.second)).toBeGreaterThan(0.99);
    expect(map!.shares[0]).toBeGreaterThan(0.9);
  });

  it("draws at most 2,000 users, evenly spread, and none without data", async () => {
    const numUsers = 50_000;
    const points = Float32Array.from({ length: numUsers * 2 }, (_, at) => Math.sin(at) * (at % 2 === 0 ? 9 : 1));
    const labels = Int32Array.from({ length: numUsers }, (_, user) => (user < numUsers / 2 ? 0 : 1));
    const active = Uint8Array.from({ length: numUsers }, (_, user) => (user % 5 === 0 ? 0 : 1));
    const map = await segmentMap(["a", "b"], points, labels, active);
    expect(map!.numUsers).toBe(40_000);
    expect(map!.points).toHaveLength(2000);
    expect(map!.points.filter(({ segment }) => segment === 0)).toHaveLength(1000);
    expect(await segmentMap(["a", "b"], points, labels, active)).toEqual(map);
  });

  it("of one feature, or of nobody, is none", async () => {
    const labels = new Int32Array(2);
    expect(await segmentMap(["a"], new Float32Array(2), labels, new Uint8Array(2).fill(1))).toBeUndefined();
    expect(await segmentMap(["a", "b"], new Float32Array(4), labels, new Uint8Array(2))).toBeUndefined();
  });
});
