import { type Executor, type RowRange, shared } from "../executor/executor.js";

/** What lower bounds of the distances of points take to tell which centroids need no look. */
export interface KmeansBounds {
  readonly kernel: "kmeansAssignFiltered" | "kmeansAssignGroups";
  /** Columns side by side in the panel of coded centroids, and all columns. */
  readonly side: number;
  readonly columns: number;
  /** Before the first assignment to new centroids. */
  start(): void;
  /** [k] the centroid of each column. */
  orderOf(centroids: Float32Array): Promise<Int32Array>;
  /** How far centroids went, as the kernel wants it; after orderOf. */
  moves(): { moves: Float64Array } | { drifts: Float64Array };
  of(range: RowRange): Float32Array;
  /** The bounds know nothing of the labels of an assignment. */
  forget(): void;
  /** Squared moves of the centroids since the last assignment. */
  moved(squares: Float64Array): void;
}

/** Room for the rounding of a square root. */
const ROOM = 1 + 1e-9;

/** One bound a point, of all centroids but the label's (native/include/couponcast/kmeans_filter.h). */
export class PointBounds implements KmeansBounds {
  readonly kernel = "kmeansAssignFiltered";
  readonly side = 4;
  readonly columns: number;
  readonly #lower: Float32Array;
  /** [k] infinite: nothing is known. */
  readonly #moves: Float64Array;
  #order: Int32Array = new Int32Array(0);

  constructor(n: number, k: number) {
    this.columns = Math.ceil(k / this.side) * this.side;
    this.#lower = shared.f32(n);
    this.#moves = new Float64Array(k).fill(Number.POSITIVE_INFINITY);
  }

  start(): void {
    this.#moves.fill(Number.POSITIVE_INFINITY);
  }

  async orderOf(): Promise<Int32Array> {
    const moves = this.#moves;
    const order = shared.i32(moves.length);
    for (let c = 0; c < order.length; c++) order[c] = c;
    // Infinite ones have no difference.
    order.sort((a, b) => moves[b]! - moves[a]! || a - b);
    this.#order = order;
    return order;
  }

  moves() {
    return { moves: Float64Array.from(this.#order, (c) => this.#moves[c]!) };
  }

  of({ begin, end }: RowRange): Float32Array {
    return this.#lower.subarray(begin, end);
  }

  forget(): void {
    this.#lower.fill(0);
  }

  moved(squares: Float64Array): void {
    for (const [c, square] of squares.entries()) this.#moves[c] = Math.sqrt(square) * ROOM;
  }
}

const MAX_GROUPS = 16;
/** More centroids keep their order: finding a better one costs k² distances. */
const ORDER_MAX_K = 4096;

/** A bound a point for each group of near centroids (native/include/couponcast/kmeans_groups.h). */
export class GroupBounds implements KmeansBounds {
  readonly kernel = "kmeansAssignGroups";
  readonly side = 16;
  readonly columns: number;
  /** [k] centroid of each column; consecutive ones are a group. */
  #order: Int32Array | undefined;
  /** [groups] how far the centroids went since the start: the sum of the farthest of the group. */
  readonly #drifts: Float64Array;
  readonly #lower: Float32Array;
  readonly #stride: number;
  readonly #groupSize: number;

  constructor(
    readonly executor: Executor,
    n: number,
    readonly k: number,
    readonly dims: number,
  ) {
    this.#groupSize = Math.ceil(k / (this.side * MAX_GROUPS)) * this.side;
    const groups = Math.ceil(k / this.#groupSize);
    this.columns = groups * this.#groupSize;
    this.#stride = groups > MAX_GROUPS / 2 ? MAX_GROUPS : MAX_GROUPS / 2;
    this.#lower = shared.f32(n * this.#stride);
    this.#drifts = new Float64Array(groups);
  }

  start(): void {
    // New memory is 0 already, and the workers' to touch first.
    if (this.#order === undefined) return;
    this.forget();
    this.#drifts.fill(0);
    this.#order = undefined;
  }

  async orderOf(centroids: Float32Array): Promise<Int32Array> {
    const { k, dims } = this;
    if (this.#order !== undefined) return this.#order;
    const order = shared.i32(k);
    this.#order = order;
    if (k > ORDER_MAX_K) for (let c = 0; c < k; c++) order[c] = c;
    else await this.executor.run({ kernel: "kmeansOrder", args: { centroids, dims, outOrder: order } });
    return order;
  }

  moves() {
    return { drifts: this.#drifts };
  }

  of({ begin, end }: RowRange): Float32Array {
    return this.#lower.subarray(begin * this.#stride, end * this.#stride);
  }

  forget(): void {
    this.#lower.fill(0);
  }

  moved(squares: Float64Array): void {
    if (this.#order === undefined) return;
    const size = this.#groupSize;
    for (let group = 0; group < this.#drifts.length; group++) {
      let farthest = 0;
      for (const c of this.#order.subarray(group * size, (group + 1) * size))
        farthest = Math.max(farthest, squares[c]!);
      this.#drifts[group]! += Math.sqrt(farthest) * ROOM;
    }
  }
}
