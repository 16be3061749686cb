import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { CouponcastError } from "../../src/errors.js";
import { Executor, shared } from "../../src/executor/executor.js";
import { recommend } from "../../src/score/recommend.js";
import { similarUsers } from "../../src/score/similar.js";
import { openMatrix } from "../../src/store/matrix.js";
import { temporaryFolder, writeDense } from "../support/matrix.js";

const folder = temporaryFolder();
const good = join(folder, "good.safetensors");

beforeAll(() =>
  writeDense(good, [
    [1, 2, 0],
    [0, 1, 3],
    [5, 0, 0],
  ]),
);

/** Position of a tensor's bytes in the file, from the header. */
function positionOf(path: string, tensor: string): number {
  const file = readFileSync(path);
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + headerBytes)) as Record<string, { data_offsets: number[] }>;
  return 8 + headerBytes + header[tensor]!.data_offsets[0]!;
}

function damaged(name: string, tensor: string, change: (file: Buffer, at: number) => void): string {
  const path = join(folder, name);
  const file = readFileSync(good);
  change(file, positionOf(good, tensor));
  writeFileSync(path, file);
  return path;
}

describe("errors of worker threads", () => {
  it("keep class, code and message of the core", async () => {
    const executor = new Executor({ threads: 1 });
    const thrown = await executor
      .run({
        kernel: "solveSpd",
        args: { a: Float64Array.of(1, 2, 2, 1), b: Float64Array.of(1, 1), outSolution: shared.f64(2) },
      })
      .catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(CouponcastError);
    expect(thrown).toMatchObject({ name: "CouponcastError", code: "ERR_COUPONCAST_INVALID_ARGUMENT", exitCode: 2 });
    expect((thrown as Error).message).toMatch(/positive definite/);
    expect((thrown as Error).stack).toContain("worker.js");
  });

  it("of the file system are IO errors that name the file", async () => {
    const matrix = await openMatrix(good);
    const gone = join(folder, "gone.safetensors");
    copyFileSync(good, gone);
    const other = await openMatrix(gone);
    rmSync(gone);
    await expect(similarUsers(other, { threads: 1 })).rejects.toMatchObject({
      code: "ERR_COUPONCAST_IO",
      message: expect.stringContaining("gone.safetensors"),
      file: gone,
    });
    other.close();
    matrix.close();
  });

  it("the first one stops the rest, and the pool goes on", async () => {
    const executor = new Executor({ threads: 2 });
    const bad = {
      kernel: "solveSpd" as const,
      args: { a: Float64Array.of(-1), b: Float64Array.of(1), outSolution: shared.f64(1) },
    };
    const fine = {
      kernel: "solveSpd" as const,
      args: { a: Float64Array.of(2), b: Float64Array.of(1), outSolution: shared.f64(1) },
    };
    await expect(executor.map([...new Array(20).fill(fine), bad, ...new Array(20).fill(fine)])).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
    });
    expect((await executor.map([fine, fine])).length).toBe(2);
  });

  it("an unknown kernel and a wrong argument are errors, not crashes", async () => {
    const executor = new Executor({ threads: 1 });
    await expect(executor.run({ kernel: "noSuchKernel" as never, args: {} })).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INTERNAL",
      message: expect.stringContaining("noSuchKernel"),
    });
    await expect(executor.run({ kernel: "solveSpd", args: {} })).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
    });
    await expect(
      executor.run({
        kernel: "solveSpd",
        args: { a: new Float32Array(1), b: Float64Array.of(1), outSolution: shared.f64(1) },
      }),
    ).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      message: expect.stringContaining("Float64Array"),
    });
  });
});

