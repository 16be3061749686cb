import { constants } from "node:buffer";
import { CouponcastError, invalidArgument } from "../errors.js";
import { Executor } from "../executor/executor.js";
import { addon, type Handle, rebuildError } from "../native/addon.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { booleanOf, integerBetween, oneOf, shown } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { ROWS_PER_YIELD, yieldToEventLoop } from "../util/yield.js";
import { METHOD_OPTIONS } from "./methods.js";
import { itemModelArgs } from "./neighbour-methods.js";
import {
  allowedMask,
  fallbackArgs,
  LIST_OPTIONS,
  type RecommendOptions,
  SCORE_SOURCES,
  type ScoreSource,
} from "./recommend.js";

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

/** Memory of a call, in one buffer as the core takes it: a row of at most `room` items, and an answer of n. */
class RowMemory {
  readonly buffer: ArrayBuffer;
  /** Lengths of the row's ids. */
  readonly lengths: Int32Array;
  readonly values: Float32Array;
  readonly items: Int32Array;
  readonly scores: Float32Array;
  readonly sources: Uint8Array;

  constructor(room: number, n: number) {
    this.buffer = new ArrayBuffer(8 * room + 9 * n);
    this.lengths = new Int32Array(this.buffer, 0, room);
    this.values = new Float32Array(this.buffer, 4 * room, room);
    this.items = new Int32Array(this.buffer, 8 * room, n);
    this.scores = new Float32Array(this.buffer, 8 * room + 4 * n, n);
    this.sources = new Uint8Array(this.buffer, 8 * room + 8 * n, n);
  }
}

/** Items of a row that there is memory for from the start. */
const ROW_ROOM = 256;

/**
 * Recommends to one user at a time, on the calling thread and within microseconds: for a service between two requests.
 * The row need not be one of the matrix, so it can hold what the user did a second ago.
 *
 * Scores, order and fallback are those of `recommend` with the same options. Memory: a copy of the model (6 bytes a
 * neighbour, of more than 65,536 items 8, each list rounded up to 64 bytes), some 40 bytes an item and twice the ids.
 */
export class ItemRecommender {
  readonly n: number;
  readonly #handle: Handle;
  readonly #ids: readonly string[];
  #memory: RowMemory;
  #closed = false;

  private constructor(handle: Handle, n: number, ids: readonly string[]) {
    this.#handle = handle;
    this.n = n;
    this.#ids = ids;
    this.#memory = new RowMemory(ROW_ROOM, n);
  }

  /**
   * Computes the model on worker threads, unless `model` is given. The matrix may be closed afterwards.
   * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CORRUPT_FILE, _CANCELLED, _CLOSED.
   */
  static async create(matrix: Matrix, options: ItemRecommenderOptions = {}): Promise<ItemRecommender> {
    checkMatrix("matrix", matrix);
    knownOptions("ItemRecommender.create", options, { ...METHOD_OPTIONS, ...LIST_OPTIONS });
    const executor = new Executor(options);
    const n = integerBetween("n", options.n ?? 20, 1, 1_000_000);
    const filterSeen = booleanOf("filterSeen", options.filterSeen ?? true);
    const normalise = booleanOf("normalise", options.normalise ?? false);
    const method = oneOf("method", options.method ?? "item-knn", ["item-knn", "saturated"] as const);
    const allowed = await allowedMask(matrix, options.allow, options.deny);
    const model = await itemModelArgs(matrix, method, options);
    const fallback = await fallbackArgs(executor, matrix, { fallback: options.fallback });
    const { handle, ready } = addon().createItemRecommender({
      ...model,
      ...fallback,
      matrix: matrix.handle(),
      n,
      filterSeen,
      normalise,
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
    return new ItemRecommender(handle, n, ids);
  }

  /**
   * The best items for a user with this history: item ids, each once, and how much each counts (default 1), as in a row
   * of the matrix. Ids that the matrix does not hold are left out.
   * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (an item twice, lengths, ids too long for one text), _CLOSED.
   */
  recommend(history: readonly string[], values?: readonly number[]): RecommendedItem[] {
    if (values !== undefined && values.length !== history.length)
      throw invalidArgument(`expected ${history.length} values but received ${values.length}`);
    this.#checkOpen();
    const size = history.length;
    if (size > this.#memory.lengths.length) this.#memory = new RowMemory(2 * size, this.n);
    const { buffer, lengths, values: weights, items, scores, sources } = this.#memory;
    // All ids as one text: the core finds them faster than a Map would, and takes one argument instead of many.
    let text = "";
    for (let i = 0; i < size; i++) {
      const id = history[i]!;
      if (typeof id !== "string")
        throw invalidArgument(`expected an item id in history[${i}] but received ${shown(id)}`);
      if (id.length > constants.MAX_STRING_LENGTH - text.length)
        throw invalidArgument(`expected ids of at most ${constants.MAX_STRING_LENGTH} characters together in history`);
      lengths[i] = id.length;
      text += id;
    }
    if (values !== undefined) for (let i = 0; i < size; i++) weights[i] = values[i]!;
    const count = addon().recommendIds(this.#handle, buffer, text, size, values !== undefined);
    const found = new Array<RecommendedItem>(count);
    for (let j = 0; j < count; j++) {
      found[j] = { id: this.#ids[items[j]!]!, score: scores[j]!, source: SCORE_SOURCES[sources[j]!]! };
    }
    return found;
  }

  /** As `recommend`, from columns of the matrix to columns; `items` and `scores` are best first. */
  recommendColumns(items: Int32Array, values?: Float32Array): { items: Int32Array; scores: Float32Array } {
    this.#checkOpen();
    const memory = this.#memory;
    const count = addon().recommendRow(this.#handle, memory.buffer, items, values);
    return { items: memory.items.slice(0, count), scores: memory.scores.slice(0, count) };
  }

  /** Frees the model. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    addon().closeHandle({ handle: this.#handle });
  }

  #checkOpen(): void {
    if (this.#closed) throw new CouponcastError("ERR_COUPONCAST_CLOSED", "the recommender is closed");
  }
}
