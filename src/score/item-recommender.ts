import { CouponcastError, invalidArgument } from "../errors.js";
import { Executor } from "../executor/executor.js";
import { addon, type Handle, rebuildError } from "../native/addon.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { integerBetween, oneOf } from "../util/arguments.js";
import { forEachYielding, ROWS_PER_YIELD, yieldToEventLoop } from "../util/yield.js";
import { itemModelArgs } from "./neighbour-methods.js";
import { allowedMask, fallbackArgs, type RecommendOptions, SCORE_SOURCES, type ScoreSource } from "./recommend.js";

/** As of `recommend`, but for methods that need other users' rows, and for what is about many users. */
export interface ItemRecommenderOptions extends Omit<RecommendOptions, "method" | "labels" | "range"> {
  /** Default item-knn. */
  method?: "item-knn" | "saturated" | undefined;
}

export interface RecommendedItem {
  id: string;
  /** On the scale of its source. */
  score: number;
  source: ScoreSource;
}

/**
 * Recommends to one user at a time, on the calling thread and within microseconds: for a service between two requests.
 * The row need not be one of the matrix, so it can hold what the user did a second ago.
 *
 * Scores, order and fallback are those of `recommend` with the same options. Memory: a copy of the model (8 bytes a
 * neighbour), 5 bytes an item and the ids.
 */
export class ItemRecommender {
  readonly n: number;
  readonly #handle: Handle;
  readonly #ids: readonly string[];
  readonly #columns: ReadonlyMap<string, number>;
  readonly #items: Int32Array;
  readonly #scores: Float32Array;
  readonly #sources: Uint8Array;
  #closed = false;

  private constructor(handle: Handle, n: number, ids: readonly string[], columns: ReadonlyMap<string, number>) {
    this.#handle = handle;
    this.n = n;
    this.#ids = ids;
    this.#columns = columns;
    this.#items = new Int32Array(n);
    this.#scores = new Float32Array(n);
    this.#sources = new Uint8Array(n);
  }

  /**
   * Computes the model on worker threads, unless `model` is given. The matrix may be closed afterwards.
   * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CORRUPT_FILE, _CANCELLED, _CLOSED.
   */
  static async create(matrix: Matrix, options: ItemRecommenderOptions = {}): Promise<ItemRecommender> {
    checkMatrix("matrix", matrix);
    const executor = new Executor(options);
    const n = integerBetween("n", options.n ?? 20, 1, 1_000_000);
    const method = oneOf("method", options.method ?? "item-knn", ["item-knn", "saturated"] as const);
    const allowed = await allowedMask(matrix, options.allow, options.deny);
    const model = await itemModelArgs(matrix, method, options);
    const fallback = await fallbackArgs(executor, matrix, { fallback: options.fallback });
    const { handle, ready } = addon().createItemRecommender({
      ...model,
      ...fallback,
      n,
      filterSeen: options.filterSeen ?? true,
      normalise: options.normalise ?? false,
      allowed,
    });
    await ready.catch((thrown) => {
      throw rebuildError(thrown);
    });
    const ids: string[] = [];
    for (let begin = 0; begin < matrix.numItems; begin += ROWS_PER_YIELD) {
      const end = Math.min(begin + ROWS_PER_YIELD, matrix.numItems);
      for (const id of matrix.ids("items", begin, end)) ids.push(id);
      await yieldToEventLoop();
    }
    const columns = new Map<string, number>();
    await forEachYielding(ids.length, (column) => {
      columns.set(ids[column]!, column);
    });
    return new ItemRecommender(handle, n, ids, columns);
  }

  /**
   * The best items for a user with this history: item ids, each once, and how much each counts (default 1), as in a row
   * of the matrix. Ids that the matrix does not hold are left out.
   * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (an item twice, lengths), _CLOSED.
   */
  recommend(history: readonly string[], values?: readonly number[]): RecommendedItem[] {
    if (values !== undefined && values.length !== history.length)
      throw invalidArgument(`expected ${history.length} values but received ${values.length}`);
    const items = new Int32Array(history.length);
    const weights = values === undefined ? undefined : new Float32Array(history.length);
    let size = 0;
    for (let i = 0; i < history.length; i++) {
      const column = this.#columns.get(history[i]!);
      if (column === undefined) continue;
      items[size] = column;
      if (weights !== undefined) weights[size] = values![i]!;
      size++;
    }
    const count = this.#run(items.subarray(0, size), weights?.subarray(0, size));
    const found = new Array<RecommendedItem>(count);
    for (let j = 0; j < count; j++) {
      found[j] = {
        id: this.#ids[this.#items[j]!]!,
        score: this.#scores[j]!,
        source: SCORE_SOURCES[this.#sources[j]!]!,
      };
    }
    return found;
  }

  /** As `recommend`, from columns of the matrix to columns; `items` and `scores` are best first. */
  recommendColumns(items: Int32Array, values?: Float32Array): { items: Int32Array; scores: Float32Array } {
    const count = this.#run(items, values);
    return { items: this.#items.slice(0, count), scores: this.#scores.slice(0, count) };
  }

  /** Frees the model. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    addon().closeHandle({ handle: this.#handle });
  }

  #run(items: Int32Array, values: Float32Array | undefined): number {
    if (this.#closed) throw new CouponcastError("ERR_COUPONCAST_CLOSED", "the recommender is closed");
    return addon().recommendRow(this.#handle, items, values, this.#items, this.#scores, this.#sources);
  }
}
