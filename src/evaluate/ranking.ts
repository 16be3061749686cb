/** Quality of recommendations against what users turned out to want. */
import { invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions, shards, shared } from "../executor/executor.js";
import type { Recommendations } from "../score/recommend.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { booleanOf, fieldsOf, integerBetween, typedArrayOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { copyYielding, forEachYielding } from "../util/yield.js";

/** In the order of native/include/couponcast/ranking.h. */
export const METRICS = [
  "precision",
  "recall",
  "map",
  "mapByK",
  "ndcg",
  "ndcgByK",
  "mrr",
  "hitRate",
  "novelty",
  "popularity",
  "historyPopularity",
  "diversity",
] as const;
export type RankingMetric = (typeof METRICS)[number];

/** Items that turned out to be relevant: rows of the matrix's users, columns ascending within a user. */
export interface RelevantItems {
  /** [numUsers + 1] */
  indptr: BigInt64Array;
  items: Int32Array;
}

/** Means over the users that have relevant items. */
export interface RankingQuality extends Record<RankingMetric, number> {
  /** Users with relevant items. */
  users: number;
  /** popularity / historyPopularity: above 1, lists are more popular than what their users deal with. */
  popularityBias: number;
  /** Standard error of the mean, users as the sample. */
  standardErrors: Record<RankingMetric, number>;
}

export interface RankingReport extends RankingQuality {
  k: number;
  /** Share of all items that are in some evaluated user's list. */
  coverage: number;
  /** Gini coefficient of how often items are listed: 0 all alike, towards 1 few items take all places. */
  gini: number;
  /** By the segment of `labels`. */
  segments: RankingQuality[];
}

export interface RankingOptions extends RunOptions {
  /** Places of each list that count; default: all. */
  k?: number | undefined;
  /** [numUsers] segment of each user, -1 for none. */
  labels?: Int32Array | undefined;
  /** Whether to compute the diversity of lists, by far the most work where items are popular; default true, else it is 0. */
  diversity?: boolean | undefined;
}

const SHARD_USERS = 16_384;

/**
 * Precision, recall, MAP, NDCG, MRR, hit rate, novelty, popularity and diversity of each user's list at k, as means over
 * users with relevant items; coverage and Gini coefficient over all lists. `map` and `ndcg` divide by what min(k, R)
 * relevant items can reach, `mapByK` and `ndcgByK` by what k can. Exact definitions: native/include/couponcast/ranking.h.
 *
 * `recommendations` are of all users of `history`, the matrix that they were made from. Float64 over fixed shards in
 * order: the same bits for any number of threads. Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _OUT_OF_RANGE, _CANCELLED.
 * Source: formulas.md, "Ranking metrics".
 */
