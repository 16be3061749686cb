import { addon, type Handle } from "../native/addon.js";

export interface MatrixShape {
  numUsers: number;
  numItems: number;
  nnz: number;
  /** Sum of the UTF-8 lengths of all user ids, and of all item ids. */
  userIdBytes: number;
  itemIdBytes: number;
}

/**
 * Builds a behaviour matrix file from ids and cells in order. Memory: O(users + items).
 * Until commit succeeds the target is untouched.
 */
export class MatrixWriter {
  readonly #handle: Handle;

  private constructor(handle: Handle) {
    this.#handle = handle;
  }

  /** Errors: ERR_COUPONCAST_INVALID_ARGUMENT (more than 2^31 - 2 users or items), ERR_COUPONCAST_IO (disk full). */
  static create(path: string, shape: MatrixShape, metadata: Record<string, string> = {}): MatrixWriter {
    return new MatrixWriter(addon().createMatrix({ path, ...shape, metadata }));
  }

  /** The next user ids in row order: unique, ascending in UTF-8 byte order. */
  async appendUserIds(ids: readonly string[]): Promise<void> {
    addon().appendIds({ writer: this.#handle, axis: "users", ids });
  }

  /** The next item ids in column order: unique, ascending in UTF-8 byte order. */
  async appendItemIds(ids: readonly string[]): Promise<void> {
    addon().appendIds({ writer: this.#handle, axis: "items", ids });
  }

  /** The next cells, ascending by (row, col), unique; values finite. Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _OUT_OF_RANGE. */
  async appendCells(rows: Int32Array, cols: Int32Array, values: Float32Array): Promise<void> {
    addon().appendCells({ writer: this.#handle, rows, cols, values });
  }

  /** Writes the transpose and commits, on a thread of its own. Errors: ERR_COUPONCAST_INVALID_ARGUMENT (less came than announced), _IO. */
  async commit(): Promise<void> {
    await addon().commitMatrix({ writer: this.#handle });
  }

  /** Removes the temporary. Does nothing after commit. */
  async abort(): Promise<void> {
    addon().closeHandle({ handle: this.#handle });
  }
}
