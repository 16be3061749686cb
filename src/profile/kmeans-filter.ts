import { type Executor, type RowRange, shared } from "../executor/executor.js";

/** Columns of byte products that a vector takes, and groups that a point has bounds for. */
const VECTOR = 16;
const MAX_GROUPS = 16;
/** More centroids keep their order: finding a better one costs k² distances. */
const ORDER_MAX_K = 4096;

interface Box {
  lows: Float32Array;
  highs: Float32Array;
}

/** Points as bytes and bounds of their distances, so that few are measured (native/include/couponcast/kmeans_filter.h). */
export class KmeansFilter {
  /** [k] centroid of each column; consecutive ones are a group. */
  #order: Int32Array | undefined;
  /** [groups] how far the centroids went since the start: the sum of the farthest of the group. */
  readonly #drifts: Float64Array;
  /** [n * stride] bounds, of which a group has one. */
  readonly #lower: Float32Array;
  readonly #stride: number;
  readonly #groupSize: number;

  private constructor(
    readonly executor: Executor,
    readonly dims: number,
    readonly k: number,
    readonly points: { centre: Float32Array; steps: Float32Array; codes: Uint8Array; norms: Float32Array },
  ) {
    const n = points.norms.length / 3;
    this.#groupSize = Math.ceil(k / (VECTOR * MAX_GROUPS)) * VECTOR;
    const groups = Math.ceil(k / this.#groupSize);
    this.#stride = groups > MAX_GROUPS / 2 ? MAX_GROUPS : MAX_GROUPS / 2;
    this.#lower = shared.f32(n * this.#stride);
    this.#drifts = shared.f64(groups);
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
    const codes = shared.u8(n * Math.ceil(dims / 4) * 4);
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
    // New memory is 0 already, and the workers' to touch first.
    if (this.#order === undefined) return;
    this.#lower.fill(0);
    this.#drifts.fill(0);
    this.#order = undefined;
  }

  /** What the assignment to `centroids` takes; undefined where they are too far out for bytes. */
  async args(centroids: Float32Array) {
    const { dims } = this;
    const { centre, steps, codes, norms } = this.points;
    this.#order ??= await this.#orderOf(centroids);
    const order = this.#order;
    const columns = this.#drifts.length * this.#groupSize;
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
    return { codes, norms, order, panel, starts, scale, drifts: this.#drifts };
  }

  boundsOf({ begin, end }: RowRange): Float32Array {
    return this.#lower.subarray(begin * this.#stride, end * this.#stride);
  }

  /** Squared moves of the centroids loosen the bounds of their groups. */
  drift(moves: Float64Array): void {
    if (this.#order === undefined) return;
    const size = this.#groupSize;
    for (let group = 0; group < this.#drifts.length; group++) {
      let farthest = 0;
      for (const c of this.#order.subarray(group * size, (group + 1) * size)) farthest = Math.max(farthest, moves[c]!);
      this.#drifts[group]! += Math.sqrt(farthest) * (1 + 1e-9);
    }
  }

  async #orderOf(centroids: Float32Array): Promise<Int32Array> {
    const order = shared.i32(this.k);
    if (this.k > ORDER_MAX_K) for (let c = 0; c < this.k; c++) order[c] = c;
    else await this.executor.run({ kernel: "kmeansOrder", args: { centroids, dims: this.dims, outOrder: order } });
    return order;
  }
}
