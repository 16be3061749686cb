import { invalidArgument } from "../errors.js";
import { Executor, type RunOptions, shards, shared } from "../executor/executor.js";
import { integerBetween, numberBetween } from "../util/arguments.js";
import { Random } from "../util/random.js";
import { forEachYielding, ROWS_PER_YIELD, yieldToEventLoop } from "../util/yield.js";
import { checkedPoints, KMEANS_SHARD_POINTS } from "./kmeans-points.js";

export interface KmeansOptions extends RunOptions {
  /** Clusters, at least 1. With fewer distinct points than k, the surplus clusters stay empty. */
  k: number;
  /** Of k-means++; default 1. */
  seed?: number | undefined;
  /** Lloyd iterations at most; default 300. */
  maxIterations?: number | undefined;
  /** Stop when the centroids' summed squared shift is at most this times the mean variance; default 1e-4. */
  tolerance?: number | undefined;
  /** [k * dims] start from these instead of k-means++. */
  centroids?: Float32Array | undefined;
}

export interface KmeansResult {
  /** [n] cluster of each point, of equal distances the smaller one. */
  labels: Int32Array;
  /** [k * dims] */
  centroids: Float32Array;
  /** [k] points of each cluster. */
  sizes: number[];
  /** Sum of squared distances to the nearest centroid. */
  inertia: number;
  /** Inertia of each iteration's assignment; never rises. */
  history: number[];
  iterations: number;
  converged: boolean;
}

/**
 * K-means: centroids c that minimise J = sum_i min_k |x_i - c_k|², by k-means++ and Lloyd's iterations.
 *
 * @param points float32 [n * dims] row-major, finite; copied into shared memory unless it is there already
 * @param dims numbers a point, >= 1
 *
 * Empty clusters: the centroid moves to the point that is farthest from its own centroid (ties: smaller index), which
 * can only lower J. The same bytes for any number of threads: sums run over fixed shards in float64.
 * Cost: 3 n k dims flops an iteration; memory 8 n bytes besides the points.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CANCELLED.
 * Source: Arthur & Vassilvitskii 2007; Lloyd 1982; formulas.md, "K-means".
 */
