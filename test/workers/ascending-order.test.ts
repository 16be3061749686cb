import { expect, it } from "vitest";
import { ascendingOrder } from "../../src/executor/ascending-order.js";
import { Executor } from "../../src/executor/executor.js";
import { Random } from "../../src/util/random.js";

it("orders as a stable sort does, ties and both zeros by position", async () => {
  const random = new Random(7);
  const values = Float32Array.from({ length: 5000 }, () => random.int(50) - 25);
  for (let i = 0; i < values.length; i += 3) values[i] = -values[i]!;
  const expected = [...values.keys()].sort((a, b) => values[a]! - values[b]! || a - b);
  expect([...(await ascendingOrder(new Executor({ threads: 2 }), values))]).toEqual(expected);
  expect([...(await ascendingOrder(new Executor({}), []))]).toEqual([]);
});
