import { afterAll, describe, expect, it } from "vitest";
import { CallQueue } from "../../src/executor/call-queue.js";
import { closeExecutors, Executor, type Progress, shared } from "../../src/executor/executor.js";

afterAll(closeExecutors);

/** A kernel call that does nothing. */
const nothing = () => ({
  kernel: "kmeansMinDistance" as const,
  args: {
    points: shared.f32(4),
    dims: 4,
    centroid: new Float32Array(4),
    begin: 0,
    end: 0,
    outDistances: shared.f32(0),
  },
});

describe("CallQueue", () => {
  const running = () => false;

  it("hands out calls in order, but none that uses what another one uses", async () => {
    const uses = [[0, 0], [0, 1], [2, 2], [1, 2], [3]];
    const queue = new CallQueue(uses.length, (index) => uses[index]!);
    expect(await queue.next(running)).toBe(0);
    expect(await queue.next(running)).toBe(2); // 1 uses 0
    expect(await queue.next(running)).toBe(4); // 3 uses 2
    const waiting = queue.next(running);
    queue.done(2);
    expect(await waiting).toBe(3);
    const last = queue.next(running);
    queue.done(0); // 1 also uses 1, which 3 uses
    let handedOut = false;
    last.then(() => {
      handedOut = true;
    });
    await new Promise(setImmediate);
    expect(handedOut).toBe(false);
    queue.done(3);
    expect(await last).toBe(1);
    expect(await queue.next(running)).toBeUndefined();
  });

  it("serves any number of takers every call once, whatever they share", async () => {
    const groups = 6;
    const pairs = Array.from({ length: groups }, (_, a) =>
      Array.from({ length: groups - a }, (_, b) => [a, a + b] as const),
    ).flat();
    const queue = new CallQueue(pairs.length, (index) => pairs[index]!);
    const inUse = new Set<number>();
    const served: number[] = [];
    const taker = async (turns: number) => {
      for (let index = await queue.next(running); index !== undefined; index = await queue.next(running)) {
        const used = new Set(pairs[index]!);
        for (const group of used) {
          expect(inUse.has(group)).toBe(false);
          inUse.add(group);
        }
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
        for (const group of used) inUse.delete(group);
        served.push(index);
        queue.done(index);
      }
    };
    await Promise.all([taker(1), taker(2), taker(5)]);
    expect(served.sort((a, b) => a - b)).toEqual([...pairs.keys()]);
  });

  it("lets takers go when it is told to stop", async () => {
    const queue = new CallQueue(3, () => [0]);
    let stopped = false;
    expect(await queue.next(() => stopped)).toBe(0);
    const waiting = queue.next(() => stopped);
    stopped = true;
    queue.done(0);
    expect(await waiting).toBeUndefined();
  });
});

describe("Executor.map", () => {
  it("gives each lane its own arguments, one call at a time", async () => {
    const lanes: number[] = [];
    await new Executor({ threads: 2 }).map(
      Array.from({ length: 8 }, nothing),
      { name: "lanes" },
      {
        laneArgs: (lane) => {
          lanes.push(lane);
          return {};
        },
      },
    );
    expect(lanes.sort()).toEqual([0, 1]);
  });

  it("returns results in the order of the calls, whichever thread takes them", async () => {
    const squared = (_: unknown, index: number) => ({
      kernel: "kmeansMinDistance" as const,
      args: {
        points: Float32Array.of(index, 0),
        dims: 2,
        centroid: new Float32Array(2),
        begin: 0,
        end: 1,
        outDistances: Float32Array.of(Number.POSITIVE_INFINITY),
      },
    });
    const calls = Array.from({ length: 300 }, squared);
    for (const threads of [1, 2, 3, 9]) {
      const results = await new Executor({ threads }).map(calls);
      expect(results.map(({ value }) => value)).toEqual(calls.map((_, index) => index ** 2));
    }
    const wrong = { ...calls[70]!, args: { ...calls[70]!.args, dims: 0 } };
    for (const threads of [2, 9]) {
      const failing = new Executor({ threads }).map(calls.with(70, wrong));
      await expect(failing).rejects.toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT" });
    }
  });

  it("waits for `finished`, and throws what it throws", async () => {
    const order: string[] = [];
    const progress: Progress[] = [];
    const executor = new Executor({ threads: 1, onProgress: (now) => progress.push(now) });
    await executor.map([nothing(), nothing()], {
      name: "stage",
      weight: (index) => index + 1,
      finished: async (index) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        order.push(`finished ${index}`);
      },
    });
    expect(order).toEqual(["finished 0", "finished 1"]);
    expect(progress.map(({ done }) => done)).toEqual([0, 1, 3]);
    const failing = executor.map([nothing(), nothing()], {
      name: "stage",
      finished: async () => {
        throw new RangeError("the disk is gone");
      },
    });
    await expect(failing).rejects.toThrow(new RangeError("the disk is gone"));
  });
});
