import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { similarItems, similarUsers } from "../../src/score/similar.js";
import { WEIGHTINGS } from "../../src/score/weighting.js";
import { denseMatrix, parameters, settings } from "../support/arbitraries.js";
import { temporaryFolder, withMatrix } from "../support/matrix.js";
import { expectTopOf, expectUnused } from "../support/ranking.js";
import { similarityTable, transpose } from "../support/reference.js";

const folder = temporaryFolder();

describe("similar rows", () => {
  it("are those of brute force, for users and items and every weighting", async () => {
    const cases = fc.record({
      dense: denseMatrix(14, 14),
      weighting: fc.constantFrom(...WEIGHTINGS),
      parameters,
      k: fc.integer({ min: 1, max: 16 }),
      includeSelf: fc.boolean(),
      axis: fc.constantFrom("users" as const, "items" as const),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ dense, weighting, parameters, k, includeSelf, axis }) => {
        const documents = axis === "users" ? dense : transpose(dense);
        const table = similarityTable(documents, weighting, parameters);
        await withMatrix(folder, dense, async (matrix) => {
          const similar = axis === "users" ? similarUsers : similarItems;
          const found = await similar(matrix, {
            neighbours: k,
            similarity: weighting,
            includeSelf,
            ...parameters,
            threads: 1,
          });
          expect(found.k).toBe(Math.min(k, documents.length));
          for (const [row, similarities] of table.entries()) {
            const places = (all: Int32Array | Float32Array) => all.subarray(row * found.k, (row + 1) * found.k);
            const reference = new Map(similarities.map((score, other) => [other, score] as const));
            if (!includeSelf) reference.delete(row);
            expectTopOf(
              places(found.indices),
              places(found.scores),
              found.counts[row]!,
              reference,
              `${weighting}, ${axis} ${row}`,
            );
            expectUnused(places(found.indices), places(found.scores), found.counts[row]!);
          }
        });
      }),
      settings(150),
    );
  });

  it("the best k are the first k of all, whatever the ties", async () => {
    await fc.assert(
      fc.asyncProperty(denseMatrix(16, 6), fc.integer({ min: 1, max: 8 }), async (dense, k) => {
        await withMatrix(folder, dense, async (matrix) => {
          const few = await similarUsers(matrix, { neighbours: k, threads: 1 });
          const all = await similarUsers(matrix, { neighbours: dense.length, threads: 1 });
          for (let row = 0; row < dense.length; row++) {
            const first = (from: typeof few) => [...from.indices.subarray(row * from.k, row * from.k + few.k)];
            expect(first(few)).toEqual(first(all));
          }
        });
      }),
      settings(60),
    );
  });

  it("a range gives that part of the whole", async () => {
    await fc.assert(
      fc.asyncProperty(denseMatrix(16, 8), fc.nat(16), fc.nat(16), async (dense, a, b) => {
        const begin = Math.min(a, b, dense.length);
        const end = Math.min(Math.max(a, b), dense.length);
        await withMatrix(folder, dense, async (matrix) => {
          const whole = await similarUsers(matrix, { neighbours: 4, threads: 1 });
          const part = await similarUsers(matrix, { neighbours: 4, threads: 1, range: { begin, end } });
          expect(part.indices).toEqual(whole.indices.slice(begin * whole.k, end * whole.k));
          expect(part.scores).toEqual(whole.scores.slice(begin * whole.k, end * whole.k));
          expect(part.counts).toEqual(whole.counts.slice(begin, end));
        });
      }),
      settings(40),
    );
  });

  it("refuses what makes no sense, naming it", async () => {
    await withMatrix(folder, [[1, 2]], async (matrix) => {
      const wrong: [object, string][] = [
        [{ neighbours: 0 }, "neighbours"],
        [{ neighbours: 1.5 }, "neighbours"],
        [{ threads: 0 }, "threads"],
        [{ similarity: "cosinus" }, "cosine, tfidf, bm25, saturation"],
        [{ similarity: "saturation", lambda: 0 }, "lambda"],
        [{ similarity: "bm25", b: 2 }, "b"],
        [{ similarity: "bm25", k1: Number.NaN }, "k1"],
      ];
      for (const [options, message] of wrong) {
        await expect(similarUsers(matrix, options), message).rejects.toMatchObject({
          code: "ERR_COUPONCAST_INVALID_ARGUMENT",
          message: expect.stringContaining(message),
        });
      }
      for (const range of [
        { begin: 0, end: 2 },
        { begin: 1, end: 0 },
        { begin: -1, end: 1 },
        { begin: 0, end: 0.5 },
      ]) {
        await expect(similarUsers(matrix, { range })).rejects.toMatchObject({ code: "ERR_COUPONCAST_OUT_OF_RANGE" });
      }
    });
  });
});
