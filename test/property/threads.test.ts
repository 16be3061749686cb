import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { recommend } from "../../src/score/recommend.js";
import { similarItems, similarUsers } from "../../src/score/similar.js";
import { type Matrix, openMatrix } from "../../src/store/matrix.js";
import { temporaryFolder, writeGenerated } from "../support/matrix.js";
import { expectSameBytes } from "../support/same-bytes.js";

// More users than a shard of recommend (8192), more multiply-adds than one of similarUsers (2e8). K-means, allocation, affinity and regression have their thread tests beside their own.
const NUM_USERS = 9000;
const folder = temporaryFolder();
let matrix: Matrix;

beforeAll(async () => {
  const path = join(folder, "matrix.safetensors");
  await writeGenerated(path, { numUsers: NUM_USERS, numItems: 60, degree: 14 });
  matrix = await openMatrix(path);
});
afterAll(() => matrix.close());

describe("threads and shards", () => {
  it("similar users and items: the same bytes for 1, 2 and 3 threads", async () => {
    for (const run of [similarUsers, similarItems]) {
      const one = await run(matrix, { neighbours: 10, threads: 1 });
      for (const threads of [2, 3]) expectSameBytes(await run(matrix, { neighbours: 10, threads }), one);
    }
  });

  it("recommend: the same bytes for 1, 2 and 3 threads, every method", async () => {
    const labels = Int32Array.from({ length: NUM_USERS }, (_, user) => (user % 4) - 1);
    for (const method of ["item-knn", "user-knn", "saturated"] as const) {
      const options = { method, neighbours: 20, n: 10, labels };
      const one = await recommend(matrix, { ...options, threads: 1 });
      for (const threads of [2, 3]) expectSameBytes(await recommend(matrix, { ...options, threads }), one);
    }
  });

  it("ranges laid side by side are the whole", async () => {
    const cuts = [0, 1, 1023, 1024, 5000, 8191, 8193, NUM_USERS];
    const whole = await recommend(matrix, { n: 5, threads: 2 });
    const similar = await similarUsers(matrix, { neighbours: 5, threads: 2 });
    for (const [i, end] of cuts.slice(1).entries()) {
      const range = { begin: cuts[i]!, end };
      const part = await recommend(matrix, { n: 5, threads: 2, range });
      expectSameBytes(part.items, whole.items.slice(range.begin * 5, end * 5));
      expectSameBytes(part.scores, whole.scores.slice(range.begin * 5, end * 5));
      const near = await similarUsers(matrix, { neighbours: 5, threads: 2, range });
      expectSameBytes(near.indices, similar.indices.slice(range.begin * 5, end * 5));
      expectSameBytes(near.scores, similar.scores.slice(range.begin * 5, end * 5));
    }
  });

  it("calls at the same time do not disturb each other", async () => {
    const alone = await recommend(matrix, { n: 5, threads: 2 });
    const together = await Promise.all(Array.from({ length: 4 }, () => recommend(matrix, { n: 5, threads: 2 })));
    for (const found of together) expectSameBytes(found, alone);
  });
});
