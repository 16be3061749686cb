import { invalidArgument } from "../errors.js";
import { type Executor, type RowRange, shards, shared } from "../executor/executor.js";
import { integerBetween } from "../util/arguments.js";
import { copyYielding } from "../util/yield.js";

/** As in native/include/couponcast/kd_tree.h. */
export const LEAF_POINTS = 32;
const LEAVES_PER_SHARD = 128;
/** Levels that are built one after the other, each node of a level on its own thread; below, whole subtrees. */
const SPLIT_LEVELS = 5;
const MAX_LEVELS = 64;

/** A k-d tree over points in shared memory: what kernels over leaves take. Memory: 4 dims + 4 bytes a point, 8 dims / 16 for boxes. */
export class KdTree {
  readonly args: {
    rows: number;
    dims: number;
    order: Int32Array;
    blocks: Float32Array;
    boxes: Float32Array;
  };
  readonly numLeaves: number;

  private constructor(
    readonly executor: Executor,
    readonly rows: number,
    readonly dims: number,
  ) {
    this.numLeaves = Math.ceil(rows / LEAF_POINTS);
    this.args = {
      rows,
      dims,
      order: shared.i32(rows),
      blocks: shared.f32(this.numLeaves * dims * LEAF_POINTS),
      boxes: shared.f32((2 * this.numLeaves - 1) * 2 * dims),
    };
  }

  /** Errors: ERR_COUPONCAST_INVALID_ARGUMENT (points that are not finite, a length that is no multiple of dims), _CANCELLED. */
  static async build(executor: Executor, points: Float32Array, dims: number): Promise<KdTree> {
    if (!(points instanceof Float32Array)) throw invalidArgument("expected points as a Float32Array");
    integerBetween("dims", dims, 1, 1_000_000);
    if (points.length === 0 || points.length % dims !== 0) {
      throw invalidArgument(`expected a positive multiple of ${dims} numbers in points but received ${points.length}`);
    }
    const data =
      points.buffer instanceof SharedArrayBuffer ? points : await copyYielding(shared.f32(points.length), points);
    const tree = new KdTree(executor, points.length / dims, dims);
    const { order, blocks, boxes } = tree.args;
    let level: RowRange[] = [{ begin: 0, end: tree.numLeaves }];
    for (let depth = 0; level.length > 0; depth++) {
      const levels = depth < SPLIT_LEVELS ? 1 : MAX_LEVELS;
      const calls = level.map(({ begin, end }) => ({
        kernel: "buildKdTree" as const,
        args: { points: data, dims, begin, end, levels, order, blocks, boxes },
      }));
      await executor.map(calls, { name: "k-d tree", weight: (i) => level[i]!.end - level[i]!.begin });
      level = levels === 1 ? level.flatMap(halves) : [];
    }
    return tree;
  }

  /** Fixed ranges of leaves, for kernels that work leaf by leaf. */
  ranges(): RowRange[] {
    return shards(this.numLeaves, LEAVES_PER_SHARD);
  }
}

function halves({ begin, end }: RowRange): RowRange[] {
  if (end - begin === 1) return [];
  const middle = begin + Math.floor((end - begin) / 2);
  return [
    { begin, end: middle },
    { begin: middle, end },
  ];
}
