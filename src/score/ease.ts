import { invalidArgument } from "../errors.js";
import { Executor, type RowRange, RUN_OPTIONS, type RunOptions, shards, shared } from "../executor/executor.js";
import type { KernelName } from "../native/addon.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { numberBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";

export interface EaseOptions extends RunOptions {
  /** lambda on the diagonal of X'X, above 0; default 250. The larger, the nearer to zero are all weights. */
  regularisation?: number | undefined;
}

/** A linear model of all pairs of items. */
export interface EaseModel {
  numItems: number;
  regularisation: number;
  /** float32 [numItems * numItems] in shared memory: what each of an item's users adds to every other item. */
  weights: Float32Array;
}

/** Beyond this the square of all items no longer fits a small machine: 8 bytes a pair while it is inverted, 4 in the model. */
export const EASE_MAX_ITEMS = 20_000;
/** Of native/include/couponcast/ease.h. */
const TILE = 24;
const BLOCK = 360;
/** Enough for balance; each is a message in every step. */
const SHARDS_PER_THREAD = 6;
const WEIGHT_ROWS = 256;

/** Rows of a lower triangle in `count` ranges of about the same area, in whole tiles. */
function rangesOfTriangle(size: number, count: number): RowRange[] {
  const bound = (i: number) => Math.round((size / TILE) * Math.sqrt(i / count)) * TILE;
  return Array.from({ length: count }, (_, i) => ({ begin: bound(i), end: bound(i + 1) })).filter(
    ({ begin, end }) => begin < end,
  );
}

/**
 * EASE: the item weights B, 0 on the diagonal, that minimise |X - XB|² + lambda |B|², in closed form:
 * with P = (X'X + lambda I)⁻¹, B_ij = -P_ij / P_jj.
 *
 * In float64, the weights as float32; the same bytes for any number of threads. Cost: items³ flops; memory: 12 bytes a pair
 * of items. Errors: ERR_COUPONCAST_INVALID_ARGUMENT (also more than 20,000 items), _CORRUPT_FILE, _CANCELLED, _CLOSED.
 * Source: Steck 2019.
 */
export async function ease(matrix: Matrix, options: EaseOptions = {}): Promise<EaseModel> {
  checkMatrix("matrix", matrix);
  knownOptions("ease", options, { ...RUN_OPTIONS, regularisation: true });
  const regularisation = numberBetween("regularisation", options.regularisation ?? 250, Number.MIN_VALUE, 1e12);
  const { numItems } = matrix;
  if (numItems > EASE_MAX_ITEMS) {
    throw invalidArgument(`expected at most ${EASE_MAX_ITEMS} items for ease but the matrix has ${numItems}`, {
      hint: "Use als or rp3beta, or a matrix of fewer items.",
    });
  }
  const executor = new Executor(options);
  const size = Math.ceil(numItems / TILE) * TILE;
  const numBlocks = Math.ceil(size / BLOCK);
  const square = shared.alignedF64(size * size);
  const state = {
    square,
    pivot: shared.alignedF64(BLOCK * BLOCK),
    columns: shared.alignedF64(size * BLOCK),
    solved: shared.alignedF64(size * BLOCK),
  };
  const map = async (kernel: KernelName, ranges: RowRange[], args: (range: RowRange) => object, stage?: string) => {
    const calls = ranges.map((range) => ({ kernel, args: { ...range, ...args(range) } }));
    await executor.map(calls, stage === undefined ? undefined : { name: stage });
  };
  const ranges = rangesOfTriangle(size, executor.threads * SHARDS_PER_THREAD);
  // A panel is soon done: hardly worth more than a message a thread.
  const panels = shards(size, Math.ceil(size / (executor.threads * TILE)) * TILE);
  await map("easeGram", ranges, () => ({ matrix: matrix.ref(), regularisation, square }), "products of items");
  for (let block = 0; block < numBlocks; block++) {
    const args = () => ({ ...state, block });
    await executor.run({ kernel: "easePivot", args: args() });
    await map("easePanel", panels, args);
    await map("easeUpdate", ranges, args);
    executor.progress("inverse", block + 1, numBlocks);
  }
  const weights = shared.f32(numItems * numItems);
  const rows = shards(numItems, WEIGHT_ROWS);
  await map("easeWeights", rows, ({ begin, end }) => ({
    square,
    items: numItems,
    outWeights: weights.subarray(begin * numItems, end * numItems),
  }));
  return { numItems, regularisation, weights };
}
