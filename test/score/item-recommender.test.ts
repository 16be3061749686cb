import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ItemRecommender } from "../../src/score/item-recommender.js";
import { recommend, SCORE_SOURCES } from "../../src/score/recommend.js";
import { similarItems } from "../../src/score/similar.js";
import { type Matrix, openMatrix } from "../../src/store/matrix.js";
import { temporaryFolder, writeDense } from "../support/matrix.js";

const folder = temporaryFolder();
const dense = Array.from({ length: 40 }, (_, u) =>
  Array.from({ length: 25 }, (_, i) => ((u * 7 + i * 11) % 5 < 2 ? 1 + ((u + i) % 3) : 0)),
);

describe("ItemRecommender", () => {
  let matrix: Matrix;
  beforeAll(async () => {
    await writeDense(join(folder, "matrix.safetensors"), dense);
    matrix = await openMatrix(join(folder, "matrix.safetensors"));
  });
  afterAll(() => matrix.close());

  const historyOf = (user: number) => {
    const { indices, values } = matrix.userRow(user);
    return { ids: [...indices].map((column) => matrix.itemId(column)), values: [...values] };
  };

  it("answers what recommend answers for a row of the matrix", async () => {
    for (const options of [
      { n: 5, neighbours: 6 },
      { n: 30, neighbours: 3, filterSeen: false },
      { n: 4, method: "saturated", lambda: 2, normalise: true },
      { n: 6, similarity: "bm25", deny: ["i03", "nobody knows"] },
      { n: 30, neighbours: 1, fallback: false },
    ] as const) {
      const all = await recommend(matrix, options);
      const recommender = await ItemRecommender.create(matrix, options);
      for (let user = 0; user < matrix.numUsers; user++) {
        const { ids, values } = historyOf(user);
        const expected = Array.from({ length: all.counts[user]! }, (_, j) => ({
          id: matrix.itemId(all.items[user * all.n + j]!),
          score: all.scores[user * all.n + j],
          source: SCORE_SOURCES[all.sources[user * all.n + j]!],
        }));
        expect(recommender.recommend([...ids].reverse(), [...values].reverse())).toEqual(expected);
        const { indices } = matrix.userRow(user);
        const columns = recommender.recommendColumns(indices, Float32Array.from(values));
        expect([...columns.items].map((column) => matrix.itemId(column))).toEqual(expected.map(({ id }) => id));
        expect([...columns.scores]).toEqual(expected.map(({ score }) => score));
      }
      recommender.close();
    }
  });

  it("takes a model that was computed before, and outlives its matrix", async () => {
    const model = await similarItems(matrix, { neighbours: 4 });
    const plain = await recommend(matrix, { neighbours: 4, n: 5 });
    const given = await recommend(matrix, { model, n: 5 });
    expect(given).toEqual(plain);
    // Also as ordinary arrays, read back from somewhere.
    const copied = {
      ...model,
      indices: new Int32Array(model.indices),
      scores: new Float32Array(model.scores),
      counts: new Int32Array(model.counts),
    };
    expect(await recommend(matrix, { model: copied, n: 5 })).toEqual(plain);

    const own = await openMatrix(join(folder, "matrix.safetensors"));
    const recommender = await ItemRecommender.create(own, { model, n: 5 });
    own.close();
    const { ids, values } = historyOf(3);
    expect(recommender.recommend(ids, values).map(({ id }) => id)).toEqual(
      [...plain.items.subarray(15, 15 + plain.counts[3]!)].map((column) => matrix.itemId(column)),
    );
  });

  it("leaves out ids that the matrix does not hold", async () => {
    const recommender = await ItemRecommender.create(matrix, { n: 3 });
    const { ids, values } = historyOf(1);
    const with_ = recommender.recommend(["unheard of", ...ids], [9, ...values]);
    expect(with_).toEqual(recommender.recommend(ids, values));
    // Nothing known: what is popular.
    expect(recommender.recommend(["unheard of"]).map(({ source }) => source)).toEqual(Array(3).fill("popularity"));
  });

  it("takes rows of any length, and ids of any letters", async () => {
    const names = ["plain", "émile", "字", "😀", "😀x", "", ...Array.from({ length: 700 }, (_, i) => `n${i}`)].sort(
      (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)),
    );
    const path = join(folder, "letters.safetensors");
    const rows = Array.from({ length: 30 }, (_, u) => names.map((_, i) => ((u * 5 + i * 3) % 7 < 3 ? 1 + (i % 3) : 0)));
    await writeDense(path, rows, names.length, names);
    const letters = await openMatrix(path);
    const recommender = await ItemRecommender.create(letters, { n: 40, neighbours: 30 });
    for (const length of [0, 1, 255, 256, 257, 700]) {
      const columns = Int32Array.from({ length }, (_, i) => names.length - 1 - i).sort();
      const values = Float32Array.from(columns, (column) => 1 + (column % 4));
      const found = recommender.recommend(
        [...Array.from(columns, (c) => names[c]!), "\ud83d", "\ude00x"],
        [...values, 9, 9],
      );
      const { items, scores } = recommender.recommendColumns(columns, values);
      expect(found.map(({ id }) => id)).toEqual([...items].map((column) => names[column]));
      expect(found.map(({ score }) => score)).toEqual([...scores]);
    }
    recommender.close();
    letters.close();
  });

  it("refuses what makes no sense", async () => {
    const invalid = { code: "ERR_COUPONCAST_INVALID_ARGUMENT" };
    const recommender = await ItemRecommender.create(matrix, { n: 3 });
    const id = matrix.itemId(0);
    const codeOf = (call: () => unknown) => {
      try {
        call();
      } catch (thrown) {
        return (thrown as { code: string }).code;
      }
      return "no error";
    };
    expect(codeOf(() => recommender.recommend([id, id]))).toBe(invalid.code);
    expect(codeOf(() => recommender.recommend([id], [1, 2]))).toBe(invalid.code);
    expect(codeOf(() => recommender.recommend([id, 5 as never]))).toBe(invalid.code);
    const long = "x".repeat(2 ** 20);
    expect(codeOf(() => recommender.recommend(new Array(1024).fill(long)))).toBe(invalid.code);
    expect(codeOf(() => recommender.recommendColumns(Int32Array.of(25)))).toBe("ERR_COUPONCAST_OUT_OF_RANGE");
    expect(codeOf(() => recommender.recommendColumns([1] as never))).toBe(invalid.code);
    recommender.close();
    recommender.close();
    expect(codeOf(() => recommender.recommend([id]))).toBe("ERR_COUPONCAST_CLOSED");
    await expect(ItemRecommender.create(matrix, { method: "user-knn" as never })).rejects.toMatchObject(invalid);
    const part = await similarItems(matrix, { neighbours: 4, range: { begin: 0, end: 10 } });
    await expect(ItemRecommender.create(matrix, { model: part })).rejects.toMatchObject(invalid);
    const broken = await similarItems(matrix, { neighbours: 4 });
    broken.indices[2] = 77;
    await expect(ItemRecommender.create(matrix, { model: broken })).rejects.toMatchObject({
      code: "ERR_COUPONCAST_CORRUPT_FILE",
    });
    await expect(recommend(matrix, { model: broken })).rejects.toMatchObject({ code: "ERR_COUPONCAST_CORRUPT_FILE" });
  });
});
