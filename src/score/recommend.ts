import { invalidArgument } from "../errors.js";
import type { ArgValue, KernelCall } from "../executor/call.js";
import { Executor, type RowRange, type RunOptions, shards, shared } from "../executor/executor.js";
import type { Matrix } from "../store/matrix.js";
import { integerBetween, oneOf } from "../util/arguments.js";
import { copyYielding, forEachYielding } from "../util/yield.js";
import { checkRange, type Neighbours, neighbourArgs, similarItems } from "./similar.js";
import { documentWeights, type WeightingName, weightingArgs } from "./weighting.js";

export const METHODS = ["item-knn", "user-knn", "saturated", "seed-literal"] as const;
export type Method = (typeof METHODS)[number];

/** Which stage scored a result. */
export const SCORE_SOURCES = ["none", "model", "segment", "popularity"] as const;
export type ScoreSource = (typeof SCORE_SOURCES)[number];

export interface RecommendOptions extends RunOptions {
  /** Default item-knn. */
  method?: Method | undefined;
  /** Results a user, at most; default 20. */
  n?: number | undefined;
  /** Of item-knn: cosine, tfidf or bm25; default cosine. */
  similarity?: Exclude<WeightingName, "saturation"> | undefined;
  /** Neighbours of the model; default 100. */
  neighbours?: number | undefined;
  /**
   * Of item-knn and saturated: the answer of similarItems for all items, so that it is not computed again. `similarity`,
   * `neighbours`, `k1` and `b` then count nothing.
   */
  model?: Neighbours | undefined;
  /** Of saturated and seed-literal: f(r) = r / (r + lambda); default 1. */
  lambda?: number | undefined;
  k1?: number | undefined;
  b?: number | undefined;
  /** Leave out items of the user's own row; default true. */
  filterSeen?: boolean | undefined;
  /** Weighted mean instead of the sum; default false. */
  normalise?: boolean | undefined;
  /** Only these items (ids). */
  allow?: readonly string[] | undefined;
  /** Never these items (ids). */
  deny?: readonly string[] | undefined;
  /** [numUsers] segment of each user, -1 for none: users whom the model gives too little get its popular items. */
  labels?: Int32Array | undefined;
  /** Fill up with popular items; default true. */
  fallback?: boolean | undefined;
  /** Users [begin, end) only; default all. */
  range?: RowRange | undefined;
}

/** Top-n items, fixed width, best first, of equal scores the smaller item. */
export interface Recommendations {
  n: number;
  range: RowRange;
  /** [rows * n] column of each item, unused places -1. */
  items: Int32Array;
  /** [rows * n] score; on the scale of its source. */
  scores: Float32Array;
  /** [rows * n] position in SCORE_SOURCES. */
  sources: Uint8Array;
  /** [rows] used places. */
  counts: Int32Array;
}

const SHARD_USERS = 8192;
/** Every segment costs a pass over the items. */
const MAX_LABEL = 1_000_000;
const SHARD_USERS_KNN = 1024;

/** @internal Ids that the matrix does not hold are no error: a deny list may be longer than today's catalogue. */
export async function allowedMask(
  matrix: Matrix,
  allow: readonly string[] | undefined,
  deny: readonly string[] | undefined,
): Promise<Uint8Array | undefined> {
  if (allow === undefined && deny === undefined) return undefined;
  const mask = shared.u8(matrix.numItems);
  const set = async (name: string, ids: readonly string[], value: number) => {
    if (!Array.isArray(ids))
      throw invalidArgument(`expected an array of item ids in ${name} but received ${typeof ids}`);
    await forEachYielding(ids.length, (i) => {
      const id: unknown = ids[i];
      if (typeof id !== "string")
        throw invalidArgument(`expected an item id in ${name}[${i}] but received ${String(id)} of type ${typeof id}`);
      const col = matrix.colOf(id);
      if (col >= 0) mask[col] = value;
    });
  };
  if (allow === undefined) mask.fill(1);
  else await set("allow", allow, 1);
  if (deny !== undefined) await set("deny", deny, 0);
  return mask;
}

/** @internal */
export async function fallbackArgs(
  executor: Executor,
  matrix: Matrix,
  options: Pick<RecommendOptions, "fallback" | "labels">,
): Promise<Record<string, ArgValue>> {
  if (options.fallback === false) return {};
  let labels: Int32Array | undefined;
  let segments = 0;
  if (options.labels !== undefined) {
    if (!(options.labels instanceof Int32Array) || options.labels.length !== matrix.numUsers) {
      throw invalidArgument(`expected an Int32Array of ${matrix.numUsers} labels`);
    }
    const copy = await copyYielding(shared.i32(matrix.numUsers), options.labels);
    await forEachYielding(copy.length, (user) => {
      const label = copy[user]!;
      if (label < -1 || label > MAX_LABEL)
        throw invalidArgument(`expected a label between -1 and ${MAX_LABEL} for user ${user} but received ${label}`);
      if (label >= segments) segments = label + 1;
    });
    labels = copy;
  }
  const { value } = await executor.run({
    kernel: "rankPopularItems",
    args: { matrix: matrix.ref(), labels, segments },
  });
  const lists = value as { indptr: BigInt64Array; items: Int32Array; scores: Float32Array };
  return {
    labels,
    fallbackIndptr: await copyYielding(shared.i64(lists.indptr.length), lists.indptr),
    fallbackItems: await copyYielding(shared.i32(lists.items.length), lists.items),
    fallbackScores: await copyYielding(shared.f32(lists.scores.length), lists.scores),
  };
}

