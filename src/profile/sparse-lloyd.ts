import { shared } from "../executor/executor.js";
import { Recycled } from "../executor/recycled.js";
import { evenRanges } from "../executor/shards.js";
import { forEachYielding } from "../util/yield.js";
import { farthestPoints } from "./farthest-points.js";
import type { EmptyClusters } from "./kmeans-points.js";
import type { KmeansEngine } from "./lloyd.js";
import { fits, type Shorts, type SparseCodes, scaleFor, shorten, shortsOf } from "./sparse-codes.js";
import { lanesOf, type SparseCentroids, type SparsePoints } from "./sparse-points.js";
import { type SparseStart, setStart } from "./sparse-start.js";
import { SHARD_ITEMS, type SharedStep, scaleOf, sharedStep, summed } from "./sparse-step.js";

interface MeasuredCentroids extends SparseCentroids {
  /** At least the largest magnitude of a coordinate from the middle of its item. */
  largest: number;
}

interface State {
  labels: Int32Array;
  sizes: number[];
  /** [k] what the users of each cluster count as together. */
  totals: readonly number[];
  at: MeasuredCentroids;
}

interface LloydRules {
  /** Means are scaled to unit length. */
  spherical: boolean;
  emptyClusters: EmptyClusters;
}

/** Assignment and update of K-means on sparse rows. The sums of an assignment's clusters say what its inertia is, too. */
export class SparseLloyd implements KmeansEngine {
  readonly lanes: number;
  #now: State;
  #before: State;
  /** The means of the clusters of #now, and how far they are from its centroids: summed squares. */
  #next: MeasuredCentroids;
  #shift = 0;
  /** Of the centroids that the next assignment is to. */
  readonly #shorts: Shorts;
  /** [numItems * lanes] what the users of each cluster of #summed sum to; undefined: sums start anew each time. */
  readonly #sums: Float64Array | undefined;
  #summed: Int32Array | undefined;
  /** Of the calls of a step. */
  readonly #shared: SharedStep;

  private constructor(
    readonly points: SparsePoints,
    readonly rules: LloydRules,
    readonly codes: SparseCodes,
    readonly memory: Recycled,
    /** [numItems * lanes] the first centroids. */
    first: Float32Array,
  ) {
    const { matrix, k } = points;
    this.lanes = lanesOf(k);
    const size = first.length;
    const at = (centroids: Float32Array) => ({ centroids, norms: new Float64Array(k), largest: 0 });
    const state = (centroids: Float32Array) => {
      return { labels: memory.take("i32", matrix.numUsers), sizes: [], totals: [], at: at(centroids) };
    };
    this.#now = state(first);
    this.#next = at(memory.take("f32", size));
    this.#before = state(memory.take("f32", size));
    this.#shorts = shortsOf(memory, size);
    this.#shared = sharedStep(points);
    this.#sums = codes.exact && points.given === undefined ? memory.take("f64", size) : undefined;
  }

  static async start(
    points: SparsePoints,
    codes: SparseCodes,
    start: SparseStart,
    rules: LloydRules,
  ): Promise<SparseLloyd> {
    const memory = new Recycled();
    const first = await memory.takeZeros(points.matrix.numItems * lanesOf(points.k));
    const engine = new SparseLloyd(points, rules, codes, memory, first);
    const { at } = engine.#now;
    at.largest = await setStart(points, at, start, engine.lanes);
    await shorten(points, at.centroids, at.largest, engine.#shorts);
    return engine;
  }

  get labels(): Int32Array {
    return this.#now.labels;
  }
  get centroids(): Float32Array {
    return this.#now.at.centroids;
  }
  get sizes(): number[] {
    return this.#now.sizes;
  }
  labelsBefore(): Int32Array {
    return this.#before.labels;
  }

  async assign(): Promise<number> {
    const { norms } = this.#now.at;
    const labels = this.#before.labels;
    const { sizes, products: found } = await (this.points.given === undefined
      ? this.#step(labels)
      : this.#label(labels));
    const totals = await this.#totalsOf(labels, sizes);
    this.#before = { ...this.#now, at: this.#before.at };
    this.#now = { labels, sizes, totals, at: this.#now.at };
    const products = found ?? (await this.#means(labels, totals));
    // |x - c|^2 summed over a cluster, from what its rows sum to.
    let inertia = this.points.squaresSum;
    for (let c = 0; c < norms.length; c++) inertia += totals[c]! * norms[c]! - 2 * products[c]!;
    return Math.max(inertia, 0);
  }

  /** What labels are found from. */
  #labelArgs(labels: Int32Array) {
    const { matrix, factors, squares } = this.points;
    const { centroids, norms } = this.#now.at;
    const { codes, steps, errors } = this.codes;
    return { matrix: matrix.ref(), factors, squares, centroids, norms, codes, steps, errors, outLabels: labels };
  }

  async #label(labels: Int32Array): Promise<{ sizes: number[]; products?: Float64Array }> {
    const { matrix, k, executor } = this.points;
    const { values: shorts, scale: shortScale } = this.#shorts;
    // One call a thread: waking threads twice costs more than balance brings.
    const results = await executor.map(
      evenRanges(matrix.numUsers, executor.threads).map((range) => ({
        kernel: "sparseKmeansLabels",
        args: {
          ...this.#labelArgs(labels),
          shorts,
          shortScale,
          ...range,
          outCounts: { $return: "I64", length: k },
        },
      })),
    );
    const counts = results.map(({ outputs }) => Array.from(outputs.outCounts as BigInt64Array, Number));
    return { sizes: [...summed(k, ...counts)] };
  }

  /** Labels, and the means of their clusters in #next: one call a thread for both, which take parts as they come. */
  async #step(labels: Int32Array): Promise<{ sizes: number[]; products: Float64Array }> {
    const { k, executor } = this.points;
    const { counters, counts, norms, shifts, products } = this.#shared;
    const shorts = this.#shorts;
    const args = {
      ...this.#labelArgs(labels),
      shorts: shorts.values,
      shortScale: shorts.scale,
      // Means move little, as a rule.
      outShortScale: scaleFor(this.#now.at.largest),
      before: this.#summed,
      sums: this.#sums,
      counters: counters.fill(0),
      outCounts: counts.fill(0n),
      outCentroids: this.#next.centroids,
      outNorms: norms,
      outShifts: shifts,
      outProducts: products,
    };
    const results = await executor.map(
      Array.from({ length: counts.length / k }, (_, call) => ({ kernel: "sparseKmeansStep", args: { ...args, call } })),
    );
    shorts.scale = args.outShortScale;
    const largest = Math.max(...results.map(({ value }) => value as number));
    this.#fillNext(labels, largest, summed(k, norms), summed(k, shifts));
    const sizes = [...summed(k, Array.from(counts, Number))];
    return { sizes, products: await this.#ruled(labels, scaleOf(sizes), summed(k, products)) };
  }

  /** [k] summed weights of the users of each cluster; the counts where all weigh 1. */
  async #totalsOf(labels: Int32Array, counts: readonly number[]): Promise<readonly number[]> {
    const { given } = this.points;
    if (given === undefined) return counts;
    const totals = new Array<number>(counts.length).fill(0);
    await forEachYielding(labels.length, (row) => {
      if (labels[row]! >= 0) totals[labels[row]!]! += given[row]!;
    });
    return totals;
  }

  /** Fills #next; returns [k] <centroid, weighted sum of the cluster's rows>. */
  async #means(labels: Int32Array, totals: readonly number[]): Promise<Float64Array> {
    const scale = scaleOf(totals);
    return this.#ruled(labels, scale, await this.#scaledSums(labels, scale, { short: !this.rules.spherical }));
  }

