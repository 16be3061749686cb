import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AlsModel, als } from "../../src/score/als.js";
import { openMatrix } from "../../src/store/matrix.js";
import { denseMatrix, settings } from "../support/arbitraries.js";
import { temporaryFolder, withMatrix, writeGenerated } from "../support/matrix.js";
import { expectSameBytes } from "../support/same-bytes.js";

const folder = temporaryFolder();
const dense = Array.from({ length: 40 }, (_, u) =>
  Array.from({ length: 25 }, (_, i) => ((u * 7 + i * 11) % 5 < 2 && u % 9 > 0 ? 1 + ((u + i) % 3) : 0)),
);

/** The objective over all cells, in float64. */
function lossOf(rows: readonly (readonly number[])[], model: AlsModel): number {
  const { factors, alpha, regularisation, userFactors, itemFactors } = model;
  let loss = 0;
  for (const [u, row] of rows.entries()) {
    for (const [i, r] of row.entries()) {
      let score = 0;
      for (let k = 0; k < factors; k++) score += userFactors[u * factors + k]! * itemFactors[i * factors + k]!;
      loss += (1 + alpha * Math.abs(r)) * ((r > 0 ? 1 : 0) - score) ** 2;
    }
  }
  for (const vectors of [userFactors, itemFactors]) for (const value of vectors) loss += regularisation * value * value;
  return loss;
}

describe("ALS", () => {
  it("lowers the loss of all cells, round by round", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      for (const solver of ["cg", "cholesky"] as const) {
        for (const factors of [1, 8, 30]) {
          const model = await als(matrix, { factors, solver, iterations: 6, trackLoss: true, regularisation: 0.1 });
          expect(model.history).toHaveLength(6);
          expect(model.loss).toBe(model.history[5]);
          for (let round = 1; round < 6; round++)
            expect(model.history[round]).toBeLessThanOrEqual(model.history[round - 1]! * (1 + 1e-5));
          expect(Math.abs(model.loss - lossOf(dense, model))).toBeLessThan(1e-3 * model.loss);
        }
      }
    });
  });

  it("gives users without cells vectors of 0", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const { userFactors } = await als(matrix, { factors: 4, iterations: 2 });
      expect([...userFactors.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
      expect(userFactors.subarray(4, 8).some((value) => value !== 0)).toBe(true);
    });
  });

  it("takes matrices of one item or one user, and none at all", async () => {
    for (const rows of [[[1], [0], [2]], [[1, 0, 3]], [[0, 0]]]) {
      await withMatrix(folder, rows, async (matrix) => {
        for (const solver of ["cg", "cholesky"] as const) {
          const model = await als(matrix, { factors: 5, solver, iterations: 3 });
          expect(Number.isFinite(model.loss)).toBe(true);
          expect(Math.abs(model.loss - lossOf(rows, model))).toBeLessThan(1e-3);
        }
      });
    }
  });

  it("holds its loss on small and degenerate matrices: more factors than rows, nothing held back, counts that do not count", async () => {
    const params = fc.record({
      factors: fc.integer({ min: 1, max: 9 }),
      alpha: fc.constantFrom(0, 1, 40),
      regularisation: fc.constantFrom(0, 0.01, 5),
      solver: fc.constantFrom("cg" as const, "cholesky" as const),
    });
    await fc.assert(
      fc.asyncProperty(denseMatrix(6, 5), params, async (rows, options) => {
        await withMatrix(folder, rows, async (matrix) => {
          const model = await als(matrix, { ...options, iterations: 4, trackLoss: true });
          for (const vectors of [model.userFactors, model.itemFactors])
            expect(vectors.every(Number.isFinite)).toBe(true);
          const cells = rows.flat().reduce((sum, r) => sum + (r > 0 ? 1 + options.alpha * r : 0), 0);
          // Where nothing is held back, vectors may be long and float32 coarse.
          const rounding = (options.regularisation > 0 ? 1e-5 : 1e-3) * (1 + cells);
          expect(Math.abs(model.loss - lossOf(rows, model))).toBeLessThan(rounding);
          for (let round = 1; round < 4; round++)
            expect(model.history[round]).toBeLessThanOrEqual(model.history[round - 1]! + rounding);
        });
      }),
      settings(60),
    );
  });

  it("1, 2 and 3 threads give the same bytes, and so does a loss that is tracked", async () => {
    const path = join(folder, "generated.safetensors");
    await writeGenerated(path, { numUsers: 20_000, numItems: 700, degree: 12 });
    using matrix = await openMatrix(path);
    const options = { factors: 20, iterations: 3 };
    const one = await als(matrix, { ...options, threads: 1 });
    expectSameBytes(await als(matrix, { ...options, threads: 2 }), one);
    const tracked = await als(matrix, { ...options, threads: 3, trackLoss: true });
    expect(tracked.history.at(-1)).toBe(one.loss);
    expectSameBytes(tracked.userFactors, one.userFactors);
    expect((await als(matrix, { ...options, seed: 2 })).userFactors).not.toEqual(one.userFactors);
  });

  it("stops when asked to, and tells how far it is", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const stages: string[] = [];
      await als(matrix, { iterations: 2, onProgress: ({ stage }) => stages.push(stage) });
      expect(new Set(stages)).toContain("factors of items, round 2 of 2");
      await expect(als(matrix, { signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: "ERR_COUPONCAST_CANCELLED",
      });
    });
  });

  it("refuses what makes no sense, naming it", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      for (const [name, value] of [
        ["factors", 0],
        ["factors", 513],
        ["iterations", 0],
        ["regularisation", -1],
        ["alpha", Number.NaN],
        ["solver", "qr"],
        ["steps", 0.5],
        ["seed", -1],
      ] as const) {
        await expect(als(matrix, { [name]: value })).rejects.toMatchObject({
          code: "ERR_COUPONCAST_INVALID_ARGUMENT",
          message: expect.stringContaining(name),
        });
      }
    });
  });
});
