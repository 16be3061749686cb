import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { couponAffinity } from "../../src/score/affinity.js";
import { contentFields, hashToken, tokensOf } from "../../src/score/content/content-fields.js";
import { writeItemProfiles } from "../../src/score/content/item-profiles.js";
import { ProfileBuilder } from "../../src/score/content/profile-builder.js";
import { recommend } from "../../src/score/recommend.js";
import { openMatrix } from "../../src/store/matrix.js";
import { temporaryFolder, withMatrix } from "../support/matrix.js";

const folder = temporaryFolder();
const profilesFile = join(folder, "profiles.safetensors");

const ITEMS = [
  { id: "i0", category: "dairy", name: "Whole milk" },
  { id: "i1", category: "dairy", name: "Skimmed milk" },
  { id: "i2", category: "bakery", name: "Rye bread" },
  { id: "i3", category: "dairy", name: "Oat milk" },
];
const COLUMNS = { categories: ["category"], text: ["name"] };

describe("tokens", () => {
  it("are whole categories, separated tags, and words of two characters at least", () => {
    expect(tokensOf("category", "  Fresh Food ")).toEqual(["fresh food"]);
    expect(tokensOf("tags", "['Vegan', \"BIO\"]; new |")).toEqual(["vegan", "bio", "new"]);
    expect(tokensOf("text", "Café ﬁne 2-in-1, a über-milk")).toEqual(["café", "fine", "in", "über", "milk"]);
  });

  it("hash the same everywhere, by their seed", () => {
    expect([hashToken("milk", 1), hashToken("", 1), hashToken("milk", 2)]).toEqual([
      hashToken("milk", 1),
      hashToken("", 1),
      hashToken("milk", 2),
    ]);
    expect(new Set([1, 2, 3].map((seed) => hashToken("milk", seed))).size).toBe(3);
  });
});

describe("profiles", () => {
  it("are of length 1, fields balanced, rare words heavier", () => {
    const builder = new ProfileBuilder(contentFields(COLUMNS));
    for (const { category, name } of ITEMS) builder.add([category, name]);
    const { rows, cols, values, featureIds } = builder.finish();
    expect(featureIds).toEqual(featureIds.toSorted());
    for (let item = 0; item < 4; item++) {
      const own = [...values].filter((_, c) => rows[c] === item);
      expect(own.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 6);
    }
    // Item 0: one category, two words: milk (of three items) and whole (of one).
    const own = [...rows.keys()].filter((c) => rows[c] === 0);
    const category = own.find((c) => featureIds[cols[c]!]!.startsWith("category:"))!;
    expect(values[category]! ** 2).toBeCloseTo(0.5, 6);
    const words = own.filter((c) => c !== category).map((c) => values[c]!);
    const milk = 1 + Math.log(5 / 4);
    const whole = 1 + Math.log(5 / 2);
    expect(Math.max(...words) / Math.min(...words)).toBeCloseTo(whole / milk, 5);
  });

  it("of numbers are near for near numbers", () => {
    const builder = new ProfileBuilder(contentFields({ attributes: ["price"] }), { bins: 3 });
    for (const price of ["0", "5", "10", "7.5", "", "abc"]) builder.add([price]);
    const { rows, cols, values } = builder.finish();
    const row = (item: number) => {
      const dense = [0, 0, 0];
      for (const [c, r] of rows.entries()) if (r === item) dense[cols[c]!] = values[c]!;
      return dense;
    };
    const cosine = (a: number, b: number) => row(a).reduce((sum, x, i) => sum + x * row(b)[i]!, 0);
    expect(row(0)[0]).toBe(1);
    expect(row(2)[2]).toBe(1);
    expect(cosine(1, 3)).toBeGreaterThan(cosine(0, 3));
    expect(cosine(0, 2)).toBe(0);
    expect(row(4)).toEqual([0, 0, 0]);
    expect(row(5)).toEqual([0, 0, 0]);
  });

  it("refuse nothing to make them from, and an item twice", async () => {
    await expect(writeItemProfiles(profilesFile, [], {})).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
    });
    await expect(writeItemProfiles(profilesFile, [ITEMS[0]!, ITEMS[0]!], COLUMNS)).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
    });
  });
});

