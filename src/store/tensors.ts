import { CouponcastError } from "../errors.js";
import { type Executor, shared } from "../executor/executor.js";
import { type AnyTypedArray, addon, type Handle, type TensorInfo } from "../native/addon.js";
import { copyYielding } from "../util/yield.js";
import type { Dtype } from "./tensor-file-writer.js";

const ALLOCATE = { I64: shared.i64, F64: shared.f64, I32: shared.i32, F32: shared.f32, U8: shared.u8 };

function checkDtypes(path: string, file: Handle, wanted: Record<string, Dtype>): void {
  const { tensors } = addon().tensorsInfo({ file });
  for (const [name, dtype] of Object.entries(wanted)) {
    if (tensors[name]?.dtype !== dtype) {
      throw new CouponcastError("ERR_COUPONCAST_CORRUPT_FILE", `${path}: expected a tensor ${name} of dtype ${dtype}`, {
        file: path,
      });
    }
  }
}

/** What a tensor file holds; the cost does not depend on its size. Errors: ERR_COUPONCAST_IO, ERR_COUPONCAST_CORRUPT_FILE. */
export function tensorsInfo(path: string): { metadata: Record<string, string>; tensors: Record<string, TensorInfo> } {
  const file = addon().openTensors({ path });
  try {
    return addon().tensorsInfo({ file });
  } finally {
    addon().closeHandle({ handle: file });
  }
}

/** The metadata of a tensor file whose digest is right: reads all of it, for small ones. Errors: as tensorsInfo. */
export function verifiedMetadata(path: string): Record<string, string> {
  const file = addon().openTensors({ path });
  try {
    addon().verifyTensors({ file });
    return addon().tensorsInfo({ file }).metadata;
  } finally {
    addon().closeHandle({ handle: file });
  }
}

/**
 * Copies tensors of a file into memory, on the calling thread: for small ones.
 * Errors: ERR_COUPONCAST_IO, ERR_COUPONCAST_CORRUPT_FILE (also a tensor that is missing or of another dtype).
 */
export function readTensors<T extends Record<string, Dtype>>(path: string, wanted: T): Record<keyof T, AnyTypedArray> {
  const file = addon().openTensors({ path });
  try {
    checkDtypes(path, file, wanted);
    const read = Object.keys(wanted).map((tensor) => [tensor, addon().readTensor({ file, tensor })]);
    return Object.fromEntries(read) as Record<keyof T, AnyTypedArray>;
  } finally {
    addon().closeHandle({ handle: file });
  }
}

/** Copies tensors of a file into shared memory, read on worker threads: for tensors of any size. Errors: as readTensors. */
export async function loadTensors<T extends Record<string, Dtype>>(
  executor: Executor,
  path: string,
  wanted: T,
): Promise<Record<keyof T, AnyTypedArray>> {
  const file = addon().openTensors({ path });
  try {
    checkDtypes(path, file, wanted);
  } finally {
    addon().closeHandle({ handle: file });
  }
  const names = Object.keys(wanted);
  const read = await executor.map(
    names.map((tensor) => ({ kernel: "readTensor", args: { file: { $tensors: path }, tensor } })),
  );
  const loaded: Record<string, AnyTypedArray> = {};
  for (const [index, name] of names.entries()) {
    const values = read[index]!.value as Int32Array;
    loaded[name] = await copyYielding(ALLOCATE[wanted[name]!](values.length) as Int32Array, values);
  }
  return loaded as Record<keyof T, AnyTypedArray>;
}
