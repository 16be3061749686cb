import { forEachYielding } from "../util/yield.js";
import { type Executor, shared } from "./executor.js";

/**
 * Positions of finite values in ascending order, of equal values the smaller position first, found on a worker thread:
 * sorting a million on the main thread would hold the event loop for a second.
 */
export async function ascendingOrder(executor: Executor, values: ArrayLike<number>): Promise<Int32Array> {
  const scores = shared.f64(values.length);
  await forEachYielding(values.length, (i) => {
    scores[i] = -values[i]!;
  });
  const order = shared.i32(values.length);
  await executor.run({ kernel: "rankDescending", args: { scores, outOrder: order } });
  return order;
}
