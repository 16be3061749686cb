import { type Executor, shared } from "../executor/executor.js";
import { forEachYielding } from "../util/yield.js";

interface Box {
  lows: Float32Array;
  highs: Float32Array;
}

/**
 * Sums of clusters as points move between them, in fixed point: the same for any number of threads, each of which keeps
 * its own (native/include/couponcast/kmeans_sums.h).
 */
export class KmeansSums {
  /** [k * dims] weighted sums, [k] weights and numbers of the points of each cluster, as last read. */
  readonly sums: Float64Array;
  readonly weights: Float64Array;
  readonly counts: Float64Array;
  readonly #size: number;
  /** [lanes * size] by thread. */
  readonly #parts: BigInt64Array;

  /** `largest` [dims + 1]: largest absolute coordinates of the points, largest weight. `lanes`: calls at once at most. */
  constructor(
    readonly executor: Executor,
    readonly dims: number,
    k: number,
    readonly largest: Float32Array,
    lanes: number,
  ) {
    this.#size = k * 2 * (dims + 2);
    this.#parts = shared.i64(lanes * this.#size);
    this.sums = shared.f64(k * dims);
    this.weights = shared.f64(k);
    this.counts = shared.f64(k);
  }

  /** No point is in a cluster. */
  clear(): void {
    this.#parts.fill(0n);
  }

  /** What calls that move points take, by the thread that makes them. */
  readonly laneArgs = (lane: number) => ({
    largest: this.largest,
    sums: this.#parts.subarray(lane * this.#size, (lane + 1) * this.#size),
  });

  /** Adds up what the threads have; `rows`: all points. */
  async read(rows: number): Promise<void> {
    const { dims, largest, sums, weights, counts } = this;
    await this.executor.run({
      kernel: "kmeansReadSums",
      args: { parts: this.#parts, dims, largest, rows, outSums: sums, outWeights: weights, outCounts: counts },
    });
  }
}

/** The largest absolute coordinates and the largest weight. */
export async function largestOf(
  boxes: readonly Box[],
  dims: number,
  weights: Float32Array | undefined,
): Promise<Float32Array> {
  const largest = new Float32Array(dims + 1);
  for (const { lows, highs } of boxes) {
    for (let d = 0; d < dims; d++) largest[d] = Math.max(largest[d]!, -lows[d]!, highs[d]!);
  }
  largest[dims] = weights === undefined ? 1 : 0;
  await forEachYielding(weights?.length ?? 0, (i) => {
    largest[dims] = Math.max(largest[dims]!, weights![i]!);
  });
  return largest;
}
