import { type Executor, type RowRange, shared } from "../executor/executor.js";

/** Points whose codes lie side by side, and columns that they pass at once. */
const TILE = 16;
const COLUMNS_AT_ONCE = 4;
/** Shards that the filter can take begin at multiples of this. */
export const FILTER_ROWS = TILE;

interface Box {
  lows: Float32Array;
  highs: Float32Array;
}

/** Points as bytes and bounds of their distances, so that few are measured (native/include/couponcast/kmeans_filter.h). */
export class KmeansFilter {
  /** [n] bounds of the distances to all centroids but the label's. */
  readonly #lower: Float32Array;
  /** [k] how far each centroid moved since the last assignment; infinite: nothing is known. */
  readonly #moves: Float64Array;

  private constructor(
    readonly executor: Executor,
    readonly dims: number,
    readonly k: number,
    readonly points: { centre: Float32Array; steps: Float32Array; codes: Uint8Array; norms: Float32Array },
  ) {
    this.#lower = shared.f32(points.norms.length / 3);
    this.#moves = new Float64Array(k).fill(Number.POSITIVE_INFINITY);
  }

  /** `boxes` are those of `ranges` of the points. Returns undefined where the points are too far apart for it. */
  static async create(
    executor: Executor,
    points: Float32Array,
    dims: number,
    k: number,
    ranges: readonly RowRange[],
    boxes: readonly Box[],
  ): Promise<KmeansFilter | undefined> {
    const n = points.length / dims;
    const centre = new Float32Array(dims);
    const steps = new Float32Array(dims);
    for (let d = 0; d < dims; d++) {
      const low = Math.min(...boxes.map(({ lows }) => lows[d]!));
      const high = Math.max(...boxes.map(({ highs }) => highs[d]!));
      steps[d] = (high - low) / 254;
      centre[d] = low + 128 * steps[d]!;
    }
    if (!steps.every(Number.isFinite) || !centre.every(Number.isFinite)) return undefined;
    const codes = shared.u8(Math.ceil(n / TILE) * TILE * Math.ceil(dims / 4) * 4);
    const norms = shared.f32(n * 3);
    await executor.map(
      ranges.map((range) => ({
        kernel: "kmeansEncode",
        args: { points, dims, centre, steps, ...range, outCodes: codes, outNorms: norms },
      })),
    );
    return new KmeansFilter(executor, dims, k, { centre, steps, codes, norms });
  }

  /** Before the first assignment to new centroids. */
  start(): void {
    this.#moves.fill(Number.POSITIVE_INFINITY);
  }

  /** What the assignment to `centroids` takes; undefined where they are too far out for bytes. */
  async args(centroids: Float32Array) {
    const { dims, k } = this;
    const { centre, steps, codes, norms } = this.points;
    const order = shared.i32(k);
    for (let c = 0; c < k; c++) order[c] = c;
    order.sort((a, b) => this.#moves[b]! - this.#moves[a]! || a - b);
    const moves = Float64Array.from(order, (c) => this.#moves[c]!);
    const columns = Math.ceil(k / COLUMNS_AT_ONCE) * COLUMNS_AT_ONCE;
    const panel = shared.u8(columns * Math.ceil(dims / 4) * 4);
    const starts = shared.i32(columns);
    const scale = shared.f64(3);
    const { value: usable } = await this.executor.run({
      kernel: "kmeansEncodeCentroids",
      args: { centroids, dims, centre, steps, order, outPanel: panel, outStarts: starts, outScale: scale },
    });
    if (!usable) {
      // The bounds know nothing of the labels of this assignment.
      this.#lower.fill(0);
      return undefined;
    }
    return { codes, norms, order, panel, starts, scale, moves };
  }

  boundsOf({ begin, end }: RowRange): Float32Array {
    return this.#lower.subarray(begin, end);
  }

  /** Squared moves of the centroids since the last assignment. */
  moved(squares: Float64Array): void {
    for (const [c, square] of squares.entries()) this.#moves[c] = Math.sqrt(square) * (1 + 1e-9);
  }
}
