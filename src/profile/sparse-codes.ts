import type { Recycled } from "../executor/recycled.js";
import { evenRanges } from "../executor/shards.js";
import type { SparsePoints } from "./sparse-points.js";

const BYTES_OF_SHORT = 2;
/** Behind the first bit of a number; one of those of float64 stays for what is taken away before something is added. */
const BITS_OF_F32 = 23;
const BITS_OF_F64 = 52;
const LARGEST_SHORT = 32_767;
const ROOM = 1.25;
/** What centroids are scaled up from: far from where float32 ends. */
const LEAST_LARGEST = 2 ** -100;

/** The rows of a matrix as the kernel of Lloyd's assignments wants them. */
export interface SparseCodes {
  /** [nnz] the cells in whole numbers of 16 bits, [numUsers] their steps and what they miss. */
  codes: Uint8Array;
  steps: Float32Array;
  errors: Float32Array;
  /** Cells add up in float64 without rounding, in any order. */
  exact: boolean;
}

export async function sparseCodes(points: SparsePoints): Promise<SparseCodes> {
  const { matrix, executor, factors, memory } = points;
  const codes = memory.take("u8", BYTES_OF_SHORT * matrix.nnz);
  const steps = memory.take("f32", matrix.numUsers);
  const errors = memory.take("f32", matrix.numUsers);
  const results = await executor.map(
    evenRanges(matrix.numUsers, executor.threads).map((range) => ({
      kernel: "sparseKmeansEncode",
      args: { matrix: matrix.ref(), factors, ...range, outCodes: codes, outSteps: steps, outErrors: errors },
    })),
  );
  const reaches = results.map(({ value }) => value as { least: number; largest: number });
  const least = Math.min(...reaches.map((reach) => reach.least));
  const largest = Math.max(...reaches.map((reach) => reach.largest));
  return { codes, steps, errors, exact: addUpExactly(matrix.numUsers, least, largest) };
}

/** Whether float64 holds every sum of `count` float32 numbers of magnitudes between `least` and `largest`. */
function addUpExactly(count: number, least: number, largest: number): boolean {
  const bits = Math.log2(largest * count) - (Math.floor(Math.log2(least)) - BITS_OF_F32);
  return bits < BITS_OF_F64;
}

/** Dense centroids as whole numbers of 16 bits: from the middle of each item, times `scale`. */
export interface Shorts {
  /** [items * lanes] */
  values: Uint8Array;
  scale: number;
}

export function shortsOf(memory: Recycled, length: number): Shorts {
  return { values: memory.take("alignedU8", BYTES_OF_SHORT * length), scale: 1 };
}

/** Whether coordinates up to `largest` fit in. */
export function fits({ scale }: Shorts, largest: number): boolean {
  return largest * scale <= LARGEST_SHORT;
}

/** The scale that leaves coordinates up to `largest` some room to grow. */
export function scaleFor(largest: number): number {
  return LARGEST_SHORT / (ROOM * Math.max(largest, LEAST_LARGEST));
}

/** Rounds centroids to `shorts`, with the scale that suits them. */
export async function shorten(
  { executor, matrix, k }: SparsePoints,
  centroids: Float32Array,
  largest: number,
  shorts: Shorts,
): Promise<void> {
  shorts.scale = scaleFor(largest);
  await executor.map(
    evenRanges(matrix.numItems, executor.threads).map((range) => ({
      kernel: "sparseKmeansShorten",
      args: { centroids, k, shortScale: shorts.scale, ...range, outShorts: shorts.values },
    })),
  );
}
