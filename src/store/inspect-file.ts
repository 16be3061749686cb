import { stat } from "node:fs/promises";
import { CouponcastError, toCouponcastError } from "../errors.js";
import { type Axis, addon, type TensorInfo } from "../native/addon.js";
import { yieldToEventLoop } from "../util/yield.js";
import { openMatrix } from "./matrix.js";

export interface FileInfo {
  path: string;
  bytes: number;
  metadata: Record<string, string>;
  tensors: Record<string, TensorInfo>;
  /** Whether the tensors are those of a behaviour matrix; anything else is a model. */
  isMatrix: boolean;
}

/**
 * Header of a safetensors file: the same cost for any size.
 * Errors: ERR_COUPONCAST_IO, ERR_COUPONCAST_CORRUPT_FILE.
 */
export async function readFileInfo(path: string): Promise<FileInfo> {
  const file = addon().openTensors({ path });
  try {
    const { metadata, tensors } = addon().tensorsInfo({ file });
    const { size } = await stat(path).catch((thrown) => {
      throw toCouponcastError(thrown);
    });
    return { path, bytes: size, metadata, tensors, isMatrix: "csr.indptr" in tensors && "users.offsets" in tensors };
  } finally {
    addon().closeHandle({ handle: file });
  }
}

/** Reads the whole file and compares its digest. Errors: ERR_COUPONCAST_CORRUPT_FILE, also when it has none. */
export function verifyFileDigest(path: string): void {
  const file = addon().openTensors({ path });
  try {
    addon().verifyTensors({ file });
  } finally {
    addon().closeHandle({ handle: file });
  }
}

const ROWS_PER_YIELD = 1 << 20;

/**
 * Number of cells of each user or item of a matrix, ascending. Reads the row pointers only.
 * Errors: ERR_COUPONCAST_CORRUPT_FILE (pointers that do not ascend from 0 to nnz), ERR_COUPONCAST_IO.
 */
export async function sortedDegrees(path: string, axis: Axis): Promise<Float64Array> {
  using matrix = await openMatrix(path);
  const { nnz } = matrix;
  const file = addon().openTensors({ path });
  try {
    const indptr = addon().readTensor({
      file,
      tensor: axis === "users" ? "csr.indptr" : "csc.indptr",
    }) as BigInt64Array;
    const degrees = new Float64Array(indptr.length - 1);
    let end = 0;
    for (let row = 0; row < degrees.length; row++) {
      const begin = end;
      end = Number(indptr[row + 1]);
      if (end < begin || end > nnz) throw corrupt(path, axis);
      degrees[row] = end - begin;
      if (row % ROWS_PER_YIELD === ROWS_PER_YIELD - 1) await yieldToEventLoop();
    }
    if (Number(indptr[0]) !== 0 || end !== nnz) throw corrupt(path, axis);
    return degrees.sort();
  } finally {
    addon().closeHandle({ handle: file });
  }
}

function corrupt(path: string, axis: Axis): CouponcastError {
  return new CouponcastError(
    "ERR_COUPONCAST_CORRUPT_FILE",
    `${path}: the row pointers of the ${axis} do not ascend from 0 to the number of cells`,
    { file: path },
  );
}
