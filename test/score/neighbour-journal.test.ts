import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RowRange } from "../../src/executor/executor.js";
import { NeighbourJournal } from "../../src/score/neighbour-journal.js";
import { writeNeighbours } from "../../src/score/similar.js";
import { openMatrix } from "../../src/store/matrix.js";
import { TensorFileWriter } from "../../src/store/tensor-file-writer.js";
import { temporaryFolder, writeGenerated } from "../support/matrix.js";
import { readTensors } from "../support/safetensors.js";

const folder = temporaryFolder();
const size = { rows: 10, k: 2 };
const plan = [
  { begin: 0, end: 4, work: 5 },
  { begin: 4, end: 9, work: 6 },
  { begin: 9, end: 10, work: 1 },
];
let number = 0;
const fresh = () => join(folder, `kept-${number++}`);

/** As a worker does: writes a shard's lists, recognisable by their first row. */
async function fill(journal: NeighbourJournal, shard: number): Promise<void> {
  const range = journal.shards[shard] as RowRange;
  const { writeSync } = await import("node:fs");
  for (const output of Object.values(journal.outputs(range))) {
    const { $write, length, fd, position } = output as unknown as {
      $write: string;
      length: number;
      fd: number;
      position: number;
    };
    const data =
      $write === "F32" ? new Float32Array(length).fill(range.begin + 0.5) : new Int32Array(length).fill(range.begin);
    writeSync(fd, new Uint8Array(data.buffer), 0, data.byteLength, position);
  }
  await journal.finished(shard);
}

async function listsOf(journal: NeighbourJournal) {
  const path = join(folder, "lists.safetensors");
  const writer = TensorFileWriter.create(path, [
    { name: "neighbours.indices", dtype: "I32", shape: [size.rows, size.k] },
    { name: "neighbours.scores", dtype: "F32", shape: [size.rows, size.k] },
    { name: "neighbours.counts", dtype: "I32", shape: [size.rows] },
  ]);
  await journal.copyTo(writer);
  await writer.commit();
  return readTensors(path).data;
}

describe("NeighbourJournal", () => {
  it("goes on with what is finished, and copies all lists in the end", async () => {
    const at = fresh();
    const first = await NeighbourJournal.open(at, "key", size, plan);
    expect(first.done.size).toBe(0);
    await fill(first, 1);
    await first.close();

    const other = [{ begin: 0, end: 10, work: 12 }]; // as another number of threads would plan
    const second = await NeighbourJournal.open(at, "key", size, other);
    expect([...second.done]).toEqual([1]);
    expect(second.shards).toEqual(plan);
    await fill(second, 0);
    await fill(second, 2);
    const lists = await listsOf(second);
    const rows = [0, 0, 0, 0, 4, 4, 4, 4, 4, 9];
    expect([...lists["neighbours.counts"]!]).toEqual(rows);
    expect([...lists["neighbours.indices"]!]).toEqual(rows.flatMap((row) => [row, row]));
    expect([...lists["neighbours.scores"]!]).toEqual(rows.flatMap((row) => [row + 0.5, row + 0.5]));
    await second.close();
    await second.remove();
    expect(existsSync(at)).toBe(false);
  });

  it("begins again for another computation, a damaged plan or lost lists", async () => {
    const begun = async () => {
      const at = fresh();
      const journal = await NeighbourJournal.open(at, "key", size, plan);
      await fill(journal, 1);
      await journal.close();
      return at;
    };
    const doneIn = async (at: string, key = "key") => {
      const journal = await NeighbourJournal.open(at, key, size, plan);
      await journal.close();
      return journal.done.size;
    };
    expect(await doneIn(await begun())).toBe(1);
    expect(await doneIn(await begun(), "another key")).toBe(0);
    const damages: ((at: string) => void)[] = [
      (at) => writeFileSync(join(at, "plan.json"), "{"),
      (at) =>
        writeFileSync(join(at, "plan.json"), JSON.stringify({ key: "key", shards: [{ begin: 0, end: 9, work: 1 }] })),
      (at) =>
        writeFileSync(join(at, "plan.json"), JSON.stringify({ key: "key", shards: [{ begin: 5, end: 10, work: 1 }] })),
      (at) => rmSync(join(at, "plan.json")),
      (at) => rmSync(join(at, "neighbours.raw")),
      (at) => truncateSync(join(at, "neighbours.raw"), 20),
      (at) => rmSync(join(at, "done")),
      (at) => writeFileSync(join(at, "done"), "1"), // cut before its end
      (at) => writeFileSync(join(at, "done"), "7\n-1\nx\n"),
    ];
    for (const [index, damage] of damages.entries()) {
      const at = await begun();
      damage(at);
      expect(await doneIn(at), `damage ${index}`).toBe(0);
    }
  });

  it("leaves folders alone that are not its own, and refuses a second process", async () => {
    const at = fresh();
    await mkdir(at);
    writeFileSync(join(at, "thesis.txt"), "years of work");
    await expect(NeighbourJournal.open(at, "key", size, plan)).rejects.toMatchObject({
      code: "ERR_COUPONCAST_IO",
      message: expect.stringContaining("thesis.txt"),
    });
    expect(readdirSync(at)).toEqual(["thesis.txt"]);
    const other = fresh();
    const journal = await NeighbourJournal.open(other, "key", size, plan);
    await expect(NeighbourJournal.open(other, "key", size, plan)).rejects.toMatchObject({ code: "ERR_COUPONCAST_IO" });
    await journal.close();
  });
});

describe("writeNeighbours", () => {
  it("interrupted, goes on from what it kept and writes the same bytes", async () => {
    const matrixPath = join(folder, "matrix.safetensors");
    await writeGenerated(matrixPath, { numUsers: 9000, numItems: 400, degree: 12 });
    const matrix = await openMatrix(matrixPath);
    try {
      const plain = join(folder, "plain.safetensors");
      // So many neighbours that not all lists fit into memory at once: row by row.
      const k = 4000;
      await writeNeighbours(matrix, "users", plain, { neighbours: k, threads: 2 });
      const keepIn = fresh();
      await mkdir(keepIn);
      const kept = join(folder, "kept.safetensors");
      const abort = new AbortController();
      const interrupted = writeNeighbours(matrix, "users", kept, {
        neighbours: k,
        threads: 2,
        keepIn,
        signal: abort.signal,
        onProgress: () => {
          if (existsSync(join(keepIn, "done")) && readFileSync(join(keepIn, "done"), "utf8") !== "") abort.abort();
        },
      });
      await expect(interrupted).rejects.toMatchObject({ code: "ERR_COUPONCAST_CANCELLED" });
      expect(existsSync(kept)).toBe(false);
      const before = readFileSync(join(keepIn, "done"), "utf8").trim().split("\n").length;
      const first: number[] = [];
      await writeNeighbours(matrix, "users", kept, {
        neighbours: k,
        threads: 1,
        keepIn,
        onProgress: ({ stage, done, total }) => {
          if (stage === "similar users" && first.length === 0) first.push(done / total!);
        },
      });
      expect(before).toBeGreaterThan(0);
      expect(first[0], "progress counts what was finished before").toBeGreaterThan(0);
      expect(readFileSync(kept).equals(readFileSync(plain))).toBe(true);
      expect(existsSync(keepIn)).toBe(false);
    } finally {
      matrix.close();
    }
  });
});
