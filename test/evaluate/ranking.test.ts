import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ingestSchema } from "../../src/campaign/schema/ingest.js";
import { eventsSourceSchema } from "../../src/campaign/schema/sources.js";
import { chooseBlendWeights } from "../../src/evaluate/blend-weights.js";
import { compareMethods, popularity } from "../../src/evaluate/compare.js";
import { evaluateRanking, type RelevantItems } from "../../src/evaluate/ranking.js";
import { relevantItems } from "../../src/evaluate/relevant-items.js";
import { splitByTime, splitLastOut } from "../../src/ingest/time-split.js";
import type { BlendPart } from "../../src/score/methods.js";
import { type Recommendations, recommend } from "../../src/score/recommend.js";
import { openMatrix } from "../../src/store/matrix.js";
import { temporaryFolder, withMatrix, writeGenerated } from "../support/matrix.js";

const folder = temporaryFolder();
const invalid = { code: "ERR_COUPONCAST_INVALID_ARGUMENT" };

function lists(rows: number[][], n: number): Recommendations {
  const items = Int32Array.from(rows.flatMap((row) => [...row, ...Array<number>(n - row.length).fill(-1)]));
  const counts = Int32Array.from(rows, (row) => row.length);
  const range = { begin: 0, end: rows.length };
  return { n, range, items, counts, scores: new Float32Array(items.length), sources: new Uint8Array(items.length) };
}

function wanted(rows: number[][]): RelevantItems {
  const indptr = new BigInt64Array(rows.length + 1);
  rows.forEach((row, u) => {
    indptr[u + 1] = indptr[u]! + BigInt(row.length);
  });
  return { indptr, items: Int32Array.from(rows.flat()) };
}

describe("evaluateRanking", () => {
  const dense = [
    [1, 0, 0, 0, 0],
    [1, 1, 0, 0, 0],
    [0, 0, 1, 0, 0],
  ];

  it("gives the numbers of formulas.md, both conventions", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const report = await evaluateRanking(matrix, wanted([[0, 2, 4], [], []]), lists([[0, 1, 2, 3], [], []], 4));
      expect(report.users).toBe(1);
      expect(report.ndcg).toBeCloseTo(0.703918, 6);
      expect(report.ndcgByK).toBeCloseTo(0.58557, 6);
      expect(report.map).toBeCloseTo(0.555556, 6);
      expect(report.mapByK).toBeCloseTo(0.416667, 6);
      expect(report.coverage).toBeCloseTo(4 / 5, 12);
      // Items 0 to 3 are held by 2, 1, 1 and 0 of 3 users.
      expect(report.popularity).toBeCloseTo(4 / 3 / 4, 12);
      expect(report.popularityBias).toBeCloseTo(4 / 3 / 4 / (2 / 3), 12);
      expect(report.gini).toBeCloseTo(0.2, 12);
    });
  });

  it("by segment, as the means of the whole and its standard error", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const options = { labels: Int32Array.of(0, 1, 0), k: 1 };
      const report = await evaluateRanking(matrix, wanted([[1], [2], [3]]), lists([[1], [4], [3]], 2), options);
      expect(report.segments.map(({ users, hitRate }) => [users, hitRate])).toEqual([
        [2, 1],
        [1, 0],
      ]);
      expect(report.hitRate).toBeCloseTo(2 / 3, 12);
      expect(report.standardErrors.hitRate).toBeCloseTo(Math.sqrt(1 / 3 / 3), 12);
    });
  });

  it("refuses lists of some users only, labels of others, and relevant items that no matrix has", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const some = { ...lists([[1]], 1), range: { begin: 0, end: 1 } };
      await expect(evaluateRanking(matrix, wanted([[1], [], []]), some)).rejects.toMatchObject(invalid);
      const all = lists([[1], [1], [1]], 1);
      const labels = new Int32Array(2);
      await expect(evaluateRanking(matrix, wanted([[1], [], []]), all, { labels })).rejects.toMatchObject(invalid);
      await expect(evaluateRanking(matrix, wanted([[1]]), all)).rejects.toMatchObject(invalid);
      await expect(evaluateRanking(matrix, wanted([[9], [], []]), all)).rejects.toMatchObject(invalid);
      await expect(evaluateRanking(matrix, wanted([[1], [], []]), all, { k: 2 })).rejects.toMatchObject(invalid);
    });
  });

  it("is the same for 1 and 2 threads", async () => {
    const path = join(folder, "generated.safetensors");
    await writeGenerated(path, { numUsers: 40_000, numItems: 300, degree: 8 });
    const matrix = await openMatrix(path);
    try {
      const later = wanted(Array.from({ length: 40_000 }, (_, u) => (u % 3 === 0 ? [] : [u % 300])));
      const found = await recommend(matrix, { n: 5, threads: 2 });
      const [one, two] = await Promise.all([1, 2].map((threads) => evaluateRanking(matrix, later, found, { threads })));
      expect(two).toEqual(one);
    } finally {
      matrix.close();
    }
  });
});