export async function evaluateRanking(
  history: Matrix,
  relevant: RelevantItems,
  recommendations: Recommendations,
  options: RankingOptions = {},
): Promise<RankingReport> {
  checkMatrix("history", history);
  knownOptions("evaluateRanking", options, { ...RUN_OPTIONS, k: true, labels: true, diversity: true });
  const { n: width, range, items, counts } = fieldsOf("recommendations", recommendations);
  const { numUsers, numItems } = history;
  if (fieldsOf("recommendations.range", range).begin !== 0 || range.end !== numUsers)
    throw invalidArgument(`expected recommendations of all ${numUsers} users of the matrix`);
  integerBetween("recommendations.n", width, 1, 2 ** 31 - 1);
  const k = integerBetween("k", options.k ?? width, 1, width);
  const { labels, segments } = await sharedLabels(options.labels, numUsers);
  const groups = segments + 1;
  const executor = new Executor(options);
  const args = {
    matrix: history.ref(),
    relevantIndptr: await sharedI64("relevant.indptr", fieldsOf("relevant", relevant).indptr),
    relevantItems: await sharedI32("relevant.items", relevant.items),
    items: await sharedI32("recommendations.items", items),
    counts: await sharedI32("recommendations.counts", counts),
    width,
    k,
    labels,
    segments,
    diversity: booleanOf("diversity", options.diversity ?? true),
  };
  const ranges = shards(numUsers, SHARD_USERS);
  const parts = await executor.map(
    ranges.map(({ begin, end }) => ({
      kernel: "sumRankingMetrics",
      args: {
        ...args,
        begin,
        end,
        outSums: { $return: "F64", length: groups * METRICS.length },
        outSquares: { $return: "F64", length: groups * METRICS.length },
        outUsers: { $return: "I64", length: groups },
        outExposure: { $return: "I64", length: numItems },
      },
    })),
    { name: "metrics", weight: (index) => ranges[index]!.end - ranges[index]!.begin },
  );
  const sums = new Float64Array(groups * METRICS.length);
  const squares = new Float64Array(groups * METRICS.length);
  const users = new Float64Array(groups);
  const exposure = new Float64Array(numItems);
  for (const { outputs } of parts) {
    addTo(sums, outputs.outSums as Float64Array);
    addTo(squares, outputs.outSquares as Float64Array);
    addTo(users, outputs.outUsers as BigInt64Array);
    addTo(exposure, outputs.outExposure as BigInt64Array);
  }
  const quality = (group: number) =>
    meanQuality(
      users[group]!,
      sums.subarray(group * METRICS.length, (group + 1) * METRICS.length),
      squares.subarray(group * METRICS.length, (group + 1) * METRICS.length),
    );
  return {
    k,
    ...quality(segments),
    coverage: numItems > 0 ? exposure.filter((n) => n > 0).length / numItems : 0,
    gini: giniOf(exposure),
    segments: Array.from({ length: segments }, (_, s) => quality(s)),
  };
}

function meanQuality(users: number, sums: Float64Array, squares: Float64Array): RankingQuality {
  const means = {} as Record<RankingMetric, number>;
  const standardErrors = {} as Record<RankingMetric, number>;
  for (const [m, name] of METRICS.entries()) {
    const mean = users > 0 ? sums[m]! / users : 0;
    means[name] = mean;
    const variance = users > 1 ? Math.max(0, squares[m]! - users * mean * mean) / (users - 1) : 0;
    standardErrors[name] = users > 0 ? Math.sqrt(variance / users) : 0;
  }
  const popularityBias = means.historyPopularity > 0 ? means.popularity / means.historyPopularity : 0;
  return { users, ...means, popularityBias, standardErrors };
}

/** sum_i (2 i - n - 1) x_i / (n sum x), x ascending, i from 1. */
function giniOf(exposure: Float64Array): number {
  const sorted = exposure.toSorted();
  const n = sorted.length;
  let weighted = 0;
  let total = 0;
  for (let i = 0; i < n; i++) {
    weighted += (2 * (i + 1) - n - 1) * sorted[i]!;
    total += sorted[i]!;
  }
  return total > 0 ? weighted / (n * total) : 0;
}

function addTo(target: Float64Array, part: Float64Array | BigInt64Array): void {
  for (let i = 0; i < target.length; i++) target[i]! += Number(part[i]!);
}

async function sharedLabels(labels: Int32Array | undefined, numUsers: number) {
  if (labels === undefined) return { labels: undefined, segments: 0 };
  if (!(labels instanceof Int32Array) || labels.length !== numUsers)
    throw invalidArgument(`expected an Int32Array of ${numUsers} labels`);
  let segments = 0;
  await forEachYielding(labels.length, (user) => {
    if (labels[user]! >= segments) segments = labels[user]! + 1;
  });
  return { labels: await sharedI32("labels", labels), segments };
}

const sharedI32 = (name: string, array: Int32Array) =>
  typedArrayOf(name, array, Int32Array).buffer instanceof SharedArrayBuffer
    ? array
    : copyYielding(shared.i32(array.length), array);
const sharedI64 = (name: string, array: BigInt64Array) =>
  typedArrayOf(name, array, BigInt64Array).buffer instanceof SharedArrayBuffer
    ? array
    : copyYielding(shared.i64(array.length), array);
