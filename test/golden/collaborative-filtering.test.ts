import { describe, expect, it } from "vitest";
import { type Recommendations, type RecommendOptions, recommend } from "../../src/score/recommend.js";
import { type Neighbours, similarItems, similarUsers } from "../../src/score/similar.js";
import { temporaryFolder, withMatrix } from "../support/matrix.js";

// formulas.md, "Collaborative filtering": all numbers to its six digits.
const R = [
  [1, 2, 3],
  [3, 2, 1],
  [2, 1, 3],
];
const SIX_DIGITS = 5e-6;

const folder = temporaryFolder();

/** Answers of fixed width as a dense table, unused places 0. */
function table(rows: number, cols: number, width: number, indices: Int32Array, scores: Float32Array): number[][] {
  const dense = Array.from({ length: rows }, () => new Array<number>(cols).fill(0));
  indices.forEach((index, at) => {
    if (index >= 0) dense[Math.floor(at / width)]![index] = scores[at]!;
  });
  return dense;
}
const scoresOf = (r: Recommendations) => table(r.counts.length, 3, r.n, r.items, r.scores);
const similarities = (s: Neighbours) => table(s.counts.length, 3, s.k, s.indices, s.scores);

function expectTable(actual: number[][], expected: number[][]): void {
  expected.forEach((row, r) => {
    row.forEach((value, c) => {
      expect(Math.abs(actual[r]![c]! - value), `row ${r}, column ${c}: ${actual[r]![c]} for ${value}`).toBeLessThan(
        SIX_DIGITS,
      );
    });
  });
}

const all: RecommendOptions = { n: 3, neighbours: 3, filterSeen: false, fallback: false, threads: 1 };

describe("collaborative filtering of formulas.md", () => {
  it("seed-literal is F F", async () => {
    await withMatrix(folder, R, async (matrix) => {
      expectTable(scoresOf(await recommend(matrix, { ...all, method: "seed-literal", lambda: 1 })), [
        [1.25, 1.152778, 1.270833],
        [1.208333, 1.194444, 1.270833],
        [1.208333, 1.152778, 1.3125],
      ]);
    });
  });

  it("seed-literal refuses a matrix that is not square", async () => {
    await withMatrix(folder, R.slice(0, 2), async (matrix) => {
      await expect(recommend(matrix, { ...all, method: "seed-literal" })).rejects.toMatchObject({
        code: "ERR_COUPONCAST_INVALID_ARGUMENT",
        message: expect.stringContaining("2 x 3"),
      });
    });
  });

  it("S = F F' is the saturated similarity", async () => {
    await withMatrix(folder, R, async (matrix) => {
      const found = await similarUsers(matrix, {
        similarity: "saturation",
        lambda: 1,
        neighbours: 3,
        includeSelf: true,
      });
      expectTable(similarities(found), [
        [1.256944, 1.194444, 1.229167],
        [1.194444, 1.256944, 1.208333],
        [1.229167, 1.208333, 1.256944],
      ]);
    });
  });

  it("saturated, row 1, and its user form equals its item form", async () => {
    await withMatrix(folder, R, async (matrix) => {
      const scores = scoresOf(await recommend(matrix, { ...all, method: "saturated", lambda: 1 }));
      expectTable(scores.slice(0, 1), [[2.34375, 2.248843, 2.461806]]);
      const S = similarities(
        await similarUsers(matrix, { similarity: "saturation", neighbours: 3, includeSelf: true }),
      );
      const F = R.map((row) => row.map((r) => r / (r + 1)));
      const userForm = S.map((row) => [0, 1, 2].map((j) => row.reduce((sum, s, v) => sum + s * F[v]![j]!, 0)));
      expectTable(scores, userForm);
    });
  });

  it("cosine of users", async () => {
    await withMatrix(folder, R, async (matrix) => {
      expectTable(similarities(await similarUsers(matrix, { neighbours: 3 })), [
        [0, 0.714286, 0.928571],
        [0.714286, 0, 0.785714],
        [0.928571, 0.785714, 0],
      ]);
    });
  });

  it("user-knn, weighted mean, self excluded", async () => {
    await withMatrix(folder, R, async (matrix) => {
      expectTable(scoresOf(await recommend(matrix, { ...all, method: "user-knn", normalise: true })), [
        [2.434783, 1.434783, 2.130435],
        [1.52381, 1.47619, 3.0],
        [1.916667, 2.0, 2.083333],
      ]);
    });
  });

  it("item-knn, cosine, weighted mean, self excluded, row 1", async () => {
    await withMatrix(folder, R, async (matrix) => {
      const scores = scoresOf(await recommend(matrix, { ...all, method: "item-knn", normalise: true }));
      expectTable(scores.slice(0, 1), [[2.452324, 1.971318, 1.533426]]);
    });
  });

  it("r13 hidden: cosines .836660 and .478091, prediction 1.727273 by user-knn", async () => {
    const hidden = [[1, 2, 0], R[1]!, R[2]!];
    await withMatrix(folder, hidden, async (matrix) => {
      expectTable(similarities(await similarUsers(matrix, { neighbours: 3 })).slice(0, 1), [[0, 0.83666, 0.478091]]);
      const found = await recommend(matrix, { ...all, method: "user-knn", normalise: true, filterSeen: true });
      expect(found.counts[0]).toBe(1);
      expect(found.items[0]).toBe(2);
      expect(Math.abs(found.scores[0]! - 1.727273)).toBeLessThan(SIX_DIGITS);
    });
  });

  it("items and users change places in similarItems", async () => {
    const transposed = [0, 1, 2].map((j) => R.map((row) => row[j]!));
    const byItem = await withMatrix(folder, R, (matrix) => similarItems(matrix, { neighbours: 3 }));
    const byUser = await withMatrix(folder, transposed, (matrix) => similarUsers(matrix, { neighbours: 3 }));
    expect(byItem.indices).toEqual(byUser.indices);
    expect(byItem.scores).toEqual(byUser.scores);
  });
});
