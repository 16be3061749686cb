import { describe, expect, it } from "vitest";
import { kmeans } from "../../src/profile/kmeans.js";

describe("K-means of formulas.md", () => {
  it("finds centres 0.5 and 10.5 with J = 1 from any seed", async () => {
    for (let seed = 0; seed < 10; seed++) {
      const { centroids, inertia, labels, sizes, converged } = await kmeans(Float32Array.of(0, 1, 10, 11), 1, {
        k: 2,
        seed,
      });
      expect([...centroids].sort((a, b) => a - b)).toEqual([0.5, 10.5]);
      expect(inertia).toBe(1);
      expect(labels[0]).toBe(labels[1]);
      expect(labels[2]).toBe(labels[3]);
      expect(labels[0]).not.toBe(labels[2]);
      expect(sizes).toEqual([2, 2]);
      expect(converged).toBe(true);
    }
  });

  it("with one cluster: the centre of all, 5.5, J = 101", async () => {
    // formulas.md's 202 counts every point once for each of the two equal centres.
    const { centroids, inertia } = await kmeans(Float32Array.of(0, 1, 10, 11), 1, { k: 1 });
    expect([...centroids]).toEqual([5.5]);
    expect(inertia).toBe(101);
    expect(2 * inertia).toBe(202);
  });
});
