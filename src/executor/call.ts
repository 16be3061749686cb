/**
 * What travels to a worker thread: the name of a kernel and its arguments. Never data: files go as paths, arrays as
 * views of shared memory. Only what is a few kilobytes may be an ordinary typed array, which is copied.
 */
import type { ErrorData } from "../errors.js";
import type { AnyTypedArray, Dtype, KernelName } from "../native/addon.js";

/** An open behaviour matrix, by path. */
export interface MatrixRef {
  $matrix: string;
}
/** An open tensor file, by path. */
export interface FileRef {
  $tensors: string;
}
/** A tensor of a file, by path. */
export interface TensorRef {
  $file: string;
  tensor: string;
}
/** An output that the worker allocates and writes to an open file at `position`. */
export interface FileOutput {
  $write: Dtype;
  length: number;
  fd: number;
  position: number;
}
/** An output that the worker allocates and hands back. */
export interface ReturnedOutput {
  $return: Dtype;
  length: number;
}

export type ArgValue =
  | string
  | number
  | boolean
  | undefined
  | AnyTypedArray
  | AnyTypedArray[]
  | MatrixRef
  | FileRef
  | TensorRef
  | FileOutput
  | ReturnedOutput;

export interface KernelCall {
  kernel: KernelName;
  args: Record<string, ArgValue>;
}

export interface CallResult {
  /** What the kernel returned. */
  value: unknown;
  /** Its outputs that were asked for with `$return`, by argument name. */
  outputs: Record<string, AnyTypedArray>;
}

export type TaskReply = ({ ok: true } & CallResult) | { ok: false; error: ErrorData };
