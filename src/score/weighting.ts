import { type Executor, shared } from "../executor/executor.js";
import type { Axis } from "../native/addon.js";
import type { Matrix } from "../store/matrix.js";
import { numberBetween, oneOf } from "../util/arguments.js";

/** How cells become weights; formulas in native/include/couponcast/weighting.h. */
export const WEIGHTINGS = ["cosine", "tfidf", "bm25", "saturation"] as const;
export type WeightingName = (typeof WEIGHTINGS)[number];

export interface WeightingOptions {
  /** Default: cosine. */
  weighting?: WeightingName | undefined;
  /** BM25 term saturation, >= 0; default 1.2. */
  k1?: number | undefined;
  /** BM25 length normalisation, in [0, 1]; default 0.75. */
  b?: number | undefined;
  /** Saturation f(r) = r / (r + lambda), > 0; default 1. */
  lambda?: number | undefined;
}

/** The weighting as kernels take it. */
export interface WeightingArgs extends Record<string, number> {
  weighting: number;
  k1: number;
  b: number;
  lambda: number;
}

export function weightingArgs(options: WeightingOptions): WeightingArgs {
  return {
    weighting: WEIGHTINGS.indexOf(oneOf("weighting", options.weighting ?? "cosine", WEIGHTINGS)),
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
  await executor.run({
    kernel: "documentWeights",
    args: { matrix: matrix.ref(), axis, ...args, outTermWeight: termWeight, outLength: length, outScale: scale },
  });
  return Object.assign(args, { termWeight, length, scale }) as WeightingArgs & {
    termWeight: Float32Array;
    length: Float32Array;
    scale: Float32Array;
  };
}
