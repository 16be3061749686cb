import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { closeExecutors } from "../../src/executor/executor.js";
import { addon } from "../../src/native/addon.js";
import { recommend } from "../../src/score/recommend.js";
import { openMatrix } from "../../src/store/matrix.js";
import { temporaryFolder, writeDense } from "../support/matrix.js";

const folder = temporaryFolder();
const small = join(folder, "small.safetensors");
const huge = join(folder, "huge.safetensors");
const NNZ = 100_000_000;

/**
 * A file of 1.6 GB without its 1.6 GB: the small matrix's header with 100 million cells instead, and a hole for the
 * data. The header is right, so it opens; the content (all zeros) is not, which only a computation may find out.
 */
function writeHuge(): void {
  const file = readFileSync(small);
  const header = JSON.parse(file.toString("utf8", 8, 8 + Number(file.readBigUInt64LE(0)))) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: number[] }
  >;
  const { __metadata__: metadata, ...tensors } = header;
  const entries = Object.entries(tensors).sort(([, a], [, b]) => a.data_offsets[0]! - b.data_offsets[0]!);
  const dataAt = 8 + Number(file.readBigUInt64LE(0));
  const pieces: { at: number; bytes: Buffer }[] = [];
  let offset = 0;
  for (const [name, tensor] of entries) {
    const [begin, end] = tensor.data_offsets as [number, number];
    const data = file.subarray(dataAt + begin, dataAt + end);
    if (/cs[rc]\.(indices|values)/.test(name)) tensor.shape = [NNZ];
    else pieces.push({ at: offset, bytes: data });
    if (name.endsWith("indptr")) data.writeBigInt64LE(BigInt(NNZ), data.length - 8);
    const bytes = { I64: 8, I32: 4, F32: 4, U8: 1 }[tensor.dtype]! * tensor.shape[0]!;
    tensor.data_offsets = [offset, offset + bytes];
    offset += bytes;
  }
  let text = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) });
  text += " ".repeat((8 - (text.length % 8)) % 8);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  const fd = openSync(huge, "w");
  writeSync(fd, Buffer.concat([prefix, Buffer.from(text)]));
  for (const { at, bytes } of pieces) writeSync(fd, bytes, 0, bytes.length, 8 + text.length + at);
  ftruncateSync(fd, 8 + text.length + offset);
  closeSync(fd);
}

beforeAll(async () => {
  await writeDense(small, [
    [1, 2],
    [3, 0],
  ]);
  writeHuge();
});

/** Pages touched and bytes read by this process so far. */
function cost(): { faults: number; bytesRead: number } {
  const { minorPageFault, majorPageFault } = process.resourceUsage();
  const bytesRead = Number(/rchar: (\d+)/.exec(readFileSync("/proc/self/io", "utf8"))![1]);
  return { faults: minorPageFault + majorPageFault, bytesRead };
}

async function costOfOpening(path: string, times: number): Promise<{ faults: number; bytesRead: number; ms: number }> {
  const before = cost();
  const started = performance.now();
  for (let i = 0; i < times; i++) (await openMatrix(path)).close();
  const ms = performance.now() - started;
  const after = cost();
  return {
    faults: (after.faults - before.faults) / times,
    bytesRead: (after.bytesRead - before.bytesRead) / times,
    ms: ms / times,
  };
}

const openFiles = () => readdirSync("/proc/self/fd").length;
const maps = () =>
  readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .filter((line) => line.includes(folder)).length;

describe("opening a matrix", () => {
  it("costs the same for 1.6 GB as for a kilobyte", async () => {
    await costOfOpening(small, 50);
    const little = await costOfOpening(small, 200);
    const much = await costOfOpening(huge, 200);
    console.info(`opening: small ${JSON.stringify(little)}, 1.6 GB ${JSON.stringify(much)}`);
    const matrix = await openMatrix(huge);
    expect(matrix.nnz).toBe(NNZ);
    matrix.close();
    expect(much.bytesRead).toBeLessThan(little.bytesRead + 4096);
    // Reading the content would touch 400,000 pages.
    expect(much.faults).toBeLessThan(little.faults + 20);
  });

  it("1,000 times leaves no map and no descriptor", async () => {
    await closeExecutors();
    // Warm up: whatever is opened once stays.
    (await openMatrix(small)).close();
    const before = { fds: openFiles(), maps: maps(), live: addon().coreInfo({}).liveMaps };
    expect(before).toMatchObject({ maps: 0, live: 0 });
    for (let i = 0; i < 1000; i++) {
      const matrix = await openMatrix(small);
      matrix.userId(i % 2);
      matrix.close();
    }
    expect({ fds: openFiles(), maps: maps(), live: addon().coreInfo({}).liveMaps }).toEqual(before);
  });

  it("shares one map among all openers, and failures leave none", async () => {
    const [a, b] = [await openMatrix(small), await openMatrix(small)];
    expect(addon().coreInfo({}).liveMaps).toBe(1);
    a.close();
    expect(b.userId(0)).toBe("u0");
    b.close();
    for (let i = 0; i < 100; i++)
      await expect(openMatrix("/proc/self/status")).rejects.toMatchObject({ name: "CouponcastError" });
    expect(addon().coreInfo({}).liveMaps).toBe(0);
  });

  it("what worker threads opened goes with them", async () => {
    const fds = openFiles();
    const matrix = await openMatrix(small);
    await recommend(matrix, { threads: 2 });
    matrix.close();
    await closeExecutors();
    expect(addon().coreInfo({}).liveMaps).toBe(0);
    expect(maps()).toBe(0);
    expect(openFiles()).toBeLessThanOrEqual(fds);
  });
});
