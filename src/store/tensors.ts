import { CouponcastError } from "../errors.js";
import { shared } from "../executor/executor.js";
import { type AnyTypedArray, addon } from "../native/addon.js";
import type { Dtype } from "./tensor-file-writer.js";

const ALLOCATE = { I64: shared.i64, F64: shared.f64, I32: shared.i32, F32: shared.f32, U8: shared.u8 };

/**
 * Copies tensors of a file into shared memory.
 * Errors: ERR_COUPONCAST_IO, ERR_COUPONCAST_CORRUPT_FILE (also a tensor that is missing or of another dtype).
 */
export function readTensors<T extends Record<string, Dtype>>(path: string, wanted: T): Record<keyof T, AnyTypedArray> {
  const file = addon().openTensors({ path });
  try {
    const { tensors } = addon().tensorsInfo({ file });
    const read = Object.entries(wanted).map(([name, dtype]) => {
      if (tensors[name]?.dtype !== dtype) {
        throw new CouponcastError(
          "ERR_COUPONCAST_CORRUPT_FILE",
          `${path}: expected a tensor ${name} of dtype ${dtype}`,
          { file: path },
        );
      }
      const values = addon().readTensor({ file, tensor: name });
      const copy = ALLOCATE[dtype](values.length);
      (copy as { set(from: AnyTypedArray): void }).set(values);
      return [name, copy];
    });
    return Object.fromEntries(read) as Record<keyof T, AnyTypedArray>;
  } finally {
    addon().closeHandle({ handle: file });
  }
}