export async function kmeans(points: Float32Array, dims: number, options: KmeansOptions): Promise<KmeansResult> {
  const data = await checkedPoints(points, dims);
  const n = data.length / dims;
  const k = integerBetween("k", options.k, 1, 1_000_000);
  if (k > n) throw invalidArgument(`expected k <= the number of points ${n} but received ${k}`);
  const maxIterations = integerBetween("maxIterations", options.maxIterations ?? 300, 1, 1_000_000);
  const tolerance = numberBetween("tolerance", options.tolerance ?? 1e-4, 0, Number.MAX_VALUE);
  const random = new Random(integerBetween("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER));
  const executor = new Executor(options);
  const run = new Run(executor, data, n, dims, k);
  const threshold = tolerance * (await run.meanVariance());
  let centroids = options.centroids;
  if (centroids === undefined) {
    centroids = await run.plusPlus(random);
  } else if (
    !(centroids instanceof Float32Array) ||
    centroids.length !== k * dims ||
    !centroids.every(Number.isFinite)
  ) {
    throw invalidArgument(`expected ${k * dims} finite numbers in centroids`);
  }
  const history: number[] = [];
  let converged = false;
  let assignment = await run.assign(centroids);
  history.push(assignment.inertia);
  let iterations = 0;
  while (iterations < maxIterations && !converged) {
    iterations++;
    const moved = await run.update(centroids, assignment);
    const before = run.labels;
    const next = await run.assign(moved.centroids);
    if (next.inertia > assignment.inertia) {
      // Only rounding of the float32 centroids can do this: there is nothing left to gain.
      run.labels = before;
      converged = true;
      break;
    }
    assignment = next;
    centroids = moved.centroids;
    history.push(assignment.inertia);
    executor.progress("k-means", iterations, maxIterations);
    converged = moved.shift <= threshold || (await equalLabels(before, run.labels));
  }
  return {
    labels: run.labels,
    centroids,
    sizes: assignment.sizes,
    inertia: assignment.inertia,
    history,
    iterations,
    converged,
  };
}

async function equalLabels(a: Int32Array, b: Int32Array): Promise<boolean> {
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
    if (i % ROWS_PER_YIELD === ROWS_PER_YIELD - 1) await yieldToEventLoop();
  }
  return true;
}

interface Assignment {
  inertia: number;
  sums: Float64Array;
  sizes: number[];
}

class Run {
  /** Of the latest assignment. Every assignment fills the other of two arrays, so the one before is still there. */
  labels: Int32Array;
  #spareLabels: Int32Array;
  readonly #distances: Float32Array;
  readonly #ranges;

  constructor(
    readonly executor: Executor,
    readonly points: Float32Array,
    readonly n: number,
    readonly dims: number,
    readonly k: number,
  ) {
    this.labels = shared.i32(n);
    this.#spareLabels = shared.i32(n);
    this.#distances = shared.f32(n);
    this.#ranges = shards(n, KMEANS_SHARD_POINTS);
  }

  /** Mean over dimensions of the variance: the distance of all points to their mean, over n dims. */
  async meanVariance(): Promise<number> {
    const mean = new Float32Array(this.dims);
    const one = await this.#assignTo(mean, 1);
    for (let d = 0; d < this.dims; d++) mean[d] = one.sums[d]! / this.n;
    const around = await this.#assignTo(mean, 1);
    if (!Number.isFinite(around.inertia)) throw invalidArgument("expected finite points (after squaring, in float32)");
    return around.inertia / this.n / this.dims;
  }

  /** k-means++: each next centroid is a point drawn with probability proportional to its squared distance. */
  async plusPlus(random: Random): Promise<Float32Array> {
    const centroids = new Float32Array(this.k * this.dims);
    await forEachYielding(this.n, (i) => {
      this.#distances[i] = Number.MAX_VALUE;
    });
    let chosen = random.int(this.n);
    for (let c = 0; ; c++) {
      centroids.set(this.points.subarray(chosen * this.dims, (chosen + 1) * this.dims), c * this.dims);
      if (c + 1 === this.k) return centroids;
      const centroid = centroids.slice(c * this.dims, (c + 1) * this.dims);
      const results = await this.executor.map(
        this.#ranges.map(({ begin, end }) => ({
          kernel: "kmeansMinDistance",
          args: {
            points: this.points,
            dims: this.dims,
            centroid,
            begin,
            end,
            outDistances: this.#distances.subarray(begin, end),
          },
        })),
      );
      chosen = this.#draw(
        results.map((result) => result.value as number),
        random,
      );
    }
  }

  /** A point with probability proportional to its distance: first the shard, then the point in it. */
  #draw(sums: number[], random: Random): number {
    const total = sums.reduce((a, b) => a + b, 0);
    // All points coincide with a centroid: any point will do, its cluster stays empty.
    if (!(total > 0)) return random.int(this.n);
    let left = random.next() * total;
    let last = 0;
    for (const [shard, sum] of sums.entries()) {
      if (left >= sum && shard + 1 < sums.length) {
        left -= sum;
        continue;
      }
      const { begin, end } = this.#ranges[shard]!;
      for (let i = begin; i < end; i++) {
        const distance = this.#distances[i]!;
        if (distance > 0) {
          last = i;
          if (left < distance) return i;
          left -= distance;
        }
      }
    }
    return last;
  }

  assign(centroids: Float32Array): Promise<Assignment> {
    return this.#assignTo(centroids, this.k);
  }

  async #assignTo(centroids: Float32Array, k: number): Promise<Assignment> {
    const labels = this.#spareLabels;
    const results = await this.executor.map(
      this.#ranges.map(({ begin, end }) => ({
        kernel: "kmeansAssign",
        args: {
          points: this.points,
          dims: this.dims,
          centroids,
          begin,
          end,
          outLabels: labels.subarray(begin, end),
          outDistances: this.#distances.subarray(begin, end),
          outSums: { $return: "F64", length: k * this.dims },
          outCounts: { $return: "I64", length: k },
        },
      })),
    );
    this.#spareLabels = this.labels;
    this.labels = labels;
    // In the order of the shards: the same bytes for any number of threads.
    const sums = new Float64Array(k * this.dims);
    const sizes = new Array<number>(k).fill(0);
    let inertia = 0;
    for (const { value, outputs } of results) {
      const partial = outputs.outSums as Float64Array;
      const counts = outputs.outCounts as BigInt64Array;
      for (let i = 0; i < sums.length; i++) sums[i]! += partial[i]!;
      for (let c = 0; c < k; c++) sizes[c]! += Number(counts[c]!);
      inertia += value as number;
    }
    return { inertia, sums, sizes };
  }

  /** Means of the clusters; the empty ones take the farthest points. shift: summed squared move of the centroids. */
  async update(old: Float32Array, { sums, sizes }: Assignment): Promise<{ centroids: Float32Array; shift: number }> {
    const centroids = new Float32Array(old.length);
    const farthest = await this.#farthestPoints(sizes.filter((size) => size === 0).length);
    let shift = 0;
    let empties = 0;
    for (let c = 0; c < this.k; c++) {
      const point = sizes[c] === 0 ? farthest[empties++] : undefined;
      for (let d = 0; d < this.dims; d++) {
        const at = c * this.dims + d;
        if (sizes[c]! > 0) centroids[at] = sums[at]! / sizes[c]!;
        else centroids[at] = point === undefined ? old[at]! : this.points[point * this.dims + d]!;
        shift += (centroids[at]! - old[at]!) ** 2;
      }
    }
    return { centroids, shift };
  }

  /** Up to `count` points that lie away from their centroid, farthest first, of equal distances the smaller index. */
  async #farthestPoints(count: number): Promise<number[]> {
    const best: number[] = [];
    if (count === 0) return best;
    const distances = this.#distances;
    await forEachYielding(this.n, (i) => {
      const distance = distances[i]!;
      if (!(distance > 0) || (best.length === count && distance <= distances[best[count - 1]!]!)) return;
      let low = 0;
      let high = best.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (distances[best[middle]!]! >= distance) low = middle + 1;
        else high = middle;
      }
      best.splice(low, 0, i);
      if (best.length > count) best.pop();
    });
    return best;
  }
}