export type ItemModelOptions = Pick<
  RecommendOptions,
  "model" | "similarity" | "neighbours" | "lambda" | "k1" | "b" | "threads" | "signal" | "onProgress"
>;

/** @internal The item model of a method as kernels take it: the caller's, or computed here. */
export async function itemModelArgs(
  matrix: Matrix,
  method: "item-knn" | "saturated",
  options: ItemModelOptions,
  includeSelf = false,
): Promise<KernelCall["args"]> {
  const saturation = { weighting: "saturation", lambda: options.lambda } as const;
  const transform = weightingArgs(method === "saturated" ? saturation : {});
  if (options.model !== undefined) {
    const { range, k, counts, indices, scores } = options.model;
    const items = matrix.numItems;
    if (range?.begin !== 0 || range.end !== items || counts.length !== items || indices.length !== items * k)
      throw invalidArgument(`expected in model what similarItems answers for all ${items} items of the matrix`);
    return { ...transform, ...neighbourArgs({ ...options.model, ...(await sharedLists(counts, indices, scores)) }) };
  }
  const k = integerBetween("neighbours", options.neighbours ?? 100, 1, 2 ** 31 - 1);
  const run: RunOptions = { threads: options.threads, signal: options.signal, onProgress: options.onProgress };
  if (method === "saturated") {
    // P = F (F'F): the item form, self included; exact when `neighbours` reaches the number of items.
    const model = await similarItems(matrix, { ...run, ...saturation, k, includeSelf: true });
    return { ...transform, ...neighbourArgs(model) };
  }
  const weighting = oneOf("similarity", options.similarity ?? "cosine", ["cosine", "tfidf", "bm25"] as const);
  const { k1, b } = options;
  const model = await similarItems(matrix, { ...run, weighting, k1, b, k, includeSelf });
  return { ...transform, ...neighbourArgs(model) };
}

/** Arrays that worker threads can read: those of similarItems as they are, others copied once. */
async function sharedLists(
  counts: Int32Array,
  indices: Int32Array,
  scores: Float32Array,
): Promise<Pick<Neighbours, "counts" | "indices" | "scores">> {
  const i32 = (array: Int32Array) =>
    array.buffer instanceof SharedArrayBuffer ? array : copyYielding(shared.i32(array.length), array);
  return {
    counts: await i32(counts),
    indices: await i32(indices),
    scores: scores.buffer instanceof SharedArrayBuffer ? scores : await copyYielding(shared.f32(scores.length), scores),
  };
}

/** Kernel and arguments of a method, its model computed. */
async function methodArgs(matrix: Matrix, options: RecommendOptions, executor: Executor): Promise<KernelCall> {
  const method = oneOf("method", options.method ?? "item-knn", METHODS);
  switch (method) {
    case "item-knn":
    case "saturated":
      return { kernel: "recommendItems", args: await itemModelArgs(matrix, method, options) };
    case "user-knn": {
      const neighbours = integerBetween("neighbours", options.neighbours ?? 100, 1, 2 ** 31 - 1);
      const weights = await documentWeights(executor, matrix, "users", { weighting: "cosine" });
      return { kernel: "recommendUsers", args: { ...weights, k: neighbours } };
    }
    case "seed-literal":
      return {
        kernel: "recommendSeedLiteral",
        args: weightingArgs({ weighting: "saturation", lambda: options.lambda }),
      };
  }
}

/**
 * The n items that suit each user best.
 *
 * item-knn: score(u, j) = sum_i r_ui s_ij; user-knn: sum_v s_uv r_vj; saturated: F Fᵀ F; seed-literal: F F.
 * Never more than n results; only scores > 0. Users for whom the model finds fewer are filled up from what is popular
 * in their segment, then from what is popular with all (`sources` says which; such scores are shares of users).
 * Exact and the same for any number of threads. Memory: 9 n bytes a user for the answer.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _OUT_OF_RANGE, _CORRUPT_FILE, _CANCELLED, _CLOSED.
 * Source: formulas.md, "Collaborative filtering".
 */
export async function recommend(matrix: Matrix, options: RecommendOptions = {}): Promise<Recommendations> {
  const executor = new Executor(options);
  const n = integerBetween("n", options.n ?? 20, 1, 1_000_000);
  const range = checkRange(options.range, matrix.numUsers);
  const allowed = await allowedMask(matrix, options.allow, options.deny);
  const { kernel, args } = await methodArgs(matrix, options, executor);
  const fallback = await fallbackArgs(executor, matrix, options);
  const rows = range.end - range.begin;
  const items = shared.i32(rows * n);
  const scores = shared.f32(rows * n);
  const sources = shared.u8(rows * n);
  const counts = shared.i32(rows);
  const calls = shards(rows, kernel === "recommendUsers" ? SHARD_USERS_KNN : SHARD_USERS).map(
    ({ begin, end }): KernelCall => ({
      kernel,
      args: {
        matrix: matrix.ref(),
        ...args,
        ...fallback,
        begin: range.begin + begin,
        end: range.begin + end,
        n,
        filterSeen: options.filterSeen ?? true,
        normalise: options.normalise ?? false,
        allowed,
        outItems: items.subarray(begin * n, end * n),
        outScores: scores.subarray(begin * n, end * n),
        outSources: sources.subarray(begin * n, end * n),
        outCounts: counts.subarray(begin, end),
      },
    }),
  );
  await executor.map(calls, {
    name: "recommend",
    weight: (index) => (calls[index]!.args.end as number) - (calls[index]!.args.begin as number),
  });
  return { n, range, items, scores, sources, counts };
}
