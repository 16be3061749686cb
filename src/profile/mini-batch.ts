import { type Executor, shared } from "../executor/executor.js";
import { integerBetween, numberBetween } from "../util/arguments.js";
import { Random } from "../util/random.js";
import { forEachYielding } from "../util/yield.js";

export interface MiniBatchSettings {
  /** Points of a step, drawn with replacement; default 1024, at most all. */
  batchSize?: number | undefined;
  /** Passes over as many points as there are, at most; default 100. */
  maxIterations?: number | undefined;
  /** Stop when this many steps in a row have not lowered the smoothed inertia; default 10, 0: never for that. */
  maxNoImprovement?: number | undefined;
  /** A centroid that has seen less than this share of the most seen one's weight starts anew from a point; default 0.01. */
  reassignmentRatio?: number | undefined;
}

/** For knownOptions. */
export const MINI_BATCH_SETTINGS = {
  batchSize: true,
  maxIterations: true,
  maxNoImprovement: true,
  reassignmentRatio: true,
};

export interface MiniBatchProgress {
  /** Batches seen. */
  steps: number;
  /** Passes over as many points as there are, the last one begun. */
  iterations: number;
  /** Whether it stopped before maxIterations. */
  converged: boolean;
}

/** Centroids that batches move: each is the mean of all points that it was ever given. */
export interface MiniBatchEngine {
  readonly k: number;
  /** Points that batches are drawn from, and which rows they are; undefined: all. */
  readonly drawn: Int32Array | undefined;
  readonly n: number;
  /** [n] or undefined: all 1 */
  readonly weights: Float32Array | undefined;
  /** [k] weight of the points that each centroid has been given. */
  readonly seen: Float64Array;
  /** Gives the rows to their nearest centroids, then moves those; returns the inertia before and the squared move. */
  step(rows: Int32Array): Promise<{ inertia: number; shift: number }>;
  /** Makes a row the centroid of a cluster, with that weight as seen. */
  restart(cluster: number, row: number, seen: number): void;
}

export type CheckedSettings = Required<{ [K in keyof MiniBatchSettings]: number }>;

export function checkedSettings(settings: MiniBatchSettings, n: number): CheckedSettings {
  const { batchSize, maxIterations, maxNoImprovement, reassignmentRatio } = settings;
  return {
    batchSize: Math.min(integerBetween("batchSize", batchSize ?? 1024, 1, 1e9), n),
    maxIterations: integerBetween("maxIterations", maxIterations ?? 100, 1, 1_000_000),
    maxNoImprovement: integerBetween("maxNoImprovement", maxNoImprovement ?? 10, 0, 1_000_000_000),
    reassignmentRatio: numberBetween("reassignmentRatio", reassignmentRatio ?? 0.01, 0, 1),
  };
}

/** Points that first centroids are chosen among: three batches, as scikit-learn has it. */
export const initSizeOf = (n: number, k: number, batchSize: number) => Math.min(n, 3 * Math.max(k, batchSize));

/** Streams of a seed: the starts take the first ones. */
const BATCHES = 2 ** 32;
const RESTARTS = BATCHES + 1;

/**
 * Steps of mini-batches until the smoothed inertia falls no more: the rules of scikit-learn's MiniBatchKMeans. `threshold`: of the summed squared move; 0: not looked at.
 * Source: Sculley 2010, "Web-scale k-means clustering".
 */
export async function miniBatches(
  executor: Executor,
  engine: MiniBatchEngine,
  settings: CheckedSettings,
  seed: number,
  threshold: number,
): Promise<MiniBatchProgress> {
  const { batchSize, maxIterations, maxNoImprovement, reassignmentRatio } = settings;
  const { drawn, k } = engine;
  const n = drawn?.length ?? engine.n;
  const random = new Random(seed, BATCHES);
  const restarts = new Random(seed, RESTARTS);
  const draw = (batch: Int32Array) =>
    forEachYielding(batch.length, (i) => {
      const at = random.int(n);
      batch[i] = drawn === undefined ? at : drawn[at]!;
    });
  const totalSteps = Math.max(1, Math.floor((maxIterations * n) / batchSize));
  const smoothing = Math.min(1, (2 * batchSize) / (n + 1));
  let [batch, next] = [shared.i32(batchSize), shared.i32(batchSize)];
  let smoothed = Number.NaN;
  let least = Number.POSITIVE_INFINITY;
  let withoutGain = 0;
  let sinceRestart = 0;
  let steps = 0;
  let converged = false;
  await draw(batch);
  while (steps < totalSteps && !converged) {
    const [{ inertia, shift }] = await Promise.all([engine.step(batch), draw(next)]);
    steps++;
    sinceRestart += batchSize;
    if (sinceRestart >= 10 * k || engine.seen.includes(0)) {
      sinceRestart = 0;
      restartWeak(engine, batch, reassignmentRatio, restarts);
    }
    [batch, next] = [next, batch];
    executor.progress("k-means", steps, totalSteps);
    // The first step is that of the start, which says nothing of the gain.
    if (steps === 1) continue;
    const mean = inertia / batchSize;
    smoothed = Number.isNaN(smoothed) ? mean : smoothed * (1 - smoothing) + mean * smoothing;
    withoutGain = smoothed < least ? 0 : withoutGain + 1;
    least = Math.min(least, smoothed);
    converged = (threshold > 0 && shift <= threshold) || (maxNoImprovement > 0 && withoutGain >= maxNoImprovement);
  }
  return { steps, iterations: Math.ceil((steps * batchSize) / n), converged };
}

/** Centroids that have seen little become points of the batch; half a batch at most, the least seen first. */
function restartWeak(engine: MiniBatchEngine, batch: Int32Array, ratio: number, random: Random): void {
  const { seen, weights } = engine;
  const limit = ratio * seen.reduce((a, b) => Math.max(a, b), 0);
  let weak = [...seen.keys()].filter((c) => seen[c]! < limit);
  const most = Math.floor(batch.length / 2);
  if (weak.length > most) {
    weak = weak.sort((a, b) => seen[a]! - seen[b]! || a - b).slice(0, most);
    weak.sort((a, b) => a - b);
  }
  if (weak.length === 0) return;
  const rows = Int32Array.from(weights === undefined ? batch : batch.filter((row) => weights[row]! > 0));
  const isWeak = new Set(weak);
  const least = seen.reduce((smallest, weight, c) => (isWeak.has(c) ? smallest : Math.min(smallest, weight)), Infinity);
  for (const [i, cluster] of weak.entries()) {
    if (i >= rows.length) break;
    const at = i + random.int(rows.length - i);
    engine.restart(cluster, rows[at]!, least);
    rows[at] = rows[i]!;
  }
}

/** Rows of a batch that one call takes: the same for any number of threads. */
export function batchShards(rows: Int32Array): Int32Array[] {
  const size = Math.max(MIN_SHARD_ROWS, Math.ceil(rows.length / MAX_SHARDS));
  const count = Math.ceil(rows.length / size);
  return Array.from({ length: count }, (_, s) => rows.subarray(s * size, (s + 1) * size));
}

const MIN_SHARD_ROWS = 2500;
const MAX_SHARDS = 16;
