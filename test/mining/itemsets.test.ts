import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { frequentItemsets, type ItemsetOptions, MINING_ALGORITHMS } from "../../src/index.js";
import { Random } from "../../src/util/random.js";
import { settings } from "../support/arbitraries.js";
import { dist, runScript } from "../support/child.js";
import { basketsOf, bruteForce, keyOf } from "./baskets.js";

const rows = fc.array(fc.array(fc.nat(9), { maxLength: 8 }), { maxLength: 30 });
const setsOf = async (input: readonly (readonly number[])[], options: ItemsetOptions) => {
  const list = await frequentItemsets(basketsOf(input), options);
  const sets = [...list].map(({ items, support }): [string, number] => [keyOf(items), support]);
  expect(sets.length).toBe(list.size);
  expect(new Set(sets.map(([key]) => key)).size).toBe(sets.length);
  return new Map(sets);
};
const isWithin = (small: string, large: string) =>
  small !== large && small.split(" ").every((item) => large.split(" ").includes(item));

describe("frequent itemsets", () => {
  it("are those that counting every subset finds, by every algorithm and any number of threads", async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 4 }), async (input, minCount) => {
        const expected = bruteForce(input, minCount);
        let first: number[][] | undefined;
        for (const algorithm of MINING_ALGORITHMS) {
          for (const threads of [1, 2]) {
            const list = await frequentItemsets(basketsOf(input), { minCount, algorithm, threads });
            const sets = [...list];
            expect(new Map(sets.map(({ items, support }) => [keyOf(items), support]))).toEqual(expected);
            first ??= sets.map(({ items }) => items);
            expect(sets.map(({ items }) => items)).toEqual(first);
          }
        }
      }),
      settings(30),
    );
  });

  it("that are closed or maximal are so by their definition, whatever maxLength cuts off", async () => {
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 9 }),
        async (input, minCount, maxLength) => {
          const all = [...bruteForce(input, minCount)];
          const isShort = (key: string) => key.split(" ").length <= maxLength;
          const closed = all.filter(([key, n]) => !all.some(([other, m]) => m === n && isWithin(key, other)));
          const maximal = all.filter(([key]) => !all.some(([other]) => isWithin(key, other)));
          const options = { minCount, maxLength };
          expect(await setsOf(input, { ...options, kind: "closed" })).toEqual(
            new Map(closed.filter(([key]) => isShort(key))),
          );
          expect(await setsOf(input, { ...options, kind: "maximal" })).toEqual(
            new Map(maximal.filter(([key]) => isShort(key))),
          );
          expect(await setsOf(input, options)).toEqual(new Map(all.filter(([key]) => isShort(key))));
        },
      ),
      settings(30),
    );
  });

  it("need a share that is rounded up to whole baskets", async () => {
    const input = [[0, 1], [0, 1], [0], [2], []];
    expect(await setsOf(input, { minSupport: 0.4 })).toEqual(
      new Map([
        ["0", 3],
        ["1", 2],
        ["0 1", 2],
      ]),
    );
    expect(await setsOf(input, { minSupport: 0.41 })).toEqual(new Map([["0", 3]]));
    const hundred = Array.from({ length: 100 }, (_, i) => (i < 7 ? [0] : []));
    expect((await setsOf(hundred, { minSupport: 0.07 })).size).toBe(1);
  });

  it("of nothing are nothing", async () => {
    for (const kind of ["all", "closed", "maximal"] as const) {
      expect((await setsOf([], { minSupport: 0.5, kind })).size).toBe(0);
      expect((await setsOf([[], []], { minSupport: 0.5, kind })).size).toBe(0);
      expect((await setsOf([[1], [2]], { minCount: 2, kind })).size).toBe(0);
      expect(await setsOf([[7], [7]], { minCount: 2, kind })).toEqual(new Map([["7", 2]]));
      expect((await setsOf([[1], [1, 2]], { minCount: 2 ** 31 - 1, kind })).size).toBe(0);
    }
  });

  it("of equal baskets are all subsets, one of them closed and maximal", async () => {
    for (const algorithm of MINING_ALGORITHMS) {
      const equal = Array.from({ length: 5 }, () => [0, 1, 2, 3, 4, 5]);
      expect(await setsOf(equal, { minSupport: 1, algorithm })).toEqual(bruteForce(equal, 5));
      for (const kind of ["closed", "maximal"] as const)
        expect(await setsOf(equal, { minSupport: 1, kind, algorithm })).toEqual(new Map([["0 1 2 3 4 5", 5]]));
    }
  });

  it("are refused when there are more than maxItemsets", async () => {
    const equal = Array.from({ length: 4 }, () => Array.from({ length: 50 }, (_, i) => i));
    for (const algorithm of MINING_ALGORITHMS) {
      await expect(
        frequentItemsets(basketsOf(equal), { minCount: 2, algorithm, maxItemsets: 20_000 }),
      ).rejects.toMatchObject({
        code: "ERR_COUPONCAST_OUT_OF_RANGE",
        message: expect.stringContaining("at most 20000 itemsets"),
        field: "maxItemsets",
      });
    }
    const three = await frequentItemsets(basketsOf([[0, 1, 2]]), { minCount: 1, maxItemsets: 7 });
    expect(three.size).toBe(7);
  });

  it("are refused in bounded memory, also where one basket alone holds far too many", async () => {
    const script = new URL("./scripts/huge-basket.mjs", import.meta.url);
    for (const algorithm of MINING_ALGORITHMS) {
      const { stdout, stderr } = await runScript(script, [dist, algorithm]);
      const { code, megabytes } = JSON.parse(stdout || "{}");
      expect(code, stderr).toBe("ERR_COUPONCAST_OUT_OF_RANGE");
      expect(megabytes, algorithm).toBeLessThan(400);
    }
  });

  it("of long baskets are refused, or leave those out", async () => {
    const input = [[0, 1, 2], [0, 1], [0]];
    await expect(frequentItemsets(basketsOf(input), { minCount: 1, maxBasketItems: 2 })).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      message: expect.stringContaining("1 of 3"),
    });
    const list = await frequentItemsets(basketsOf(input), { minCount: 1, maxBasketItems: 2, longBaskets: "leave-out" });
    expect(list.numTooLong).toBe(1);
    expect([...list].map(({ items, support }) => [keyOf(items), support])).toEqual([
      ["1", 1],
      ["0 1", 1],
      ["0", 2],
    ]);
  });

  it("of what are no baskets are refused", async () => {
    const good = basketsOf([[0, 1], [1]]);
    const bad: [object, ItemsetOptions][] = [
      [{ ...good, items: Int32Array.of(1, 0, 1) }, { minCount: 1 }],
      [{ ...good, items: Int32Array.of(0, 5, 1) }, { minCount: 1 }],
      [{ ...good, items: Int32Array.of(1, 1, 1) }, { minCount: 1 }],
      [{ ...good, indptr: BigInt64Array.of(0n, 9n, 3n) }, { minCount: 1 }],
      [{ ...good, indptr: new BigInt64Array(0) }, { minCount: 1 }],
      [{ ...good, items: [0, 1, 1] }, { minCount: 1 }],
      [good, {}],
      [good, { minCount: 1, minSupport: 0.5 }],
      [good, { minSupport: 0 }],
      [good, { minSupport: Number.NaN }],
      [good, { minSupport: -0.1 }],
      [good, { minSupport: Number.POSITIVE_INFINITY }],
      [good, { minCount: 0 }],
      [good, { minCount: Number.POSITIVE_INFINITY }],
      [good, { minCount: 0.5 }],
      [good, { minCount: 1, maxLength: 0 }],
      [good, { minCount: 1, algorithm: "magic" as never }],
    ];
    for (const [baskets, options] of bad) {
      await expect(frequentItemsets(baskets as never, options)).rejects.toMatchObject({
        code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      });
    }
  });

  it("stop within 50 ms or so when asked, and tell how far they are", async () => {
    const random = new Random(1);
    const all = Array.from({ length: 60 }, (_, item) => item);
    const dense = Array.from({ length: 3000 }, () => all.filter(() => random.next() < 0.5));
    for (const algorithm of MINING_ALGORITHMS) {
      const controller = new AbortController();
      const stages = new Set<string>();
      const run = frequentItemsets(basketsOf(dense), {
        minCount: 30,
        algorithm,
        maxItemsets: 2 ** 31 - 1,
        signal: controller.signal,
        onProgress: ({ stage }) => stages.add(stage),
      });
      await new Promise((resolve) => setTimeout(resolve, 200));
      const asked = performance.now();
      controller.abort();
      await expect(run).rejects.toMatchObject({ code: "ERR_COUPONCAST_CANCELLED" });
      expect(performance.now() - asked).toBeLessThan(1000);
      expect(stages).toContain("mining");
    }
  });
});