  /** Makes of the means in #next, of sums times `scale`, what the rules want. Returns what `products` are then. */
  async #ruled(labels: Int32Array, scale: Float64Array, products: Float64Array): Promise<Float64Array> {
    let now = products;
    if (this.rules.spherical) {
      for (const [c, norm] of this.#next.norms.entries()) if (norm > 0) scale[c]! /= Math.sqrt(norm);
      now = await this.#scaledSums(labels, scale, { short: true });
    }
    const { centroids, largest } = this.#next;
    if (!fits(this.#shorts, largest)) await shorten(this.points, centroids, largest, this.#shorts);
    return now;
  }

  /** Fills #next with the clusters' sums times `scale`; returns as #means does. */
  async #scaledSums(labels: Int32Array, scale: Float64Array, { short }: { short: boolean }): Promise<Float64Array> {
    const { matrix, k, factors, given: weights, executor } = this.points;
    const { centroids: old, largest } = this.#now.at;
    const { centroids } = this.#next;
    const shorts = this.#shorts;
    // Means move little, as a rule.
    shorts.scale = scaleFor(largest);
    const results = await executor.map(
      evenRanges(matrix.numItems, executor.threads, SHARD_ITEMS).map((range) => {
        const perShard = { $return: "F64" as const, length: Math.ceil((range.end - range.begin) / SHARD_ITEMS) * k };
        return {
          kernel: "sparseKmeansMeans" as const,
          args: {
            matrix: matrix.ref(),
            factors,
            weights,
            before: this.#summed,
            sums: this.#sums,
            labels,
            scale,
            old,
            ...range,
            outCentroids: centroids,
            outShorts: short ? shorts.values : undefined,
            shortScale: shorts.scale,
            outNorms: perShard,
            outShifts: perShard,
            outProducts: perShard,
          },
        };
      }),
    );
    const shardsOf = (name: string) => summed(k, ...results.map(({ outputs }) => outputs[name] as Float64Array));
    const most = Math.max(...results.map(({ value }) => value as number));
    this.#fillNext(labels, most, shardsOf("outNorms"), shardsOf("outShifts"));
    return shardsOf("outProducts");
  }

  #fillNext(labels: Int32Array, largest: number, norms: Float64Array, shifts: Float64Array): void {
    if (this.#sums !== undefined) this.#summed = labels;
    this.#next.largest = largest;
    this.#next.norms = norms;
    this.#shift = shifts.reduce((sum, shift) => sum + shift, 0);
  }

  /** Means of the clusters; the empty ones take the farthest users, or stay. Returns the summed squared move. */
  async update(): Promise<number> {
    const totals = [...this.#now.totals];
    const empty = this.rules.emptyClusters === "keep" ? [] : [...totals.keys()].filter((c) => totals[c] === 0);
    if (empty.length > 0) {
      const labels = shared.i32(this.points.n);
      const distances = shared.f32(this.points.n);
      const { weights } = this.points;
      await this.points.measure(this.#now.at, labels, distances);
      for (const [e, row] of (await farthestPoints(distances, weights, empty.length)).entries()) {
        const donor = labels[row]!;
        // What would leave a cluster empty stays.
        if (!(totals[donor]! > weights[row]!)) continue;
        totals[donor]! -= weights[row]!;
        totals[empty[e]!] = weights[row]!;
        labels[row] = empty[e]!;
      }
      await this.#means(labels, await this.#totalsOf(labels, totals));
    }
    [this.#before.at, this.#now.at, this.#next] = [this.#now.at, this.#next, this.#before.at];
    return this.#shift;
  }

  revert(): void {
    [this.#now, this.#before] = [this.#before, this.#now];
  }
}
