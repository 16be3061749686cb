import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allocate } from "../../src/allocate/allocate.js";
import { kmeans } from "../../src/profile/kmeans.js";
import { recommend } from "../../src/score/recommend.js";
import { similarItems, similarUsers } from "../../src/score/similar.js";
import { type Matrix, openMatrix } from "../../src/store/matrix.js";
import { temporaryFolder, writeGenerated } from "../support/matrix.js";

const folder = temporaryFolder();
let matrix: Matrix;

beforeAll(async () => {
  const path = join(folder, "heavy.safetensors");
  await writeGenerated(path, { numUsers: 40_000, numItems: 60, degree: 20 });
  matrix = await openMatrix(path);
  // The first computation checks the content; what follows measures the kernels.
  await similarUsers(matrix, { neighbours: 1, threads: 2, range: { begin: 0, end: 1 } });
});
afterAll(() => matrix.close());

const CANCELLED = { name: "CouponcastError", code: "ERR_COUPONCAST_CANCELLED" };

/** Milliseconds from the abort to the rejection. */
async function latency(call: (signal: AbortSignal) => Promise<unknown>, afterMs: number): Promise<number> {
  const controller = new AbortController();
  const rejected = expect(call(controller.signal)).rejects.toMatchObject(CANCELLED);
  await sleep(afterMs);
  const aborted = performance.now();
  controller.abort();
  await rejected;
  return performance.now() - aborted;
}

const points = new Float32Array(2_000_000).map((_, i) => Math.imul(i, 2654435761) % 1000);

// Some 50 ms on an idle machine; the limit leaves room for machines that do other things too.
const LIMIT_MS = 1000;

describe("AbortSignal", () => {
  const calls: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
    similarUsers: (signal) => similarUsers(matrix, { neighbours: 50, threads: 2, signal }),
    "recommend, user-knn": (signal) => recommend(matrix, { method: "user-knn", threads: 2, signal }),
    kmeans: (signal) => kmeans(points, 2, { k: 200, tolerance: 0, threads: 2, signal }),
  };
  for (const [name, call] of Object.entries(calls)) {
    it(`stops ${name} soon`, async () => {
      const measured: number[] = [];
      for (const afterMs of [1, 100, 250]) measured.push(await latency(call, afterMs));
      console.info(`${name}: stopped ${measured.map((ms) => ms.toFixed(1)).join(", ")} ms after the abort`);
      expect(Math.max(...measured)).toBeLessThan(LIMIT_MS);
    });
  }

  it("that has fired already stops every call before it starts", async () => {
    const signal = AbortSignal.abort();
    const one = {
      width: 1,
      counts: Int32Array.of(1),
      coupons: Int32Array.of(0),
      valueMinor: Float64Array.of(1),
      costMinor: Float64Array.of(1),
    };
    const started: (() => Promise<unknown>)[] = [
      () => similarUsers(matrix, { signal }),
      () => similarItems(matrix, { signal }),
      () => recommend(matrix, { signal }),
      () => kmeans(points, 2, { k: 2, signal }),
      () => allocate(one, { coupons: [{}] }, { signal }),
      () => matrix.verify({ signal }),
    ];
    for (const call of started) await expect(call()).rejects.toMatchObject(CANCELLED);
  });

  it("leaves the library working, and no listener on a signal that never fires", async () => {
    const range = { begin: 0, end: 500 };
    const before = await similarUsers(matrix, { neighbours: 5, threads: 2, range });
    await latency(calls.similarUsers!, 50);
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    expect(await similarUsers(matrix, { neighbours: 5, threads: 2, range, signal })).toEqual(before);
    expect(listeners).toBe(0);
  });

  it("cancels its own call only", async () => {
    const controller = new AbortController();
    const range = { begin: 0, end: 2000 };
    const [kept, dropped] = [
      similarUsers(matrix, { neighbours: 5, threads: 2, range }),
      similarUsers(matrix, { neighbours: 5, threads: 2, signal: controller.signal }),
    ];
    const rejected = expect(dropped).rejects.toMatchObject(CANCELLED);
    controller.abort();
    await rejected;
    expect((await kept).counts.length).toBe(2000);
  });
});

describe("onProgress", () => {
  it("rises from 0 to the total", async () => {
    const seen: number[] = [];
    let last: number | undefined;
    await similarUsers(matrix, {
      neighbours: 5,
      threads: 2,
      range: { begin: 0, end: 2500 },
      onProgress: ({ done, total }) => {
        seen.push(done);
        last = total;
      },
    });
    expect(seen[0]).toBe(0);
    expect(seen.at(-1)).toBe(last);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it("that throws rejects the call with its own error, and the next call works", async () => {
    for (const failAt of [1, 2]) {
      let calls = 0;
      const onProgress = () => {
        if (++calls === failAt) throw new RangeError("mine");
      };
      await expect(similarUsers(matrix, { neighbours: 5, threads: 2, onProgress })).rejects.toThrow(
        new RangeError("mine"),
      );
    }
    expect((await similarUsers(matrix, { neighbours: 1, threads: 2, range: { begin: 0, end: 3 } })).counts.length).toBe(
      3,
    );
  });
});