describe("the method content", () => {
  const dense = [
    [1, 0, 0, 0],
    [0, 0, 2, 0],
    [0, 0, 0, 0],
  ];

  it("finds items that are alike, also those that nobody has dealt with", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const summary = await writeItemProfiles(profilesFile, [...ITEMS, { id: "gone", category: "dairy" }], {
        ...COLUMNS,
        matrix,
      });
      expect(summary).toMatchObject({ numItems: 4, numUnknown: 1, numWithout: 0 });
      const options = { method: "content", profiles: profilesFile, n: 3, fallback: false, threads: 1 } as const;
      const found = await recommend(matrix, options);
      expect([...found.items]).toEqual([1, 3, -1, -1, -1, -1, -1, -1, -1]);
      const more = await recommend(matrix, { ...options, threads: 2 });
      expect(more.scores).toEqual(found.scores);
      const own = await recommend(matrix, { ...options, filterSeen: false });
      expect(own.items[0]).toBe(0);
      expect(own.scores[0]).toBeCloseTo(1, 6);
      const scoring = { method: "content", profiles: profilesFile, threads: 1 } as const;
      const { values } = await couponAffinity(matrix, [["i0", "i1"], ["i2"]], scoring);
      expect(values[0]).toBeCloseTo(own.scores[0]! + own.scores[1]!, 5);
      expect(values[1]).toBe(0);
      expect([...values.subarray(6)]).toEqual([0, 0, 0]);
    });
  });

  it("knows nothing where no item has a value, and nothing apart where all have the same", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const scoring = { method: "content", profiles: profilesFile } as const;
      const options = { ...scoring, n: 3, fallback: false };
      const blank = ITEMS.map(({ id }) => ({ id, name: " ", price: "abc" }));
      const summary = await writeItemProfiles(profilesFile, blank, { text: ["name"], attributes: ["price"], matrix });
      expect(summary).toMatchObject({ numItems: 4, numFeatures: 0, nnz: 0, numWithout: 4 });
      expect([...(await recommend(matrix, options)).counts]).toEqual([0, 0, 0]);
      const { values } = await couponAffinity(matrix, [["i0"], []], scoring);
      expect(values.every((value) => value === 0)).toBe(true);
      const popular = await recommend(matrix, { ...options, fallback: true });
      expect(popular.counts.every((count) => count > 0)).toBe(true);

      const zeros = ITEMS.map(({ id }) => ({ id, price: 0 }));
      expect(await writeItemProfiles(profilesFile, zeros, { attributes: ["price"], matrix })).toMatchObject({ nnz: 4 });
      const found = await recommend(matrix, options);
      // Whoever has any item: all others are as good, the smaller first; the third has none.
      expect([...found.items]).toEqual([1, 2, 3, 0, 1, 3, -1, -1, -1]);
      expect([...found.scores.subarray(0, 6)]).toEqual([1, 1, 1, 1, 1, 1]);
    });
  });

  it("refuses profiles of other items, and a file that holds none", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const invalid = { code: "ERR_COUPONCAST_INVALID_ARGUMENT" };
      await writeItemProfiles(profilesFile, ITEMS.slice(1), COLUMNS);
      await expect(recommend(matrix, { method: "content", profiles: profilesFile })).rejects.toMatchObject(invalid);
      await expect(recommend(matrix, { method: "content", profiles: matrix.path })).rejects.toMatchObject(invalid);
      await expect(recommend(matrix, { method: "content" })).rejects.toMatchObject(invalid);
      const profiles = await openMatrix(profilesFile);
      expect(profiles.metadata.kind).toBe("item-profiles");
      profiles.close();
    });
  });
});

