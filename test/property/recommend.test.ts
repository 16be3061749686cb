import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NEIGHBOUR_METHODS } from "../../src/score/neighbour-methods.js";
import { type RecommendOptions, recommend, SCORE_SOURCES } from "../../src/score/recommend.js";
import { denseMatrix, parameters, settings, squareMatrix } from "../support/arbitraries.js";
import { ids, temporaryFolder, withMatrix } from "../support/matrix.js";
import { expectClose, expectTopOf, expectUnused } from "../support/ranking.js";
import { type Dense, scoreTable } from "../support/reference.js";

const folder = temporaryFolder();
const source = (name: (typeof SCORE_SOURCES)[number]) => SCORE_SOURCES.indexOf(name);

/** Items by the share of these users that hold them, most first, of equal shares the smaller; those that nobody holds left out. */
function popular(dense: Dense, users: number[]): [item: number, share: number][] {
  const numItems = dense[0]?.length ?? 0;
  const holders = Array.from({ length: numItems }, (_, j) => users.filter((u) => dense[u]![j] !== 0).length);
  return holders
    .map((count, item) => [item, count / users.length] as [number, number])
    .filter(([, share]) => share > 0)
    .sort(([a, shareA], [b, shareB]) => shareB - shareA || a - b);
}

describe("recommend", () => {
  it("gives the best items of brute force, filled up from the segment and from everybody", async () => {
    const cases = fc
      .record({
        method: fc.constantFrom(...NEIGHBOUR_METHODS),
        similarity: fc.constantFrom("cosine" as const, "tfidf" as const, "bm25" as const),
        parameters,
        n: fc.integer({ min: 1, max: 14 }),
        filterSeen: fc.boolean(),
        normalise: fc.boolean(),
        fallback: fc.boolean(),
        allow: fc.option(fc.array(fc.nat(12), { maxLength: 8 }), { nil: undefined }),
        deny: fc.option(fc.array(fc.nat(12), { maxLength: 5 }), { nil: undefined }),
        segments: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      })
      .chain((options) =>
        fc.tuple(
          fc.constant(options),
          options.method === "seed-literal" ? squareMatrix(12) : denseMatrix(12, 12),
          fc.array(fc.integer({ min: -1, max: 2 }), { minLength: 12, maxLength: 12 }),
        ),
      );
    await fc.assert(
      fc.asyncProperty(cases, async ([{ parameters, segments, allow, deny, ...options }, dense, labelling]) => {
        const numItems = dense[0]!.length;
        const names = ids("i", numItems);
        const nameOf = (item: number) => names[item] ?? `no-such-item-${item}`;
        const labels =
          segments === undefined ? undefined : Int32Array.from(dense, (_, u) => Math.min(labelling[u]!, segments - 1));
        const allowed = (item: number) => (allow === undefined || allow.includes(item)) && !deny?.includes(item);
        const scores = scoreTable(dense, options.method, options.similarity, parameters, options.normalise);
        await withMatrix(folder, dense, async (matrix) => {
          const found = await recommend(matrix, {
            ...options,
            ...parameters,
            neighbours: 12,
            allow: allow?.map(nameOf),
            deny: deny?.map(nameOf),
            labels,
            threads: 1,
          });
          const { n } = found;
          for (const [user, own] of dense.entries()) {
            const may = (item: number) => allowed(item) && !(options.filterSeen && own[item] !== 0);
            const what = `${options.method}, user ${user}`;
            const items = found.items.subarray(user * n, (user + 1) * n);
            const values = found.scores.subarray(user * n, (user + 1) * n);
            const sources = [...found.sources.subarray(user * n, (user + 1) * n)];
            const count = found.counts[user]!;
            expect(count).toBeLessThanOrEqual(n);
            expectUnused(items, values, count);
            expect(sources.slice(count).every((s) => s === source("none"))).toBe(true);

            const byModel = sources.filter((s) => s === source("model")).length;
            const reference = new Map(
              scores[user]!.map((score, item) => [item, score] as const).filter(([item]) => may(item)),
            );
            const wanted = Math.min(n, [...reference.values()].filter((score) => score > 0).length);
            expect(byModel, `${what}: scored by the model`).toBe(wanted);
            // Model first: what fills up ranks behind it.
            expect(sources.slice(0, byModel).every((s) => s === source("model"))).toBe(true);
            expectTopOf(items.subarray(0, byModel), values, byModel, reference, what);

            const fill: [number, number, number][] = [];
            const taken = new Set<number>(items.subarray(0, byModel));
            const everybody = dense.map((_, u) => u);
            const label = labels?.[user] ?? -1;
            const lists: [number, [number, number][]][] = [[source("popularity"), popular(dense, everybody)]];
            if (label >= 0)
              lists.unshift([
                source("segment"),
                popular(
                  dense,
                  everybody.filter((u) => labels![u] === label),
                ),
              ]);
            for (const [from, list] of options.fallback ? lists : []) {
              for (const [item, share] of list) {
                if (byModel + fill.length === n || !may(item) || taken.has(item)) continue;
                taken.add(item);
                fill.push([item, share, from]);
              }
            }
            expect(count, `${what}: places used`).toBe(byModel + fill.length);
            for (const [f, [item, share, from]] of fill.entries()) {
              expect(items[byModel + f], `${what}: fill ${f}`).toBe(item);
              expect(sources[byModel + f]).toBe(from);
              expectClose(values[byModel + f]!, share, `${what}: share`);
            }
          }
        });
      }),
      settings(250),
    );
  });

  it("fewer neighbours: only the nearest count", async () => {
    // Item 0's nearest is item 1 (in both baskets), then item 2.
    const dense = [
      [1, 1, 1],
      [1, 1, 0],
      [1, 0, 0],
    ];
    await withMatrix(folder, dense, async (matrix) => {
      const one = await recommend(matrix, { neighbours: 1, fallback: false, n: 3, threads: 1 });
      expect([...one.items.subarray(6, 9)]).toEqual([1, -1, -1]);
      const two = await recommend(matrix, { neighbours: 2, fallback: false, n: 3, threads: 1 });
      expect([...two.items.subarray(6, 9)]).toEqual([1, 2, -1]);
    });
  });

  it("equal scores: the smaller item first, and at the edge the smaller item stays", async () => {
    const dense = [
      [1, 0, 0, 0, 0],
      [1, 1, 1, 1, 1],
    ];
    await withMatrix(folder, dense, async (matrix) => {
      for (const n of [1, 2, 3, 4]) {
        for (const method of ["item-knn", "user-knn", "saturated"] as const) {
          const { items } = await recommend(matrix, { method, n, fallback: false, threads: 1 });
          expect([...items.subarray(0, n)], `${method}, n ${n}`).toEqual([1, 2, 3, 4].slice(0, n));
        }
      }
    });
  });

  it("a range gives that part of the whole, and an empty range an empty answer", async () => {
    const dense = [
      [1, 0, 2],
      [0, 3, 0],
      [4, 5, 0],
      [0, 0, 0],
    ];
    await withMatrix(folder, dense, async (matrix) => {
      for (const method of ["item-knn", "user-knn", "saturated"] as const) {
        const options: RecommendOptions = { method, n: 2, threads: 1 };
        const whole = await recommend(matrix, options);
        const part = await recommend(matrix, { ...options, range: { begin: 1, end: 3 } });
        expect(part.items).toEqual(whole.items.slice(2, 6));
        expect(part.scores).toEqual(whole.scores.slice(2, 6));
        expect(part.sources).toEqual(whole.sources.slice(2, 6));
        const none = await recommend(matrix, { ...options, range: { begin: 2, end: 2 } });
        expect(none.items.length).toBe(0);
      }
    });
  });

  it("refuses what makes no sense, naming it", async () => {
    await withMatrix(folder, [[1, 2]], async (matrix) => {
      const wrong: [RecommendOptions, string][] = [
        [{ n: 0 }, "n"],
        [{ n: 1e7 }, "n"],
        [{ neighbours: 0 }, "neighbours"],
        [{ method: "item" as never }, "item-knn"],
        [{ similarity: "saturation" as never }, "cosine, tfidf, bm25"],
        [{ labels: new Int32Array(5) }, "labels"],
        [{ labels: Int32Array.of(-2) }, "label"],
        [{ allow: "i0" as never }, "allow"],
        [{ deny: [3] as never }, "deny"],
      ];
      for (const [options, message] of wrong) {
        await expect(recommend(matrix, options), message).rejects.toMatchObject({
          code: expect.stringMatching(/INVALID_ARGUMENT|OUT_OF_RANGE/),
          message: expect.stringContaining(message),
        });
      }
      await expect(recommend(matrix, { range: { begin: 0, end: 1.5 } })).rejects.toMatchObject({
        code: "ERR_COUPONCAST_OUT_OF_RANGE",
      });
    });
  });
});