describe("splitByTime", () => {
  const events = [
    ["u1", "a", "2024-01-01T00:00:00Z"],
    ["u1", "b", "2024-01-20T00:00:00Z"],
    ["u2", "a", "2024-01-15T00:00:00Z"],
    ["u2", "b", "2024-01-02T00:00:00Z"],
    ["u2", "c", "2024-01-31T00:00:00Z"],
    ["u3", "c", "2024-01-30T00:00:00Z"],
    ["u1", "a", "2024-01-29T00:00:00Z"],
    ["u1", "new", "2024-01-29T00:00:00Z"],
  ];
  const request = () => {
    const dir = mkdtempSync(join(folder, "split-"));
    mkdirSync(join(dir, "out"));
    writeFileSync(join(dir, "events.csv"), ["user_id,item_id,time", ...events.map((row) => row.join(","))].join("\n"));
    return {
      events: [eventsSourceSchema.parse({ files: "events.csv", columns: { behaviour: { constant: "purchase" } } })],
      behaviours: { purchase: 3 },
      purchaseBehaviour: "purchase",
      options: ingestSchema.parse({ normalise: "none" }),
      timeZone: "UTC",
      baseDir: dir,
      outDir: join(dir, "out"),
      threads: 1,
    };
  };
  const split = (heldOutDays: number) => splitByTime({ ...request(), heldOutDays });

  it("gives history nothing of what came later, and relevance only what is new", async () => {
    const { cut, history: before, historyMatrix, laterMatrix } = await split(7);
    expect(cut).toBe("2024-01-24T00:00:00.000Z");
    expect(before.lastEvent < cut).toBe(true);
    const history = await openMatrix(historyMatrix);
    const later = await openMatrix(laterMatrix);
    try {
      // u3, c and new are not known before the cut; u1 bought a again.
      expect(history.ids("users", 0, history.numUsers)).toEqual(["u1", "u2"]);
      expect(history.ids("items", 0, history.numItems)).toEqual(["a", "b"]);
      const held = await relevantItems(history, later);
      expect({ ...held, indptr: [...held.indptr], items: [...held.items] }).toEqual({
        indptr: [0n, 0n, 0n],
        items: [],
        numUsers: 0,
        numUnknown: 3,
        numSeen: 1,
      });
      const repeats = await relevantItems(history, later, true);
      expect([[...repeats.indptr], [...repeats.items], repeats.numSeen]).toEqual([[0n, 1n, 1n], [0], 0]);
      await expect(compareMethods(history, held, [popularity(history)])).rejects.toMatchObject(invalid);
    } finally {
      history.close();
      later.close();
    }
  });

  it("can hold out each user's last new item instead", async () => {
    const { historyMatrix, laterMatrix } = await splitLastOut(request());
    const history = await openMatrix(historyMatrix);
    const later = await openMatrix(laterMatrix);
    try {
      const cellsOf = (matrix: typeof history) =>
        Array.from({ length: matrix.numUsers }, (_, u) => [
          matrix.userId(u),
          ...Array.from(matrix.userRow(u).indices, (item) => matrix.itemId(item)),
        ]);
      // u1 dealt with new last (and with a at that moment, not for the first time); u3 with one item only.
      expect(cellsOf(history)).toEqual([
        ["u1", "a", "b"],
        ["u2", "a", "b"],
        ["u3", "c"],
      ]);
      expect(cellsOf(later)).toEqual([
        ["u1", "new"],
        ["u2", "c"],
      ]);
    } finally {
      history.close();
      later.close();
    }
  });

  it("refuses days that hold out nothing", async () => {
    await expect(split(0)).rejects.toMatchObject(invalid);
    await expect(split(Number.NaN)).rejects.toMatchObject(invalid);
  });
});

describe("chooseBlendWeights", () => {
  it("gives all weight to the part that knows", async () => {
    const dense = Array.from({ length: 40 }, (_, u) => [u % 2, (u + 1) % 2, 0, 0, 0, u === 0 || u === 1 ? 1 : 0]);
    dense[0]![2] = 1;
    dense[1]![3] = 1;
    await withMatrix(folder, dense, async (matrix) => {
      // What users want is what their neighbours hold; the other part is empty.
      const knowing = { method: "user-knn" } as const;
      const empty = popularity(matrix).options as BlendPart;
      const want = wanted(dense.map((row) => (row[2]! + row[3]! + row[5]! > 0 ? [] : [row[0] === 1 ? 3 : 2])));
      for (const by of ["rank", "score"] as const) {
        const choice = await chooseBlendWeights(matrix, want, [empty, knowing], { by, n: 2, threads: 1, steps: 4 });
        expect(choice.tried).toHaveLength(5);
        expect(choice.weights[1]).toBeGreaterThan(0);
        expect(choice.tried[0]).toEqual({ weights: [1, 0], quality: 0 });
        expect(Math.max(...choice.tried.map(({ quality }) => quality))).toBeGreaterThan(0.5);
        expect(choice.curves?.length).toBe(by === "score" ? 2 : undefined);
      }
      const choose = (parts: BlendPart[], steps: number) => chooseBlendWeights(matrix, want, parts, { steps });
      await expect(choose([], 4)).rejects.toMatchObject(invalid);
      await expect(choose(Array(6).fill(knowing), 1000)).rejects.toMatchObject(invalid);
    });
  });
});
