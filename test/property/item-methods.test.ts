import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { couponAffinity } from "../../src/score/affinity.js";
import { ease } from "../../src/score/ease.js";
import { recommend } from "../../src/score/recommend.js";
import { rp3beta } from "../../src/score/rp3beta.js";
import { openMatrix } from "../../src/store/matrix.js";
import { denseMatrix, settings } from "../support/arbitraries.js";
import { temporaryFolder, withMatrix, writeGenerated } from "../support/matrix.js";
import { expectSameBytes } from "../support/same-bytes.js";

const folder = temporaryFolder();
const dense = Array.from({ length: 50 }, (_, u) =>
  Array.from({ length: 22 }, (_, i) => ((u * 7 + i * i * 11) % 5 < 2 && u % 9 > 0 ? 1 + ((u + i) % 3) : 0)),
);
const numItems = 22;

/** B of Steck's paper by Gauss-Jordan in float64. */
function easeWeights(rows: readonly (readonly number[])[], lambda: number): number[][] {
  const n = rows[0]!.length;
  const p = Array.from({ length: n }, (_, i) => [
    ...Array.from({ length: n }, (_, j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, i === j ? lambda : 0)),
    ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)),
  ]);
  for (let k = 0; k < n; k++) {
    const pivot = p[k]![k]!;
    p[k] = p[k]!.map((value) => value / pivot);
    for (let i = 0; i < n; i++) {
      const factor = p[i]![k]!;
      if (i !== k) p[i] = p[i]!.map((value, j) => value - factor * p[k]![j]!);
    }
  }
  return Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => (i === j ? 0 : -p[i]![n + j]! / p[j]![n + j]!)),
  );
}

/** W of the paper, all pairs, self included. */
function walkWeights(rows: readonly (readonly number[])[], alpha: number, beta: number): number[][] {
  const n = rows[0]!.length;
  const ofUser = rows.map((row) => row.filter((r) => r > 0).length);
  const ofItem = Array.from({ length: n }, (_, i) => rows.filter((row) => row[i]! > 0).length);
  return Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => {
      let sum = 0;
      rows.forEach((row, u) => {
        if (row[i]! > 0 && row[j]! > 0) sum += ofUser[u]! ** -alpha;
      });
      return sum > 0 ? sum * ofItem[i]! ** -alpha * ofItem[j]! ** -beta : 0;
    }),
  );
}

const ranked = (u: number, weights: number[][], keep: (i: number, j: number) => boolean) =>
  Array.from({ length: numItems }, (_, j) => ({
    j,
    score: dense[u]!.reduce((sum, r, i) => sum + (keep(i, j) ? r * weights[i]![j]! : 0), 0),
  }))
    .filter(({ j, score }) => dense[u]![j] === 0 && score > 1e-9)
    .sort((a, b) => b.score - a.score);

describe("EASE", () => {
  it("is the closed form, and recommends by it", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      for (const regularisation of [0.5, 20]) {
        const expected = easeWeights(dense, regularisation);
        const { weights } = await ease(matrix, { regularisation });
        expected.flat().forEach((weight, at) => {
          expect(Math.abs(weights[at]! - weight)).toBeLessThan(1e-6);
        });
        const options = { method: "ease", ease: { regularisation }, n: 5, fallback: false } as const;
        const found = await recommend(matrix, options);
        for (let u = 0; u < dense.length; u++) {
          const best = ranked(u, expected, () => true).slice(0, 5);
          expect(found.counts[u]).toBe(best.length);
          for (const [rank, { score }] of best.entries())
            expect(Math.abs(found.scores[u * 5 + rank]! - score)).toBeLessThan(1e-5);
        }
        expectSameBytes(await recommend(matrix, { ...options, threads: 2 }), found);
      }
    });
  });

  it("is so for equal items, empty rows, one user and one item", async () => {
    await fc.assert(
      fc.asyncProperty(denseMatrix(6, 5), fc.constantFrom(0.1, 1, 250), async (rows, regularisation) => {
        // Every item twice: only lambda tells them apart.
        const twice = rows.map((row) => [...row, ...row]);
        await withMatrix(folder, twice, async (matrix) => {
          const expected = easeWeights(twice, regularisation).flat();
          const { weights } = await ease(matrix, { regularisation });
          for (const [at, weight] of expected.entries()) expect(Math.abs(weights[at]! - weight)).toBeLessThan(1e-6);
        });
      }),
      settings(40),
    );
    // So little lambda that float64 cannot tell them apart.
    await withMatrix(folder, [[1, 1]], async (matrix) => {
      await expect(ease(matrix, { regularisation: 1e-300 })).rejects.toMatchObject({
        code: "ERR_COUPONCAST_INVALID_ARGUMENT",
        message: expect.stringContaining("larger regularisation"),
      });
    });
  });

  it("sums its scores over the scopes of coupons", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const expected = easeWeights(dense, 20);
      const options = { method: "ease", ease: { regularisation: 20 } } as const;
      const { values } = await couponAffinity(matrix, [["i01", "i07"]], options);
      for (let u = 0; u < dense.length; u++) {
        const sum = dense[u]!.reduce((total, r, i) => total + r * (expected[i]![1]! + expected[i]![7]!), 0);
        expect(Math.abs(values[u * 2]! - sum)).toBeLessThan(1e-5);
      }
    });
  });

  it("1, 2 and 3 threads give the same bytes", async () => {
    const path = join(folder, "generated.safetensors");
    await writeGenerated(path, { numUsers: 3000, numItems: 400, degree: 12 });
    using matrix = await openMatrix(path);
    const one = await ease(matrix, { threads: 1 });
    for (const threads of [2, 3]) expectSameBytes((await ease(matrix, { threads })).weights, one.weights);
  });

  it("takes one item, refuses too many and what makes no sense", async () => {
    await withMatrix(folder, [[1], [2]], async (matrix) => {
      expect([...(await ease(matrix)).weights]).toEqual([0]);
      for (const regularisation of [0, -1, Number.NaN]) {
        await expect(ease(matrix, { regularisation })).rejects.toMatchObject({
          code: "ERR_COUPONCAST_INVALID_ARGUMENT",
          message: expect.stringContaining("regularisation"),
        });
      }
    });
    const path = join(folder, "wide.safetensors");
    await writeGenerated(path, { numUsers: 2, numItems: 20_001, degree: 2 });
    using matrix = await openMatrix(path);
    await expect(ease(matrix)).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      message: expect.stringContaining("20001"),
      hint: expect.stringContaining("als"),
    });
  });
});

