import { invalidArgument } from "../errors.js";
import type { ArgValue } from "../executor/call.js";
import { Executor, type RowRange, shared } from "../executor/executor.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { booleanOf, integerBetween, shown } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { copyYielding, forEachYielding } from "../util/yield.js";
import { fitMethod, METHOD_OPTIONS, type MethodOptions } from "./methods.js";
import { checkRange } from "./similar.js";

/** Which stage scored a result. */
export const SCORE_SOURCES = ["none", "model", "segment", "popularity"] as const;
export type ScoreSource = (typeof SCORE_SOURCES)[number];

export interface RecommendOptions extends MethodOptions {
  /** Results a user, at most; default 20. */
  n?: number | undefined;
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

/** For knownOptions: what does not depend on the users who are asked about. */
export const LIST_OPTIONS = { n: true, filterSeen: true, normalise: true, allow: true, deny: true, fallback: true };

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

/** Every segment costs a pass over the items. */
const MAX_LABEL = 1_000_000;

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
        throw invalidArgument(`expected an item id in ${name}[${i}] but received ${shown(id)} of type ${typeof id}`);
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
  if (!booleanOf("fallback", options.fallback ?? true)) return {};
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
  await matrix.check(executor);
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
  checkMatrix("matrix", matrix);
  knownOptions("recommend", options, { ...METHOD_OPTIONS, ...LIST_OPTIONS, labels: true, range: true });
  const executor = new Executor(options);
  const n = integerBetween("n", options.n ?? 20, 1, 1_000_000);
  const filterSeen = booleanOf("filterSeen", options.filterSeen ?? true);
  const normalise = booleanOf("normalise", options.normalise ?? false);
  const range = checkRange(options.range, matrix.numUsers);
  const allowed = await allowedMask(matrix, options.allow, options.deny);
  const fitted = await fitMethod(executor, matrix, options, "rank");
  const fallback = await fallbackArgs(executor, matrix, options);
  const rows = range.end - range.begin;
  const items = shared.i32(rows * n);
  const scores = shared.f32(rows * n);
  const sources = shared.u8(rows * n);
  const counts = shared.i32(rows);
  await fitted.rank({
    executor,
    range,
    n,
    options: { ...fallback, filterSeen, normalise, allowed },
    items,
    scores,
    sources,
    counts,
  });
  return { n, range, items, scores, sources, counts };
}