describe("damaged matrix files", () => {
  it("are refused at opening when the header is wrong", async () => {
    const short = join(folder, "short.safetensors");
    copyFileSync(good, short);
    truncateSync(short, readFileSync(good).length - 1);
    await expect(openMatrix(short)).rejects.toMatchObject({
      code: "ERR_COUPONCAST_CORRUPT_FILE",
      message: expect.stringContaining("short.safetensors"),
    });
    const text = join(folder, "text.safetensors");
    writeFileSync(text, "user,item\n1,2\n");
    await expect(openMatrix(text)).rejects.toMatchObject({ code: "ERR_COUPONCAST_CORRUPT_FILE" });
    writeFileSync(text, "");
    await expect(openMatrix(text)).rejects.toMatchObject({ code: "ERR_COUPONCAST_CORRUPT_FILE" });
    await expect(openMatrix(join(folder, "absent"))).rejects.toMatchObject({ code: "ERR_COUPONCAST_IO" });
    await expect(openMatrix(folder)).rejects.toMatchObject({ code: "ERR_COUPONCAST_IO" });
    await expect(openMatrix("")).rejects.toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT" });
  });

  it("are refused by the first computation when the content breaks an invariant", async () => {
    const cases: [string, string, (file: Buffer, at: number) => void][] = [
      ["column out of range", "csr.indices", (file, at) => file.writeInt32LE(99, at)],
      ["negative column", "csr.indices", (file, at) => file.writeInt32LE(-1, at)],
      ["row out of order", "csc.indices", (file, at) => file.writeInt32LE(2, at)],
      ["not finite", "csr.values", (file, at) => file.writeFloatLE(Number.NaN, at)],
      ["indptr beyond the end", "csr.indptr", (file, at) => file.writeBigInt64LE(1n << 40n, at + 8)],
    ];
    for (const [name, tensor, change] of cases) {
      const matrix = await openMatrix(damaged(`${name}.safetensors`, tensor, change));
      await expect(recommend(matrix, { threads: 1 }), name).rejects.toMatchObject({
        code: "ERR_COUPONCAST_CORRUPT_FILE",
      });
      await expect(recommend(matrix, { threads: 1 }), `${name}, again`).rejects.toMatchObject({
        code: "ERR_COUPONCAST_CORRUPT_FILE",
      });
      matrix.close();
    }
  });

  it("a user's row is checked, and no other", async () => {
    const cases: [string, number, (file: Buffer, at: number) => void][] = [
      ["csr.indices", 0, (file, at) => file.writeInt32LE(99, at)],
      ["csr.values", 0, (file, at) => file.writeFloatLE(Number.NaN, at)],
      ["csr.indptr", 2, (file, at) => file.writeBigInt64LE(-1n, at + 16)],
      ["csr.indptr", 2, (file, at) => file.writeBigInt64LE(1n << 40n, at + 16)],
    ];
    const intact = await openMatrix(good);
    for (const [tensor, row, change] of cases) {
      const matrix = await openMatrix(damaged("row.safetensors", tensor, change));
      const corrupt = { code: "ERR_COUPONCAST_CORRUPT_FILE", message: expect.stringContaining(`row ${row} of csr`) };
      expect(() => matrix.userRow(row)).toThrow(expect.objectContaining(corrupt));
      expect(matrix.userRow(2 - row)).toEqual(intact.userRow(2 - row));
      matrix.close();
    }
    intact.close();
  });

  it("a flipped bit that breaks no invariant is found by verify", async () => {
    const matrix = await openMatrix(
      damaged("flipped.safetensors", "csr.values", (file, at) => file.writeFloatLE(1.5, at)),
    );
    await expect(matrix.verify()).rejects.toMatchObject({ code: "ERR_COUPONCAST_CORRUPT_FILE" });
    matrix.close();
    const intact = await openMatrix(good);
    await intact.verify();
    intact.close();
  });
});

describe("a closed matrix", () => {
  it("refuses every call with ERR_COUPONCAST_CLOSED, and may be closed again", async () => {
    const matrix = await openMatrix(good);
    matrix.close();
    matrix.close();
    const closed = { code: "ERR_COUPONCAST_CLOSED" };
    await expect(recommend(matrix)).rejects.toMatchObject(closed);
    await expect(similarUsers(matrix)).rejects.toMatchObject(closed);
    await expect(matrix.verify()).rejects.toMatchObject(closed);
    for (const use of [
      () => matrix.userId(0),
      () => matrix.itemId(0),
      () => matrix.rowOf("u0"),
      () => matrix.colOf("i0"),
      () => matrix.userRow(0),
    ]) {
      expect(use).toThrow(expect.objectContaining(closed));
    }
  });

  it("look-ups: ids, rows and what is not there", async () => {
    const matrix = await openMatrix(good);
    expect([matrix.numUsers, matrix.numItems, matrix.nnz]).toEqual([3, 3, 5]);
    expect([matrix.userId(2), matrix.itemId(1)]).toEqual(["u2", "i1"]);
    expect([matrix.rowOf("u1"), matrix.colOf("i2"), matrix.rowOf("u"), matrix.rowOf("u3"), matrix.rowOf("")]).toEqual([
      1, 2, -1, -1, -1,
    ]);
    expect(matrix.userRow(1)).toEqual({ indices: Int32Array.of(1, 2), values: Float32Array.of(1, 3) });
    for (const row of [-1, 3, 0.5, Number.NaN]) {
      expect(() => matrix.userId(row)).toThrow(expect.objectContaining({ code: "ERR_COUPONCAST_OUT_OF_RANGE" }));
      expect(() => matrix.userRow(row), String(row)).toThrow(
        expect.objectContaining({ code: "ERR_COUPONCAST_OUT_OF_RANGE" }),
      );
    }
    matrix.close();
  });
});
