import { type Executor, shared } from "../executor/executor.js";
import { forEachYielding } from "../util/yield.js";

/**
 * Disjoint-set forests over rows, one a lane, for calls of one executor that join what is connected. `merged` joins
 * them all: what is in one tree does not depend on which lane found it. Memory: 4 bytes a row and lane.
 */
export class LaneForests {
  private constructor(
    readonly executor: Executor,
    readonly forests: readonly Int32Array[],
  ) {}

  static async make(executor: Executor, rows: number, numCalls: number): Promise<LaneForests> {
    const forests: Int32Array[] = [];
    for (let lane = 0; lane < Math.min(executor.threads, numCalls); lane++) {
      const forest = shared.i32(rows);
      await forEachYielding(rows, (row) => {
        forest[row] = row;
      });
      forests.push(forest);
    }
    return new LaneForests(executor, forests);
  }

  /** All in the first. */
  async merged(): Promise<Int32Array> {
    const [first, ...others] = this.forests;
    for (const from of others) await this.executor.run({ kernel: "mergeForests", args: { from, into: first! } });
    return first!;
  }
}