describe("RP3beta", () => {
  it("is the walk of the paper, the most reached items first", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      for (const [alpha, beta] of [
        [1, 0.6],
        [0.5, 0],
        [1, 1],
      ] as const) {
        const expected = walkWeights(dense, alpha, beta);
        for (const includeSelf of [false, true]) {
          const { k, indices, scores, counts } = await rp3beta(matrix, { alpha, beta, neighbours: 6, includeSelf });
          for (let i = 0; i < numItems; i++) {
            const best = expected[i]!.filter((weight, j) => weight > 0 && (includeSelf || j !== i)).sort(
              (a, b) => b - a,
            );
            expect(counts[i]).toBe(Math.min(6, best.length));
            for (let j = 0; j < counts[i]!; j++) {
              expect(Math.abs(scores[i * k + j]! / best[j]! - 1)).toBeLessThan(1e-5);
              expect(Math.abs(scores[i * k + j]! / expected[i]![indices[i * k + j]!]! - 1)).toBeLessThan(1e-5);
            }
          }
        }
      }
    });
  });

  it("is so for equal items, empty rows, one user and one item", async () => {
    const power = fc.constantFrom(0, 0.5, 1, 10);
    await fc.assert(
      fc.asyncProperty(denseMatrix(6, 5), power, power, async (rows, alpha, beta) => {
        const twice = rows.map((row) => [...row, ...row]);
        const n = twice[0]!.length;
        await withMatrix(folder, twice, async (matrix) => {
          const expected = walkWeights(twice, alpha, beta);
          const { k, indices, scores, counts } = await rp3beta(matrix, { alpha, beta, neighbours: 99 });
          for (let i = 0; i < n; i++) {
            expect(counts[i]).toBe(expected[i]!.filter((weight, j) => weight > 0 && j !== i).length);
            for (let j = i * k; j < i * k + counts[i]!; j++)
              expect(Math.abs(scores[j]! / expected[i]![indices[j]!]! - 1)).toBeLessThan(1e-4);
          }
        });
      }),
      settings(40),
    );
  });

  it("recommends by its lists", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const expected = walkWeights(dense, 1, 0.6);
      const options = { method: "rp3beta", neighbours: numItems, n: 5, fallback: false } as const;
      const found = await recommend(matrix, options);
      for (let u = 0; u < dense.length; u++) {
        const best = ranked(u, expected, (i, j) => i !== j).slice(0, 5);
        expect(found.counts[u]).toBe(best.length);
        for (const [rank, { score }] of best.entries())
          expect(Math.abs(found.scores[u * 5 + rank]! / score - 1)).toBeLessThan(1e-5);
      }
      expectSameBytes(await recommend(matrix, { ...options, threads: 2 }), found);
      await expect(rp3beta(matrix, { beta: -1 })).rejects.toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT" });
    });
  });
});
