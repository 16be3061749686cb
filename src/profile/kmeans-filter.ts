import { type Executor, type RowRange, shared } from "../executor/executor.js";
import type { Recycled } from "../executor/recycled.js";
import { GroupBounds, type KmeansBounds, PointBounds } from "./kmeans-bounds.js";

/** Points whose codes lie side by side: shards that the filter can take begin at multiples of this. */
export const FILTER_ROWS = 16;
/** With more centroids, looking at fewer of them pays for keeping bounds by group. */
const POINT_BOUNDS_MAX_K = 256;

interface Box {
  lows: Float32Array;
  highs: Float32Array;
}

/** Points as bytes and bounds of their distances, so that few are measured (native/include/couponcast/kmeans_filter.h). */
export class KmeansFilter {
  readonly #bounds: KmeansBounds;

  private constructor(
    readonly executor: Executor,
    readonly dims: number,
    k: number,
    readonly points: { centre: Float32Array; steps: Float32Array; codes: Uint8Array; norms: Float32Array },
  ) {
    const n = points.norms.length / 3;
    this.#bounds = k > POINT_BOUNDS_MAX_K ? new GroupBounds(executor, n, k, dims) : new PointBounds(n, k);
  }

  /** `boxes` are those of `ranges` of the points. Returns undefined where the points are too far apart for it. */
  static async create(
    executor: Executor,
    memory: Recycled,
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
    const codes = memory.take("u8", Math.ceil(n / FILTER_ROWS) * FILTER_ROWS * Math.ceil(dims / 4) * 4);
    const norms = memory.take("f32", n * 3);
    await executor.map(
      ranges.map((range) => ({
        kernel: "kmeansEncode",
        args: { points, dims, centre, steps, ...range, outCodes: codes, outNorms: norms },
      })),
    );
    return new KmeansFilter(executor, dims, k, { centre, steps, codes, norms });
  }

  get kernel() {
    return this.#bounds.kernel;
  }

  /** Before the first assignment to new centroids. */
  start(): void {
    this.#bounds.start();
  }

  /** What the assignment to `centroids` takes; undefined where they are too far out for bytes. */
  async args(centroids: Float32Array) {
    const { dims } = this;
    const { centre, steps, codes, norms } = this.points;
    const { side, columns } = this.#bounds;
    const order = await this.#bounds.orderOf(centroids);
    const panel = shared.u8(columns * Math.ceil(dims / 4) * 4);
    const starts = shared.i32(columns);
    const scale = shared.f64(3);
    const { value: usable } = await this.executor.run({
      kernel: "kmeansEncodeCentroids",
      args: { centroids, dims, centre, steps, order, side, outPanel: panel, outStarts: starts, outScale: scale },
    });
    if (!usable) {
      this.#bounds.forget();
      return undefined;
    }
    return { codes, norms, order, panel, starts, scale, ...this.#bounds.moves() };
  }

  boundsOf(range: RowRange): Float32Array {
    return this.#bounds.of(range);
  }

  /** Squared moves of the centroids since the last assignment. */
  moved(squares: Float64Array): void {
    this.#bounds.moved(squares);
  }
}
