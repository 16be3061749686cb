import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { couponAffinity } from "../../src/score/affinity.js";
import { als } from "../../src/score/als.js";
import { foldInMatrix, foldInUsers, similarItemsByFactors } from "../../src/score/als-model.js";
import { readAlsModel, writeAlsModel } from "../../src/score/als-model-file.js";
import { recommend } from "../../src/score/recommend.js";
import { openMatrix } from "../../src/store/matrix.js";
import { temporaryFolder, withMatrix, writeDense } from "../support/matrix.js";
import { expectSameBytes } from "../support/same-bytes.js";

const folder = temporaryFolder();
const dense = Array.from({ length: 60 }, (_, u) =>
  Array.from({ length: 30 }, (_, i) => ((u * 7 + i * 11) % 5 < 2 && u % 9 > 0 ? 1 + ((u + i) % 3) : 0)),
);
const options = { factors: 6, iterations: 8, alpha: 2 };

const product = (a: Float32Array, i: number, b: Float32Array, j: number, factors: number) => {
  let sum = 0;
  for (let k = 0; k < factors; k++) sum = Math.fround(sum + Math.fround(a[i * factors + k]! * b[j * factors + k]!));
  return sum;
};

describe("ALS models", () => {
  it("recommend what scoring all items finds, seen ones left out", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const { userFactors, itemFactors, factors } = await als(matrix, options);
      const found = await recommend(matrix, { method: "als", als: options, n: 5, fallback: false });
      for (let u = 0; u < dense.length; u++) {
        const best = dense[u]!.map((r, i) => ({ i, r, score: product(userFactors, u, itemFactors, i, factors) }))
          .filter(({ r, score }) => r === 0 && score > 0)
          .sort((a, b) => b.score - a.score || a.i - b.i)
          .slice(0, 5);
        expect([...found.items.subarray(u * 5, u * 5 + best.length)]).toEqual(best.map(({ i }) => i));
        expect([...found.scores.subarray(u * 5, u * 5 + best.length)]).toEqual(best.map(({ score }) => score));
        expect(found.counts[u]).toBe(best.length);
      }
      const two = await recommend(matrix, { method: "als", als: options, n: 5, fallback: false, threads: 2 });
      expectSameBytes(two, found);
    });
  });

  it("sum scores over the scopes of coupons", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const { userFactors, itemFactors, factors } = await als(matrix, options);
      const scopes = [["i01", "i07"], ["i29"]];
      const affinity = await couponAffinity(matrix, scopes, { method: "als", als: options });
      for (let u = 1; u < dense.length; u++) {
        for (const [c, items] of scopes.entries()) {
          const sum = items.reduce(
            (total, id) => total + product(userFactors, u, itemFactors, matrix.colOf(id), factors),
            0,
          );
          expect(Math.abs(affinity.values[u * 3 + c]! - sum)).toBeLessThan(1e-4);
        }
      }
    });
  });

  it("solve the normal equations of a new user", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const model = await als(matrix, options);
      const { indices, values } = matrix.userRow(5);
      const indptr = BigInt64Array.of(0n, BigInt(indices.length), BigInt(indices.length));
      const folded = await foldInUsers(model, { indptr, indices, values });
      // Half the gradient of the user's part of the loss.
      const gradient = Array.from({ length: 6 }, (_, k) => model.regularisation * folded[k]!);
      for (let i = 0; i < 30; i++) {
        const r = dense[5]![i]!;
        const score = product(folded, 0, model.itemFactors, i, 6);
        for (let k = 0; k < 6; k++)
          gradient[k]! += (1 + model.alpha * r) * (score - (r > 0 ? 1 : 0)) * model.itemFactors[i * 6 + k]!;
      }
      for (const slope of gradient) expect(Math.abs(slope)).toBeLessThan(1e-4);
      expect([...folded.subarray(6)]).toEqual([0, 0, 0, 0, 0, 0]);
      for (const rows of [
        { indptr, indices: Int32Array.from(indices, () => 99), values },
        { indptr: BigInt64Array.of(0n, 99n), indices, values },
        { indptr, indices: [...indices] as never, values },
      ])
        await expect(foldInUsers(model, rows)).rejects.toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT" });
    });
  });

  it("fold in the users of another matrix, whose items are matched by id", async () => {
    const path = join(folder, "old.safetensors");
    const model = await withMatrix(folder, dense, async (matrix) => {
      await writeAlsModel(path, await als(matrix, options), matrix);
      return await readAlsModel(path);
    });
    // Columns of the model, -1 for what it does not know; the rows are of users it has not seen.
    const columns = [-1, 1, 4, -1, 17, 29];
    const rows = Array.from({ length: 9 }, (_, u) => columns.map((_, i) => ((u + 2 * i) % 4 < 2 ? 1 + (u % 3) : 0)));
    rows.push(columns.map((col) => (col < 0 ? 1 : 0)));
    const file = join(folder, "new.safetensors");
    await writeDense(file, rows, columns.length, ["a", "i01", "i04", "i05x", "i17", "i29"]);
    using matrix = await openMatrix(file);
    const known = rows.map((row) =>
      row.flatMap((value, i) => (columns[i]! < 0 || value === 0 ? [] : [[columns[i]!, value]])),
    );
    const ends = known.map((_, u) => BigInt(known.slice(0, u + 1).flat().length));
    const cells = known.flat() as [number, number][];
    const expected = await foldInUsers(model, {
      indptr: BigInt64Array.of(0n, ...ends),
      indices: Int32Array.from(cells, ([col]) => col),
      values: Float32Array.from(cells, ([, value]) => value),
    });

    const folded = await foldInMatrix(model, matrix, { threads: 1 });
    expectSameBytes(await foldInMatrix(model, matrix, { threads: 2 }), folded);
    expect(folded.numNewItems).toBe(2);
    for (const [at, value] of expected.entries()) expect(Math.abs(folded.userFactors[at]! - value)).toBeLessThan(1e-5);
    expect([...folded.userFactors.subarray(9 * 6)]).toEqual([0, 0, 0, 0, 0, 0]);
    for (const [i, col] of columns.entries()) {
      const vector = col < 0 ? new Float32Array(6) : model.itemFactors.subarray(col * 6, (col + 1) * 6);
      expect([...folded.itemFactors.subarray(i * 6, (i + 1) * 6)]).toEqual([...vector]);
    }
    const found = await recommend(matrix, {
      method: "als",
      als: { model: folded },
      filterSeen: false,
      fallback: false,
      n: 6,
    });
    for (let u = 0; u < rows.length; u++) {
      const best = columns
        .map((_, i) => ({ i, score: product(folded.userFactors, u, folded.itemFactors, i, 6) }))
        .filter(({ score }) => score > 0)
        .sort((a, b) => b.score - a.score || a.i - b.i);
      expect([...found.items.subarray(u * 6, u * 6 + found.counts[u]!)]).toEqual(best.map(({ i }) => i));
    }

    await writeDense(file, [[1, 1]], 2, ["x", "y"]);
    using strange = await openMatrix(file);
    const invalid = { code: "ERR_COUPONCAST_INVALID_ARGUMENT" };
    await expect(foldInMatrix(model, strange)).rejects.toMatchObject({ ...invalid, message: /no item of the matrix/ });
    await expect(recommend(strange, { method: "als", als: { model: folded } })).rejects.toMatchObject(invalid);
    await expect(foldInMatrix({ ...model, items: [] }, matrix)).rejects.toMatchObject(invalid);
    folded.itemFactors[6] = Number.NaN;
    await expect(recommend(matrix, { method: "als", als: { model: folded } })).rejects.toMatchObject(invalid);
  });

  it("need not be fitted again", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const model = await als(matrix, options);
      const again = await recommend(matrix, { method: "als", als: { model }, n: 5 });
      expectSameBytes(again, await recommend(matrix, { method: "als", als: options, n: 5 }));
    });
  });

  it("know similar items by the cosine of their vectors", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const model = await als(matrix, options);
      const { itemFactors: y } = model;
      const { k, indices, scores } = await similarItemsByFactors(model, { neighbours: 4 });
      const cosine = (a: number, b: number) =>
        product(y, a, y, b, 6) / Math.sqrt(product(y, a, y, a, 6) * product(y, b, y, b, 6));
      for (let item = 0; item < 30; item++) {
        const best = Array.from({ length: 30 }, (_, other) => cosine(item, other))
          .filter((score, other) => other !== item && score > 0)
          .sort((a, b) => b - a);
        for (let j = 0; j < Math.min(k, best.length); j++) {
          expect(Math.abs(scores[item * k + j]! - best[j]!)).toBeLessThan(1e-5);
          expect(indices[item * k + j]).not.toBe(item);
        }
      }
    });
  });

  it("survive a file, and a damaged one is refused", async () => {
    await withMatrix(folder, dense, async (matrix) => {
      const model = await als(matrix, options);
      const path = join(folder, "als.safetensors");
      await writeAlsModel(path, model, matrix);
      const read = await readAlsModel(path);
      expectSameBytes(read.userFactors, model.userFactors);
      expectSameBytes(read.itemFactors, model.itemFactors);
      expect(read.items).toEqual(matrix.ids("items", 0, 30));
      expect(read).toMatchObject({ factors: 6, alpha: 2, regularisation: 0.01, loss: model.loss });
      const bytes = readFileSync(path);
      const refused = async (damaged: Buffer, message: RegExp) => {
        writeFileSync(path, damaged);
        await expect(readAlsModel(path)).rejects.toMatchObject({ code: "ERR_COUPONCAST_CORRUPT_FILE", message });
      };
      const changed = (from: string, to: string) => Buffer.from(bytes.toString("latin1").replace(from, to), "latin1");
      const notANumber = Buffer.from(bytes);
      notANumber.writeFloatLE(Number.NaN, bytes.indexOf("i00i01") - 8);
      await refused(notANumber, /finite/);
      await refused(changed('"als"', '"sla"'), /no model of als/);
      await refused(changed("i00i01", "i01i01"), /an id of its own/);
      await refused(changed("items.bytes", "items.bites"), /items\.bytes/);
      await refused(changed('"factors":"6"', '"factors":"5"'), /5 factors/);
      await expect(readAlsModel(matrix.path)).rejects.toMatchObject({ code: "ERR_COUPONCAST_CORRUPT_FILE" });
    });
    await withMatrix(folder, dense.slice(1), async (matrix) => {
      const model = await withMatrix(folder, dense, (other) => als(other, options));
      await expect(writeAlsModel(join(folder, "x.safetensors"), model, matrix)).rejects.toMatchObject({
        code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      });
    });
  });
});
