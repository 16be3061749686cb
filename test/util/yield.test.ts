import { describe, expect, it } from "vitest";
import { copyYielding, forEachYielding } from "../../src/util/yield.js";

const spin = (ms: number) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

/** How often the event loop turned while `work` went on. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let immediate = setImmediate(function turn() {
    turns++;
    immediate = setImmediate(turn);
  });
  await work();
  clearImmediate(immediate);
  return turns;
}

describe("forEachYielding", () => {
  it("visits every index once, in order", async () => {
    const visited: number[] = [];
    await forEachYielding(1000, (i) => visited.push(i));
    expect(visited).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    await forEachYielding(0, () => expect.unreachable());
  });

  it("lets the event loop turn during one long loop", async () => {
    expect(await turnsDuring(() => forEachYielding(640, () => spin(0.1)))).toBeGreaterThanOrEqual(5);
  });

  it("lets the event loop turn during many short loops, each too short to do so alone", async () => {
    const loops = async () => {
      for (let loop = 0; loop < 40; loop++) await forEachYielding(10, () => spin(0.2));
    };
    expect(await turnsDuring(loops)).toBeGreaterThanOrEqual(5);
  });

  it("stops where the checkpoint throws, and where a visit does", async () => {
    const stop = () => {
      throw new Error("stopped");
    };
    await expect(forEachYielding(640, () => spin(0.1), stop)).rejects.toThrow("stopped");
    await expect(forEachYielding(1, stop)).rejects.toThrow("stopped");
  });
});

describe("copyYielding", () => {
  it("copies to the front of the target, whatever the length", async () => {
    const source = Float32Array.from({ length: 600_000 }, (_, i) => i);
    const target = new Float32Array(600_001).fill(-1);
    expect(await copyYielding(target, source)).toBe(target);
    expect(target.subarray(0, 600_000)).toEqual(source);
    expect(target[600_000]).toBe(-1);
  });
});
