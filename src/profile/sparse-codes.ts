import { shared } from "../executor/executor.js";
import { evenRanges, type SparsePoints } from "./sparse-points.js";

const BYTES_OF_SHORT = 2;
/** Of what centroids are scaled up from: far from where float32 ends. */
const MIN_EXPONENT = -100;

/** The rows of a matrix as the kernels of Lloyd's iterations want them. */
export interface SparseCodes {
  /** By user: [nnz] the cells in whole numbers of 16 bits, [numUsers] their steps and what they miss. */
  codes: Uint8Array;
  steps: Float32Array;
  errors: Float32Array;
  /** By item: [nnz] the cells times their rows' factors; undefined: all factors are 1. */
  scaled: Float32Array | undefined;
}

export async function sparseCodes(points: SparsePoints): Promise<SparseCodes> {
  const { matrix, executor, factors, unit } = points;
  const codes = shared.u8(BYTES_OF_SHORT * matrix.nnz);
  const steps = shared.f32(matrix.numUsers);
  const errors = shared.f32(matrix.numUsers);
  const scaled = unit ? shared.f32(matrix.nnz) : undefined;
  const args = { matrix: matrix.ref(), factors };
  const encode = evenRanges(matrix.numUsers, executor.threads).map((range) => ({
    kernel: "sparseKmeansEncode" as const,
    args: { ...args, ...range, outCodes: codes, outSteps: steps, outErrors: errors },
  }));
  const scale = evenRanges(matrix.numItems, 2 * executor.threads).map((range) => ({
    kernel: "sparseKmeansScaleCells" as const,
    args: { ...args, ...range, outScaled: scaled },
  }));
  await executor.map(unit ? [...scale, ...encode] : encode);
  return { codes, steps, errors, scaled };
}

/** Dense centroids as whole numbers of 16 bits, each times `scale`, a power of two. */
export interface Shorts {
  /** [items * lanes] */
  values: Uint8Array;
  scale: number;
}

export function shortsOf(length: number): Shorts {
  return { values: shared.alignedU8(BYTES_OF_SHORT * length), scale: 1 };
}

/** Whether coordinates up to `largest` fit in. */
export function fits({ scale }: Shorts, largest: number): boolean {
  return largest * scale <= 32_767;
}

/** The scale that leaves coordinates up to `largest` the double of their room. */
export function scaleFor(largest: number): number {
  const exponent = largest > 0 ? Math.ceil(Math.log2(largest)) : 0;
  return 2 ** (14 - Math.max(exponent, MIN_EXPONENT));
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
