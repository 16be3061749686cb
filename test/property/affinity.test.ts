import { rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { campaignSchema } from "../../src/campaign/campaign-schema.js";
import type { ScoringOptions } from "../../src/campaign/schema/scoring.js";
import { Executor, shared } from "../../src/executor/executor.js";
import { affinityMeans, couponAffinity, writeAffinity } from "../../src/score/affinity.js";
import { type FittedMethod, fromKernels } from "../../src/score/method.js";
import { fitMethod } from "../../src/score/methods.js";
import { openModel } from "../../src/score/model-file.js";
import { savedItemModel } from "../../src/score/neighbour-methods.js";
import type { Scopes } from "../../src/score/scopes.js";
import { similarUsers, writeNeighbours } from "../../src/score/similar.js";
import { type Matrix, openMatrix } from "../../src/store/matrix.js";
import { denseMatrix, parameters, settings } from "../support/arbitraries.js";
import { temporaryFolder, withMatrix, writeGenerated } from "../support/matrix.js";
import { expectClose } from "../support/ranking.js";
import { type Dense, similarityTable, transpose } from "../support/reference.js";
import { readTensors } from "../support/safetensors.js";
import { expectSameBytes } from "../support/same-bytes.js";

const folder = temporaryFolder();
const scoringSchema = campaignSchema.shape.scoring;

function scopesOf(lists: readonly (readonly number[])[], numItems: number): Scopes {
  const indptr = shared.i64(lists.length + 1);
  const items = shared.i32(lists.reduce((sum, list) => sum + list.length, 0));
  lists.forEach((list, j) => {
    items.set(list, Number(indptr[j]));
    indptr[j + 1] = indptr[j]! + BigInt(list.length);
  });
  return { numItems, numCoupons: lists.length, indptr, items, marginRate: new Float64Array(lists.length), unknown: {} };
}

function openItems(matrix: Matrix, { method, lambda }: ScoringOptions, path: string, k: number): FittedMethod {
  return fromKernels(
    matrix,
    openModel(dirname(path), savedItemModel(method, lambda, matrix.numItems, k, basename(path))),
  );
}

async function affinityOf(
  matrix: Matrix,
  lists: number[][],
  scoring: ScoringOptions,
  k: number,
  threads = 1,
): Promise<Float32Array> {
  const path = join(folder, "affinity.safetensors");
  const modelPath = join(folder, "model.safetensors");
  let fitted: FittedMethod;
  if (scoring.method === "user-knn") {
    fitted = await fitMethod(new Executor({ threads }), matrix, scoring, "affinity");
  } else {
    const weighting = scoring.method === "saturated" ? "saturation" : scoring.similarity;
    const { lambda, k1, b } = scoring;
    await writeNeighbours(matrix, "items", modelPath, {
      similarity: weighting,
      lambda,
      k1,
      b,
      neighbours: k,
      includeSelf: true,
      threads,
    });
    fitted = openItems(matrix, scoring, modelPath, k);
  }
  await writeAffinity(matrix, scopesOf(lists, matrix.numItems), fitted, path, { threads });
  const { data, shape } = readTensors(path);
  expect(shape.affinity).toEqual([matrix.numUsers, lists.length + 1]);
  rmSync(path);
  return data.affinity as Float32Array;
}

/** Item scores one by one, as recommend would give them, own items included. */
function itemScores(dense: Dense, scoring: ScoringOptions): number[][] {
  const items = transpose(dense);
  const saturate = (r: number) => (r === 0 ? 0 : r / (r + scoring.lambda));
  if (scoring.method === "user-knn") {
    const s = similarityTable(dense, "cosine", scoring);
    return dense.map((_, u) =>
      items.map((_, j) => dense.reduce((sum, row, v) => sum + (v === u ? 0 : s[u]![v]! * row[j]!), 0)),
    );
  }
  const isSaturated = scoring.method === "saturated";
  const s = similarityTable(items, isSaturated ? "saturation" : scoring.similarity, scoring);
  return dense.map((row) =>
    items.map((_, j) => row.reduce((sum, r, i) => sum + (isSaturated ? saturate(r) : r) * s[i]![j]!, 0)),
  );
}

describe("affinity", () => {
  it("is the sum of brute-force item scores over each scope, and over all items", async () => {
    const cases = fc.record({
      dense: denseMatrix(10, 10),
      method: fc.constantFrom("item-knn" as const, "user-knn" as const, "saturated" as const),
      similarity: fc.constantFrom("cosine" as const, "tfidf" as const, "bm25" as const),
      parameters,
      scopes: fc.array(fc.uniqueArray(fc.nat(9)), { minLength: 1, maxLength: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ dense, method, similarity, parameters, scopes }) => {
        const numItems = dense[0]!.length;
        const lists = scopes.map((list) => list.filter((item) => item < numItems).sort((a, b) => a - b));
        const scoring = { ...scoringSchema.parse({ method, similarity }), ...parameters, neighbours: 10 };
        const scores = itemScores(dense, scoring);
        await withMatrix(folder, dense, async (matrix) => {
          const affinity = await affinityOf(matrix, lists, scoring, Math.max(numItems, 1));
          const columns = lists.length + 1;
          for (const [user, own] of scores.entries()) {
            lists.forEach((list, c) => {
              const expected = list.reduce((sum, item) => sum + own[item]!, 0);
              expectClose(affinity[user * columns + c]!, expected, `${method}, user ${user}, scope ${c}`);
            });
            const total = own.reduce((sum, score) => sum + score, 0);
            expectClose(affinity[user * columns + lists.length]!, total, `${method}, user ${user}, total`);
          }
        });
      }),
      settings(120),
    );
  });

  it("user-knn counts the k nearest only", async () => {
    const dense = [
      [1, 1, 0, 0],
      [1, 1, 1, 0],
      [0, 1, 0, 1],
    ];
    await withMatrix(folder, dense, async (matrix) => {
      const near = await similarUsers(matrix, { neighbours: 1 });
      const scoring = { ...scoringSchema.parse({ method: "user-knn" }), neighbours: 1 };
      const affinity = await affinityOf(matrix, [[2], [3]], scoring, 1);
      expect(near.indices[0]).toBe(1);
      expectClose(affinity[0]!, near.scores[0]! * 1, "scope of the neighbour's item");
      expect(affinity[1]).toBe(0);
      expectClose(affinity[2]!, near.scores[0]! * 3, "total");
    });
  });

  it("means by segment stand in for users without affinity, shards added in order", async () => {
    const dense = [
      [4, 0, 0],
      [0, 2, 0],
      [0, 2, 0],
      [0, 0, 0],
    ];
    await withMatrix(folder, dense, async (matrix) => {
      const scoring = scoringSchema.parse({ method: "item-knn" });
      await affinityOf(matrix, [[0], [1, 2]], scoring, 3);
      const path = join(folder, "kept.safetensors");
      const modelPath = join(folder, "model.safetensors");
      const fitted = openItems(matrix, scoring, modelPath, 3);
      await writeAffinity(matrix, scopesOf([[0], [1, 2]], 3), fitted, path, { threads: 1 });
      const labels = shared.i32(4);
      labels.set([0, 0, 1, 2]);
      const means = await affinityMeans(
        new Executor({ threads: 1 }),
        { $file: path, tensor: "affinity" },
        2,
        labels,
        3,
      );
      expect(means.numScored).toBe(3);
      const expected = [2, 1, 3, 0, 2, 2, ...[4, 4, 8, 4, 4, 8].map((sum) => sum / 3)];
      // Segment 0, segment 1, then everybody twice: nobody of segment 2 has affinity.
      expected.forEach((mean, at) => {
        expectClose(means.fallbackRows[at]!, mean, `row ${Math.floor(at / 3)}, column ${at % 3}`);
      });
      expectClose(means.meanShare[0]!, 1 / 3, "mean share of coupon 0");
      expectClose(means.meanShare[1]!, 2 / 3, "mean share of coupon 1");
    });
  });

  it("1, 2 and 3 threads write the same bytes, over several shards", async () => {
    const path = join(folder, "generated.safetensors");
    await writeGenerated(path, { numUsers: 20_000, numItems: 50, degree: 4 });
    const matrix = await openMatrix(path);
    try {
      for (const method of ["item-knn", "saturated"] as const) {
        const lists = [[0, 1, 2], [10, 20, 30, 40], [49]];
        const scoring = scoringSchema.parse({ method });
        const one = await affinityOf(matrix, lists, scoring, 20, 1);
        for (const threads of [2, 3]) expectSameBytes(await affinityOf(matrix, lists, scoring, 20, threads), one);
      }
    } finally {
      matrix.close();
    }
  });

  it("couponAffinity answers what a campaign's affinity file holds", async () => {
    const cases = fc.record({
      dense: denseMatrix(12, 10),
      parameters,
      method: fc.constantFrom("item-knn" as const, "saturated" as const),
      lists: fc.array(fc.uniqueArray(fc.nat(9), { maxLength: 6 }), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ dense, parameters, method, lists }) => {
        const numItems = dense[0]!.length;
        const scopes = lists.map((list) => list.filter((item) => item < numItems).sort((a, b) => a - b));
        await withMatrix(folder, dense, async (matrix) => {
          const scoring = scoringSchema.parse({ method, similarity: "tfidf", lambda: parameters.lambda });
          const k = Math.min(5, numItems);
          const expected = await affinityOf(matrix, scopes, scoring, k);
          const ids = scopes.map((list) => [...list.map((item) => matrix.itemId(item)), "no such item"]);
          const options = { method, similarity: "tfidf", lambda: parameters.lambda, neighbours: k } as const;
          const found = await couponAffinity(matrix, ids, options);
          expect(found.numCoupons).toBe(scopes.length);
          expect([...found.values]).toEqual([...expected]);
          const range = { begin: 1, end: matrix.numUsers };
          const part = await couponAffinity(matrix, ids, { ...options, range });
          expect([...part.values]).toEqual([...expected.subarray(scopes.length + 1)]);
        });
      }),
      settings(40),
    );
  });

  it("couponAffinity refuses an item twice in a scope, and what is no list", async () => {
    await withMatrix(folder, [[1, 2]], async (matrix) => {
      const invalid = { code: "ERR_COUPONCAST_INVALID_ARGUMENT" };
      await expect(couponAffinity(matrix, [["i0", "i0"]])).rejects.toMatchObject(invalid);
      await expect(couponAffinity(matrix, ["i0"] as never)).rejects.toMatchObject(invalid);
      await expect(couponAffinity(matrix, [[7]] as never)).rejects.toMatchObject(invalid);
      await expect(couponAffinity(matrix, 7 as never)).rejects.toMatchObject(invalid);
    });
  });
});