describe("the method blend", () => {
  const dense = [
    [1, 1, 0, 0],
    [1, 1, 1, 0],
    [1, 0, 0, 0],
  ];

  it("adds reciprocal ranks of its parts", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      await writeItemProfiles(profilesFile, ITEMS, { ...COLUMNS, matrix });
      const parts = [
        { method: "item-knn", weight: 1 },
        { method: "content", weight: 2, profiles: profilesFile },
      ] as const;
      const found = await recommend(matrix, { method: "blend", parts, n: 4, fallback: false, threads: 1 });
      const lists = await Promise.all(
        parts.map(({ weight: _, ...part }) => recommend(matrix, { ...part, n: 4, fallback: false, threads: 1 })),
      );
      for (let user = 0; user < 3; user++) {
        const expected = new Map<number, number>();
        for (const [p, list] of lists.entries()) {
          for (let j = 0; j < list.counts[user]!; j++) {
            const item = list.items[user * 4 + j]!;
            expected.set(item, (expected.get(item) ?? 0) + parts[p]!.weight / (61 + j));
          }
        }
        expect(found.counts[user]).toBe(expected.size);
        for (let j = 0; j < expected.size; j++)
          expect(found.scores[user * 4 + j]).toBeCloseTo(expected.get(found.items[user * 4 + j]!)!, 6);
      }
    });
  });

  it("is the other parts where one scores nothing", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      await writeItemProfiles(profilesFile, ITEMS, { text: ["none"], matrix });
      const silent = { method: "content", profiles: profilesFile } as const;
      const curve = { x: [0, 1], y: [0, 1] };
      for (const by of ["rank", "score"] as const) {
        const blended = (parts: readonly object[], fallback = false) =>
          recommend(matrix, { method: "blend", parts, blend: { by }, n: 4, fallback });
        const alone = await blended([{ method: "item-knn", curve }]);
        expect(alone.counts[0]).toBeGreaterThan(0);
        const both = await blended([
          { method: "item-knn", curve },
          { ...silent, weight: 5, curve },
        ]);
        expect(both.items).toEqual(alone.items);
        expect(both.scores).toEqual(alone.scores);
        expect([...(await blended([{ ...silent, curve }])).counts]).toEqual([0, 0, 0]);
        // What is popular and new to the users.
        expect([...(await blended([{ ...silent, curve }], true)).counts]).toEqual([1, 0, 2]);
      }
      const scopes = [["i0"], ["i2", "i3"]];
      const affinity = (parts: readonly object[]) => couponAffinity(matrix, scopes, { method: "blend", parts });
      const alone = await affinity([{ method: "item-knn" }]);
      expect((await affinity([{ method: "item-knn" }, { ...silent, weight: 5 }])).values).toEqual(alone.values);
    });
  });

  it("has affinities that are weighted means of shares", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const scopes = [["i0"], ["i2", "i3"]];
      const parts = [{ method: "item-knn" }, { method: "user-knn", weight: 3 }] as const;
      const blended = await couponAffinity(matrix, scopes, { method: "blend", parts, threads: 1 });
      const [items, users] = await Promise.all(
        (["item-knn", "user-knn"] as const).map((method) => couponAffinity(matrix, scopes, { method, threads: 1 })),
      );
      for (let user = 0; user < 3; user++) {
        const share = (values: Float32Array, c: number) => values[user * 3 + c]! / values[user * 3 + 2]!;
        for (const c of [0, 1])
          expect(blended.values[user * 3 + c]).toBeCloseTo(share(items!.values, c) + 3 * share(users!.values, c), 5);
      }
    });
  });

  it("refuses no parts, weights of 0 and a blend in a blend", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const blend = (parts: object[], by?: "score") =>
        recommend(matrix, { method: "blend", parts: parts as never, blend: { by } });
      const invalid = { code: "ERR_COUPONCAST_INVALID_ARGUMENT" };
      await expect(blend([])).rejects.toMatchObject(invalid);
      await expect(blend([{ method: "item-knn", weight: 0 }])).rejects.toMatchObject(invalid);
      await expect(blend([{ method: "item-knn", weight: -1 }])).rejects.toMatchObject(invalid);
      await expect(blend([{ method: "blend" }])).rejects.toMatchObject(invalid);
      await expect(blend([{ method: "item-knn" }], "score")).rejects.toMatchObject(invalid);
    });
  });
});
