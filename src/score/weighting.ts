import { type Executor, shared } from "../executor/executor.js";
import { evenRanges } from "../executor/shards.js";
import type { Axis } from "../native/addon.js";
import type { Matrix } from "../store/matrix.js";
import { numberBetween, oneOf } from "../util/arguments.js";

/** How cells become weights; formulas in native/include/couponcast/weighting.h. */
export const WEIGHTINGS = ["cosine", "tfidf", "bm25", "saturation"] as const;
export type WeightingName = (typeof WEIGHTINGS)[number];

export interface WeightingOptions {
  /** Default: cosine. */
  similarity?: WeightingName | undefined;
  /** BM25 term saturation, >= 0; default 1.2. */
  k1?: number | undefined;
  /** BM25 length normalisation, in [0, 1]; default 0.75. */
  b?: number | undefined;
  /** Saturation f(r) = r / (r + lambda), > 0; default 1. */
  lambda?: number | undefined;
}

/** For knownOptions. */
export const WEIGHTING_OPTIONS = { similarity: true, k1: true, b: true, lambda: true };

/** Of a random walk item - user - item. */
export interface WalkOptions {
  /** Transition probabilities to this power, 0 to 10; default 1. */
  alpha?: number | undefined;
  /** Penalty of popular items, 0 to 10; default 0.6. */
  beta?: number | undefined;
}

/** For knownOptions. */
export const WALK_OPTIONS = { alpha: true, beta: true };

/** The weighting as kernels take it. */
export interface WeightingArgs extends Record<string, number> {
  weighting: number;
  k1: number;
  b: number;
  lambda: number;
}

export function weightingArgs(options: WeightingOptions): WeightingArgs {
  return {
    weighting: WEIGHTINGS.indexOf(oneOf("similarity", options.similarity ?? "cosine", WEIGHTINGS)),
    k1: numberBetween("k1", options.k1 ?? 1.2, 0, 1e9),
    b: numberBetween("b", options.b ?? 0.75, 0, 1),
    lambda: numberBetween("lambda", options.lambda ?? 1, Number.MIN_VALUE, 1e30),
  };
}

/** The weights of all rows of an axis, in shared memory. One pass over the matrix. */
export async function documentWeights(
  executor: Executor,
  matrix: Matrix,
  axis: Axis,
  options: WeightingOptions,
): Promise<WeightingArgs & { termWeight: Float32Array; length: Float32Array; scale: Float32Array }> {
  const [rows, cols] = axis === "users" ? [matrix.numUsers, matrix.numItems] : [matrix.numItems, matrix.numUsers];
  const args = weightingArgs(options);
  const termWeight = shared.f32(cols);
  const length = shared.f32(rows);
  const scale = shared.f32(rows);
  await matrix.check(executor);
  const documents = { matrix: matrix.ref(), axis, ...args };
  await executor.run({ kernel: "weighTerms", args: { ...documents, outTermWeight: termWeight, outLength: length } });
  const weights = { termWeight, length, scale };
  await executor.map(
    evenRanges(rows, executor.threads).map((part) => ({
      kernel: "scaleDocuments",
      args: { ...documents, ...weights, ...part, outScale: scale },
    })),
  );
  return Object.assign(args, weights) as WeightingArgs & typeof weights;
}

/** The weights of a random walk, as those of a BM25 without length or saturation, and what each row's scores are to be multiplied with. */
export async function walkWeights(executor: Executor, matrix: Matrix, { alpha = 1, beta = 0.6 }: WalkOptions) {
  const weights = {
    ...weightingArgs({ similarity: "bm25", k1: 0 }),
    termWeight: shared.f32(matrix.numUsers),
    length: shared.f32(matrix.numItems),
    scale: shared.f32(matrix.numItems),
  };
  const rowFactor = shared.f32(matrix.numItems);
  await matrix.check(executor);
  await executor.run({
    kernel: "walkWeights",
    args: {
      matrix: matrix.ref(),
      alpha,
      beta,
      outTermWeight: weights.termWeight,
      outLength: weights.length,
      outScale: weights.scale,
      outRowFactor: rowFactor,
    },
  });
  return { weights, rowFactor };
}
