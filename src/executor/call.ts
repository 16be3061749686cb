/**
 * What travels to a worker thread: the name of a kernel and its arguments. Never data: files go as paths, arrays as
 * views of shared memory. Only what is a few kilobytes may be an ordinary typed array, which is copied.
 */
import { type ErrorData, invalidArgument } from "../errors.js";
import type { AnyTypedArray, Dtype, KernelName } from "../native/addon.js";
import { shown } from "../util/arguments.js";

/** An open behaviour matrix, by path. */
interface MatrixRef {
  $matrix: string;
}
/** An open tensor file, by path. */
interface FileRef {
  $tensors: string;
}
/** A tensor of a file, by path. */
export interface TensorRef {
  $file: string;
  tensor: string;
}
/** A view of shared memory, in parts: a message would cut the length of a view beyond 4 GiB to 32 bits. */
export interface SharedView {
  $shared: Dtype;
  buffer: SharedArrayBuffer;
  byteOffset: number;
  length: number;
}
/** An output that the worker allocates and writes to an open file at `position`. */
interface FileOutput {
  $write: Dtype;
  length: number;
  fd: number;
  position: number;
}
/** An output that the worker allocates and hands back. */
interface ReturnedOutput {
  $return: Dtype;
  length: number;
}

export type ArgValue =
  | string
  | number
  | boolean
  | undefined
  | AnyTypedArray
  | (AnyTypedArray | SharedView)[]
  | SharedView
  | MatrixRef
  | FileRef
  | TensorRef
  | FileOutput
  | ReturnedOutput;

const DTYPE_OF = new Map<unknown, Dtype>([
  [BigInt64Array, "I64"],
  [Float64Array, "F64"],
  [Int32Array, "I32"],
  [Float32Array, "F32"],
  [Uint8Array, "U8"],
]);

/** An argument as it can be sent to a thread. */
export function sendable(value: ArgValue): ArgValue {
  if (Array.isArray(value)) {
    if (!value.every((element) => ArrayBuffer.isView(element) || "$shared" in Object(element)))
      throw invalidArgument(`expected typed arrays but received ${shown(value)}`);
    return value.map((element) => sendable(element) as AnyTypedArray | SharedView);
  }
  if (
    typeof value === "object" &&
    !ArrayBuffer.isView(value) &&
    !Object.keys(value ?? {}).some((key) => key.startsWith("$"))
  )
    throw invalidArgument(`expected a typed array but received ${shown(value)}`);
  if (!ArrayBuffer.isView(value) || !(value.buffer instanceof SharedArrayBuffer)) return value;
  const { buffer, byteOffset, byteLength, length } = value;
  if (byteOffset + byteLength < 2 ** 32) return value;
  return { $shared: DTYPE_OF.get(value.constructor)!, buffer, byteOffset, length };
}

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

/** What a thread is sent: calls of which it makes those that it takes first. */
export interface Task {
  calls: readonly KernelCall[];
  /** Further arguments of each call. */
  own: KernelCall["args"];
  /** [1] how many of the calls are taken, by all threads that were sent them. */
  taken: Int32Array;
  /** [1] not 0: stop. */
  cancel: Int32Array;
}

export type TaskReply = { ok: true; made: (CallResult & { place: number })[] } | { ok: false; error: ErrorData };

/** The arguments as they can be sent to a thread. */
export function sendableArgs(args: KernelCall["args"]): KernelCall["args"] {
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, sendable(value)]));
}
