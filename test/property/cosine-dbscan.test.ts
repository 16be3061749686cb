import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cosineDbscan } from "../../src/profile/cosine-dbscan.js";
import { denseMatrix, settings } from "../support/arbitraries.js";
import { temporaryFolder, withMatrix } from "../support/matrix.js";
import { nearByCosine, plainDbscan } from "../support/plain-dbscan.js";
import { transpose } from "../support/reference.js";
import { expectSameBytes } from "../support/same-bytes.js";

const folder = temporaryFolder();

describe("DBSCAN by cosine", () => {
  it("equals the loop over all pairs, for users and items", async () => {
    const cases = fc.record({
      dense: denseMatrix(20, 12),
      eps: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      minSamples: fc.integer({ min: 1, max: 6 }),
      axis: fc.constantFrom("users" as const, "items" as const),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ dense, eps, minSamples, axis }) => {
        // The file holds float32.
        const rounded = dense.map((row) => row.map(Math.fround));
        const rows = axis === "users" ? rounded : transpose(rounded);
        const { labels: expected } = plainDbscan(rows.length, nearByCosine(rows, eps), minSamples);
        await withMatrix(folder, dense, async (matrix) => {
          const { labels, sizes, numNoise } = await cosineDbscan(matrix, { axis, eps, minSamples, threads: 1 });
          expect([...labels]).toEqual(expected);
          expect(numNoise).toBe(expected.filter((label) => label < 0).length);
          expect(sizes.reduce((sum, size) => sum + size, numNoise)).toBe(labels.length);
        });
      }),
      settings(150),
    );
  });

  it("1, 2 and 3 threads give the same bytes, over several shards", async () => {
    const dense = Array.from({ length: 3000 }, (_, u) =>
      Array.from({ length: 30 }, (_, i) => (i % 6 === u % 6 ? 1 + ((u * 7 + i) % 3) : u % 40 === i ? 1 : 0)),
    );
    await withMatrix(folder, dense, async (matrix) => {
      const results = await Promise.all([1, 2, 3].map((threads) => cosineDbscan(matrix, { eps: 0.2, threads })));
      expect(results[0]!.sizes.length).toBeGreaterThanOrEqual(6);
      expectSameBytes(results[1], results[0]);
      expectSameBytes(results[2], results[0]);
    });
  });

  it("refuses what makes no sense, naming it", async () => {
    await withMatrix(folder, [[1, 2]], async (matrix) => {
      const wrong: [object, string][] = [
        [{ eps: 0 }, "eps"],
        [{ eps: 1 }, "eps"],
        [{ eps: 0.5, minSamples: 0 }, "minSamples"],
        [{ eps: 0.5, axis: "shops" }, "axis"],
      ];
      for (const [options, message] of wrong) {
        await expect(cosineDbscan(matrix, options as never)).rejects.toMatchObject({
          code: "ERR_COUPONCAST_INVALID_ARGUMENT",
          message: expect.stringContaining(message),
        });
      }
    });
  });
});
