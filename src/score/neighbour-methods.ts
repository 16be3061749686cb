/** The methods that score by neighbours: item-knn, saturated, user-knn, and the article's literal form. */
import { invalidArgument } from "../errors.js";
import type { KernelCall } from "../executor/call.js";
import { type Executor, type RunOptions, shared } from "../executor/executor.js";
import type { Matrix } from "../store/matrix.js";
import { integerBetween, oneOf } from "../util/arguments.js";
import { copyYielding } from "../util/yield.js";
import type { KernelModel, ModelArgs, ScoringMethod } from "./method.js";
import type { SavedModel } from "./model-file.js";
import { type Neighbours, neighbourArgs, similarItems } from "./similar.js";
import { documentWeights, type WeightingArgs, type WeightingName, weightingArgs } from "./weighting.js";

export interface NeighbourMethodOptions extends RunOptions {
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
}

const SHARD_USERS = 8192;
/** Each of these users looks at all others. */
const SHARD_USERS_KNN = 1024;
const MAX_NEIGHBOURS = 2 ** 31 - 1;

export const NEIGHBOUR_METHODS = ["item-knn", "user-knn", "saturated", "seed-literal"] as const;

/** How the cells of a user's row count for a model of items. */
function rowTransform(method: string, lambda: number | undefined): WeightingArgs {
  return weightingArgs(method === "saturated" ? { similarity: "saturation", lambda } : {});
}

/** @internal A model of item neighbours, whatever they were found by. */
export function itemModel(method: string, numItems: number, args: ModelArgs): KernelModel {
  return {
    method,
    args,
    rank: { kernel: "recommendItems", usersPerCall: SHARD_USERS },
    affinity: {
      scopeKernel: "scopeWeightsItems",
      rows: numItems,
      kernel: "affinityItems",
      usersPerCall: SHARD_USERS,
    },
  };
}

/** @internal What a file of writeNeighbours holds for item-knn and saturated. */
export function savedItemModel(method: string, lambda: number, numItems: number, k: number, file: string): SavedModel {
  const { args: _, ...model } = itemModel(method, numItems, {});
  return {
    ...model,
    numbers: { ...rowTransform(method, lambda), neighbourK: k },
    file,
    matrices: {},
    tensors: {
      neighbourIndices: "neighbours.indices",
      neighbourScores: "neighbours.scores",
      neighbourCounts: "neighbours.counts",
    },
  };
}

/** @internal The item model of a method as kernels take it: the caller's, or computed here. */
export async function itemModelArgs(
  matrix: Matrix,
  method: "item-knn" | "saturated",
  options: NeighbourMethodOptions,
  includeSelf = false,
): Promise<KernelCall["args"]> {
  const transform = rowTransform(method, options.lambda);
  if (options.model !== undefined) {
    const { range, k, counts, indices, scores } = options.model;
    const items = matrix.numItems;
    if (range?.begin !== 0 || range.end !== items || counts.length !== items || indices.length !== items * k)
      throw invalidArgument(`expected in model what similarItems answers for all ${items} items of the matrix`);
    return { ...transform, ...neighbourArgs({ ...options.model, ...(await sharedLists(counts, indices, scores)) }) };
  }
  const neighbours = integerBetween("neighbours", options.neighbours ?? 100, 1, MAX_NEIGHBOURS);
  const run: RunOptions = { threads: options.threads, signal: options.signal, onProgress: options.onProgress };
  if (method === "saturated") {
    // P = F (F'F): the item form, self included; exact when `neighbours` reaches the number of items.
    const saturation = { similarity: "saturation", lambda: options.lambda } as const;
    const model = await similarItems(matrix, { ...run, ...saturation, neighbours, includeSelf: true });
    return { ...transform, ...neighbourArgs(model) };
  }
  const similarity = oneOf("similarity", options.similarity ?? "cosine", ["cosine", "tfidf", "bm25"] as const);
  const { k1, b } = options;
  const model = await similarItems(matrix, { ...run, similarity, k1, b, neighbours, includeSelf });
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

const byItems = (name: "item-knn" | "saturated"): ScoringMethod<NeighbourMethodOptions> => ({
  name,
  fit: async (_, matrix, options, use) =>
    itemModel(name, matrix.numItems, await itemModelArgs(matrix, name, options, use === "affinity")),
});

/** score(u, j) = sum_i r_ui s_ij over the `neighbours` most similar items. */
export const itemKnn = byItems("item-knn");

/** F Fᵀ F with F = r / (r + lambda), by its item form. */
export const saturated = byItems("saturated");

/** score(u, j) = sum_v s_uv r_vj over the `neighbours` most similar users. */
export const userKnn: ScoringMethod<NeighbourMethodOptions> = {
  name: "user-knn",
  async fit(executor: Executor, matrix, options) {
    const k = integerBetween("neighbours", options.neighbours ?? 100, 1, MAX_NEIGHBOURS);
    return {
      method: "user-knn",
      args: { ...(await documentWeights(executor, matrix, "users", { similarity: "cosine" })), k },
      rank: { kernel: "recommendUsers", usersPerCall: SHARD_USERS_KNN },
      affinity: {
        scopeKernel: "scopeWeightsUsers",
        rows: matrix.numUsers,
        kernel: "affinityUsers",
        usersPerCall: SHARD_USERS_KNN,
      },
    };
  },
};

/** F F of a square matrix: for teaching and tests. */
export const seedLiteral: ScoringMethod<NeighbourMethodOptions> = {
  name: "seed-literal",
  fit: async (_executor, _matrix, { lambda }) => ({
    method: "seed-literal",
    args: weightingArgs({ similarity: "saturation", lambda }),
    rank: { kernel: "recommendSeedLiteral", usersPerCall: SHARD_USERS },
  }),
};
