/** The worker thread: resolves references, calls the kernel, writes what goes to a file. */
import { statSync, writeSync } from "node:fs";
import { move, transferableSymbol, valueSymbol } from "piscina";
import { CouponcastError, errorData } from "../errors.js";
import { type AnyTypedArray, addon, type Dtype, type Handle } from "../native/addon.js";
import type { ArgValue, CallResult, KernelCall, SharedView, Task, TaskReply } from "./call.js";

const MAX_OPEN_FILES = 16;
/** After so long a thread tells what it has made, and others may have it. */
const TASK_MS = 20;

/** Open handles of this thread. The core maps a file once per process, so a handle costs a header check. */
class HandleCache {
  readonly #open = new Map<string, { handle: Handle; version: string }>();

  constructor(readonly openFile: (path: string) => Handle) {}

  get(path: string): Handle {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    const version = `${dev}:${ino}:${size}:${mtimeNs}`;
    const known = this.#open.get(path);
    if (known !== undefined) {
      this.#open.delete(path);
      if (known.version === version) {
        this.#open.set(path, known);
        return known.handle;
      }
      addon().closeHandle({ handle: known.handle });
    }
    const handle = this.openFile(path);
    this.#open.set(path, { handle, version });
    for (const [oldest, { handle: unused }] of this.#open) {
      if (this.#open.size <= MAX_OPEN_FILES) break;
      addon().closeHandle({ handle: unused });
      this.#open.delete(oldest);
    }
    return handle;
  }
}

const matrices = new HandleCache((path) => addon().openMatrix({ path }));
const tensorFiles = new HandleCache((path) => addon().openTensors({ path }));

const ARRAYS = { I64: BigInt64Array, F64: Float64Array, I32: Int32Array, F32: Float32Array, U8: Uint8Array };
function viewOf(value: SharedView | AnyTypedArray): AnyTypedArray {
  return "$shared" in value
    ? new ARRAYS[value.$shared](value.buffer as ArrayBufferLike as ArrayBuffer, value.byteOffset, value.length)
    : value;
}

function allocate(dtype: Dtype, length: number): AnyTypedArray {
  return new ARRAYS[dtype](length);
}

function writeAll(fd: number, data: AnyTypedArray, position: number): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

function runKernel({ kernel, args }: KernelCall): CallResult {
  const resolved: Record<string, unknown> = {};
  const files: { data: AnyTypedArray; fd: number; position: number }[] = [];
  const outputs: Record<string, AnyTypedArray> = {};
  const resolve = (name: string, value: ArgValue): unknown => {
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
    if (Array.isArray(value)) return value.map(viewOf);
    if ("$shared" in value) return viewOf(value);
    if ("$matrix" in value) return matrices.get(value.$matrix);
    if ("$tensors" in value) return tensorFiles.get(value.$tensors);
    if ("$file" in value) return { handle: tensorFiles.get(value.$file), tensor: value.tensor };
    if ("$write" in value) {
      const data = allocate(value.$write, value.length);
      files.push({ data, fd: value.fd, position: value.position });
      return data;
    }
    const data = allocate(value.$return, value.length);
    outputs[name] = data;
    return data;
  };
  for (const [name, value] of Object.entries(args)) resolved[name] = resolve(name, value);
  const fn = addon()[kernel] as unknown as (a: Record<string, unknown>) => unknown;
  if (typeof fn !== "function")
    throw new CouponcastError("ERR_COUPONCAST_INTERNAL", `the addon has no kernel ${kernel}`);
  const value = fn(resolved);
  for (const { data, fd, position } of files) writeAll(fd, data, position);
  return { value, outputs };
}

/** Takes calls and makes them, until there are none left, somebody asks to stop, or the time is over. */
function runTask({ calls, own, taken, cancel }: Task): (CallResult & { place: number })[] {
  const made: (CallResult & { place: number })[] = [];
  const begun = performance.now();
  do {
    const place = Atomics.add(taken, 0, 1);
    if (place >= calls.length) break;
    const { kernel, args } = calls[place]!;
    made.push({ place, ...runKernel({ kernel, args: { ...args, ...own, cancel } }) });
  } while (performance.now() - begun < TASK_MS && Atomics.load(cancel, 0) === 0);
  return made;
}

/** Memory of the typed arrays in a reply: it changes hands instead of being copied. */
function transferable(made: readonly CallResult[]): ArrayBuffer[] {
  const nested = (value: unknown) =>
    typeof value === "object" && value !== null && !ArrayBuffer.isView(value) ? Object.values(value) : [value];
  const buffers = made
    .flatMap(({ value, outputs }) => [...Object.values(outputs), ...nested(value)])
    .filter((array) => ArrayBuffer.isView(array))
    .map((array) => array.buffer);
  return [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer);
}

/** Piscina's entry point. */
export default function runTaskOfPool(task: Task): unknown {
  let reply: TaskReply;
  try {
    reply = { ok: true, made: runTask(task) };
  } catch (thrown) {
    reply = { ok: false, error: errorData(thrown) };
  }
  return move({ [transferableSymbol]: reply.ok ? transferable(reply.made) : [], [valueSymbol]: reply } as never);
}
