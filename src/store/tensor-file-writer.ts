import { write as fsWrite } from "node:fs";
import { promisify } from "node:util";
import { CouponcastError, invalidArgument, toCouponcastError } from "../errors.js";
import { addon, type Dtype, type Handle } from "../native/addon.js";

export type { Dtype } from "../native/addon.js";
export interface TensorSpec {
  name: string;
  dtype: Dtype;
  shape: number[];
}

const DTYPE_BYTES: Record<Dtype, number> = { I64: 8, F64: 8, I32: 4, F32: 4, U8: 1 };

const writeAsync = promisify(fsWrite);

/** Writes `data` at `position`, whatever number of calls that takes. */
async function writeFully(fd: number, data: ArrayBufferView, position: number): Promise<void> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await writeAsync(fd, bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/**
 * Writes a safetensors file: a temporary beside `path`, filled in any order, then digest, fsync, rename. Until commit
 * succeeds `path` is untouched. The file's layout is decided by the core, widest type first.
 */
export class TensorFileWriter {
  readonly path: string;
  /** Descriptor of the temporary; worker threads may write to it at `byteOffset(name)`. */
  readonly fd: number;
  readonly #handle: Handle;
  readonly #offsets: Record<string, number>;
  readonly #bytes = new Map<string, { width: number; length: number }>();
  #open = true;

  private constructor(path: string, tensors: TensorSpec[], metadata: Record<string, string>) {
    const created = addon().createTensorFile({ path, tensors, metadata });
    this.path = path;
    this.fd = created.fd;
    this.#handle = created.handle;
    this.#offsets = created.offsets;
    for (const { name, dtype, shape } of tensors) {
      const width = DTYPE_BYTES[dtype];
      this.#bytes.set(name, { width, length: shape.reduce((a, b) => a * b, width) });
    }
  }

  /** Lays out and allocates the file. Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_IO (disk full). */
  static create(path: string, tensors: TensorSpec[], metadata: Record<string, string> = {}): TensorFileWriter {
    return new TensorFileWriter(path, tensors, metadata);
  }

  /** Absolute file position of the tensor's first byte. */
  byteOffset(name: string): number {
    const offset = this.#offsets[name];
    if (offset === undefined) throw invalidArgument(`${this.path} has no tensor ${name}`);
    return offset;
  }

  /** Writes `data` from element `elementOffset` of the tensor on. Errors: ERR_COUPONCAST_OUT_OF_RANGE, _CLOSED, _IO. */
  async write(name: string, elementOffset: number, data: ArrayBufferView): Promise<void> {
    if (!this.#open) throw new CouponcastError("ERR_COUPONCAST_CLOSED", `the writer of ${this.path} is closed`);
    const start = this.byteOffset(name);
    const { width, length } = this.#bytes.get(name)!;
    const begin = elementOffset * width;
    if (begin < 0 || begin + data.byteLength > length) {
      throw new CouponcastError(
        "ERR_COUPONCAST_OUT_OF_RANGE",
        `tensor ${name}: bytes ${begin} + ${data.byteLength} exceed its length ${length}`,
      );
    }
    try {
      await writeFully(this.fd, data, start + begin);
    } catch (error) {
      throw toCouponcastError(error);
    }
  }

  /** Digest, fsync, rename, fsync of the folder. Errors: ERR_COUPONCAST_IO, ERR_COUPONCAST_CLOSED. */
  async commit(): Promise<void> {
    this.#open = false;
    await addon().commitTensorFile({ writer: this.#handle });
    addon().closeHandle({ handle: this.#handle });
  }

  /** Removes the temporary. Does nothing after commit. */
  async abort(): Promise<void> {
    this.#open = false;
    addon().closeHandle({ handle: this.#handle });
  }
}
