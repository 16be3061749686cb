import { describe, expect, it } from "vitest";
import { chooseK, kmeans } from "../../src/index.js";
import { Random } from "../../src/util/random.js";

function blobs(count: number, each: number): Float32Array {
  const random = new Random(5);
  return Float32Array.from({ length: count * each * 2 }, (_, i) => {
    const blob = Math.floor(i / 2) % count;
    return (i % 2 === 0 ? blob * 10 : (blob % 2) * 12) + random.normal();
  });
}

describe("choice of k", () => {
  it("finds the number of far groups", async () => {
    for (const groups of [2, 3, 5]) {
      const { k, qualities } = await chooseK(blobs(groups, 60), 2, { maxK: 8, nInit: 4 });
      expect(k).toBe(groups);
      expect(qualities.map((quality) => quality.k)).toEqual([2, 3, 4, 5, 6, 7, 8]);
      const best = qualities.find((quality) => quality.k === groups)!;
      for (const { calinskiHarabasz } of qualities)
        expect(calinskiHarabasz).toBeLessThanOrEqual(best.calinskiHarabasz!);
    }
  });

  it("equals the definitions", async () => {
    const points = blobs(3, 20);
    const n = points.length / 2;
    const { qualities } = await chooseK(points, 2, { minK: 4, maxK: 4 });
    const { labels, inertia } = await kmeans(points, 2, { k: 4 });
    const distance = (i: number, j: number) =>
      Math.hypot(points[2 * i]! - points[2 * j]!, points[2 * i + 1]! - points[2 * j + 1]!);
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const means = [0, 1, 2, 3].map((c) => {
        const others = [...labels.keys()].filter((j) => labels[j] === c && j !== i);
        return others.reduce((total, j) => total + distance(i, j), 0) / others.length;
      });
      const a = means[labels[i]!]!;
      const b = Math.min(...means.filter((_, c) => c !== labels[i]));
      sum += (b - a) / Math.max(a, b);
    }
    expect(qualities[0]!.sampleSilhouette).toBeCloseTo(sum / n, 9);
    const { inertia: total } = await kmeans(points, 2, { k: 1 });
    expect(qualities[0]!.calinskiHarabasz).toBeCloseTo((total - inertia) / 3 / (inertia / (n - 4)), 6);
  });

  it("chooses by what it is told to", async () => {
    const points = blobs(4, 60);
    const options = { maxK: 9, nInit: 4 };
    const { qualities, ...bySilhouette } = await chooseK(points, 2, options);
    expect(bySilhouette).toMatchObject({ k: 4, criterion: "silhouette" });
    const byIndex = await chooseK(points, 2, { ...options, criterion: "calinski-harabasz" });
    const largest = Math.max(...qualities.map((quality) => quality.calinskiHarabasz!));
    expect(byIndex.k).toBe(qualities.find((quality) => quality.calinskiHarabasz === largest)!.k);
    const elbow = await chooseK(points, 2, { ...options, criterion: "elbow" });
    const [first, last] = [qualities[0]!, qualities.at(-1)!];
    const below = qualities.map(({ k, inertia }) => {
      const line = first.inertia + ((last.inertia - first.inertia) * (k - 2)) / 7;
      return line - inertia;
    });
    expect(elbow.k).toBe(qualities[below.indexOf(Math.max(...below))]!.k);
    await expect(chooseK(points, 2, { criterion: "wish" as never })).rejects.toThrow(/criterion/);
  });

  it("mini-batches and weights come to the same number of far groups", async () => {
    const points = blobs(3, 200);
    const weights = Float32Array.from({ length: 600 }, (_, i) => 1 + (i % 2));
    for (const options of [{ miniBatch: 100 }, { weights }, { miniBatch: 100, weights }])
      expect((await chooseK(points, 2, { maxK: 6, nInit: 4, ...options })).k).toBe(3);
    const repeated = Float32Array.from(
      Array.from({ length: 600 }, (_, i) =>
        new Array(weights[i]!).fill([points[2 * i]!, points[2 * i + 1]!]).flat(),
      ).flat(),
    );
    const weighted = await chooseK(points, 2, { minK: 3, maxK: 3, nInit: 4, weights });
    const plain = await chooseK(repeated, 2, { minK: 3, maxK: 3, nInit: 4 });
    expect(weighted.qualities[0]!.calinskiHarabasz! / plain.qualities[0]!.calinskiHarabasz!).toBeCloseTo(1, 4);
  });

  it("is defined where points coincide, and refuses too few", async () => {
    const { k, qualities } = await chooseK(new Float32Array(20).fill(3), 2);
    expect(k).toBe(2);
    for (const quality of qualities) {
      expect(quality).toMatchObject({ inertia: 0, sampleSilhouette: 0, calinskiHarabasz: null });
    }
    await expect(chooseK(Float32Array.of(1, 2), 1)).rejects.toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT" });
    await expect(chooseK(blobs(2, 9), 2, { minK: 5, maxK: 3 })).rejects.toThrow(/minK/);
  });

  it("does not depend on threads", async () => {
    const points = blobs(4, 300);
    const [one, two] = await Promise.all([1, 2].map((threads) => chooseK(points, 2, { threads, sampleSize: 100 })));
    expect(two).toEqual(one);
  });
});
