import { resolve } from "node:path";
import { CouponcastError, invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions } from "../executor/executor.js";
import { type Axis, addon, type Handle } from "../native/addon.js";
import { pathOf, shown } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";

/** Fewer are checked within two milliseconds. */
const CELLS_CHECKED_AT_ONCE = 500_000;

function checkPosition(axis: Axis, position: number, count: number): void {
  if (!Number.isInteger(position) || position < 0 || position >= count) {
    throw new CouponcastError(
      "ERR_COUPONCAST_OUT_OF_RANGE",
      `expected a position in [0, ${count}) of the ${axis} but received ${position}`,
    );
  }
}

/**
 * An open behaviour matrix: users x items, memory-mapped and read-only.
 *
 * Rows and columns are in ascending UTF-8 byte order of their ids. Opening checks the header only, so it costs the
 * same for any size; the content is checked once, by the first computation.
 */
export class Matrix {
  readonly path: string;
  readonly numUsers: number;
  readonly numItems: number;
  /** Number of stored cells. */
  readonly nnz: number;
  /** The file's metadata: format, digest, weighting ... */
  readonly metadata: Readonly<Record<string, string>>;
  #handle: Handle | undefined;
  #checked = false;

  /** @internal Use openMatrix. */
  constructor(path: string, handle: Handle) {
    const info = addon().matrixInfo({ matrix: handle });
    this.path = path;
    this.#handle = handle;
    this.numUsers = info.numUsers;
    this.numItems = info.numItems;
    this.nnz = info.nnz;
    this.metadata = info.metadata;
  }

  #open(): Handle {
    if (this.#handle === undefined)
      throw new CouponcastError("ERR_COUPONCAST_CLOSED", `the matrix ${this.path} is closed`);
    return this.#handle;
  }

  #id(axis: Axis, position: number, count: number): string {
    checkPosition(axis, position, count);
    return addon().matrixIds({ matrix: this.#open(), axis, begin: position, end: position + 1 })[0]!;
  }

  /** Id of the user in row `row`. Errors: ERR_COUPONCAST_OUT_OF_RANGE, ERR_COUPONCAST_CLOSED. */
  userId(row: number): string {
    return this.#id("users", row, this.numUsers);
  }

  /** Id of the item in column `col`. */
  itemId(col: number): string {
    return this.#id("items", col, this.numItems);
  }

  /** @internal Ids of rows or columns [begin, end). */
  ids(axis: Axis, begin: number, end: number): string[] {
    return addon().matrixIds({ matrix: this.#open(), axis, begin, end });
  }

  /** Row of a user, or -1. Binary search, no index. */
  rowOf(userId: string): number {
    return addon().findId({ matrix: this.#open(), axis: "users", id: userId });
  }

  /** Column of an item, or -1. */
  colOf(itemId: string): number {
    return addon().findId({ matrix: this.#open(), axis: "items", id: itemId });
  }

  /**
   * The cells of one user as copies: columns ascending, float32 values. Reads and checks no other row.
   * Errors: ERR_COUPONCAST_OUT_OF_RANGE, ERR_COUPONCAST_CLOSED, ERR_COUPONCAST_CORRUPT_FILE.
   */
  userRow(row: number): { indices: Int32Array; values: Float32Array } {
    checkPosition("users", row, this.numUsers);
    return addon().matrixRow({ matrix: this.#open(), axis: "users", row });
  }

  /**
   * Reads everything: digest, invariants of both orientations, order of the ids, csc = transpose of csr. On a worker
   * thread. Errors: ERR_COUPONCAST_CORRUPT_FILE naming the first thing that is wrong.
   */
  async verify(options: RunOptions = {}): Promise<void> {
    this.#open();
    knownOptions("verify", options, RUN_OPTIONS);
    await new Executor({ ...options, threads: 1 }).run({
      kernel: "verifyMatrix",
      args: { matrix: { $matrix: this.path } },
    });
  }

  /**
   * @internal Checks both orientations side by side. A kernel that needs both would check one after the other, alone. Of a
   * small matrix it is left to that. Errors: ERR_COUPONCAST_CORRUPT_FILE, _CANCELLED.
   */
  async check(executor: Executor): Promise<void> {
    if (this.#checked || executor.threads === 1 || this.nnz < CELLS_CHECKED_AT_ONCE) return;
    const matrix = this.ref();
    await executor.map(["users", "items"].map((axis) => ({ kernel: "checkMatrix", args: { matrix, axis } })));
    this.#checked = true;
  }

  /** @internal Reference for worker threads. */
  ref(): { $matrix: string } {
    this.#open();
    return { $matrix: this.path };
  }

  /** @internal For calls on this thread. */
  handle(): Handle {
    return this.#open();
  }

  /** Unmaps the file once no computation uses it. Later calls fail with ERR_COUPONCAST_CLOSED. */
  close(): void {
    if (this.#handle === undefined) return;
    addon().closeHandle({ handle: this.#handle });
    this.#handle = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens a behaviour matrix file.
 * Errors: ERR_COUPONCAST_IO, ERR_COUPONCAST_CORRUPT_FILE, ERR_COUPONCAST_VERSION_MISMATCH.
 */
export async function openMatrix(path: string): Promise<Matrix> {
  const absolute = resolve(pathOf(path));
  return new Matrix(absolute, addon().openMatrix({ path: absolute }));
}

/** Refuses what no call of openMatrix has given. */
export function checkMatrix(name: string, matrix: Matrix): void {
  if (!(matrix instanceof Matrix))
    throw invalidArgument(`expected a matrix that openMatrix has opened for ${name} but received ${shown(matrix)}`);
}
