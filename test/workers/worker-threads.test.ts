import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { beforeAll, describe, expect, it } from "vitest";
import { closeExecutors } from "../../src/executor/executor.js";
import { recommend } from "../../src/score/recommend.js";
import { openMatrix } from "../../src/store/matrix.js";
import { dist, runScript } from "../support/child.js";
import { temporaryFolder, writeDense, writeGenerated } from "../support/matrix.js";

const folder = temporaryFolder();
const small = join(folder, "small.safetensors");
const heavy = join(folder, "heavy.safetensors");

beforeAll(async () => {
  await writeDense(small, [
    [1, 2, 0],
    [0, 1, 3],
  ]);
  // 60 items of degree 10,000: 2e5 multiply-adds a user and 4e9 in all, seconds of work.
  await writeGenerated(heavy, { numUsers: 30_000, numItems: 60, degree: 20 });
});

const library = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { dist, path } = workerData;
  (async () => {
    const { openMatrix, recommend, coreVersion } = await import(dist + "index.js");
    const matrix = await openMatrix(path);
    const found = await recommend(matrix, { n: 2, threads: 1 });
    matrix.close();
    parentPort.postMessage({ version: coreVersion(), items: [...found.items] });
  })();
`;

describe("worker threads", () => {
  it("load the addon, several at once and beside the main thread, with equal answers", async () => {
    const matrix = await openMatrix(small);
    const { items } = await recommend(matrix, { n: 2, threads: 1 });
    const workers = Array.from(
      { length: 3 },
      () => new Worker(library, { eval: true, workerData: { dist, path: small } }),
    );
    const answers = await Promise.all(
      workers.map(async (worker) => (await once(worker, "message"))[0] as { items: number[] }),
    );
    for (const answer of answers) expect(answer.items).toEqual([...items]);
    await Promise.all(workers.map((worker) => worker.terminate()));
    // The maps of ended threads are gone, the main thread's still works.
    expect(matrix.userId(1)).toBe("u1");
    expect([...(await recommend(matrix, { n: 2, threads: 1 })).items]).toEqual([...items]);
    matrix.close();
  });

  it("may be ended inside a kernel without ending the process", async () => {
    const { code, signal, stdout, stderr } = await runScript(
      new URL("./scripts/terminate-in-kernel.mjs", import.meta.url),
      [heavy],
    );
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: "" });
    expect(stdout.split("\n").filter(Boolean)).toEqual([
      ...new Array(3).fill("kernel inside, terminated with 1"),
      ...new Array(2).fill("library terminated"),
      "closed: ERR_COUPONCAST_CLOSED",
      "again: 10",
    ]);
  });

  it("idle ones let the process end", async () => {
    const started = performance.now();
    const { code, stdout } = await runScript(new URL("./scripts/exit-by-itself.mjs", import.meta.url), [small]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "rows 2\n" });
    // Threads are kept 10 s; an exit that waited for them would show.
    expect(performance.now() - started).toBeLessThan(8000);
  });

  it("closeExecutors ends them and the next call starts new ones", async () => {
    const matrix = await openMatrix(small);
    const before = await recommend(matrix, { n: 2, threads: 2 });
    await closeExecutors();
    await closeExecutors();
    expect(await recommend(matrix, { n: 2, threads: 2 })).toEqual(before);
    matrix.close();
  });
});
