/** Clusters of users by their items, kept in a file so that later users can be put into them. */
import { z } from "zod";
import { CouponcastError, invalidArgument } from "../errors.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { readTensors, verifiedMetadata } from "../store/tensors.js";
import { textsOf } from "../store/texts.js";
import { writeTensors } from "../store/write-tensors.js";
import { arrayOf, fieldsOf, integerBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { forEachYielding, ROWS_PER_YIELD, yieldToEventLoop } from "../util/yield.js";

export interface UserClusterModel {
  /** Ids of the items that clusters have scores of. */
  items: string[];
  /** [items * k] score of item i in cluster c: centroids[i * k + c]. */
  centroids: Float32Array;
  /** [k] users of each cluster when it was made. */
  sizes: number[];
  /** Whether rows count at unit length. */
  unitLength: boolean;
}

/** As clusterUsers and miniBatchUsers find them: the mean of item i in cluster c is centroids[i * lanes + c]. */
interface FoundClusters {
  centroids: Float32Array;
  lanes: number;
  sizes: readonly number[];
}

export interface UserClusterModelOptions {
  /** As the clusters were found; default true. */
  unitLength?: boolean | undefined;
  /** Clusters as the model numbers them; default all, as they are. */
  order?: readonly number[] | undefined;
}

/** @internal Of the files. */
export const USER_CLUSTERS_KIND = "user-clusters";
const VERSION = "1";
const TENSORS = { centroids: "F32", sizes: "F64", "items.offsets": "I64", "items.bytes": "U8" } as const;
const metadataSchema = z.object({
  kind: z.literal(USER_CLUSTERS_KIND),
  version: z.literal(VERSION),
  unitLength: z.enum(["true", "false"]),
});

/**
 * The model of clusters that clusterUsers or miniBatchUsers has found in the users of `matrix`.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (clusters of another matrix).
 */
export async function userClusterModel(
  matrix: Matrix,
  clusters: FoundClusters,
  options: UserClusterModelOptions = {},
): Promise<UserClusterModel> {
  checkMatrix("matrix", matrix);
  const { centroids, lanes, sizes } = fieldsOf("clusters", clusters);
  const { unitLength = true, order } = knownOptions("userClusterModel", options, {
    unitLength: true,
    order: true,
  });
  const k = arrayOf("clusters.sizes", sizes).length;
  integerBetween("clusters.lanes", lanes, k, Number.MAX_SAFE_INTEGER);
  if (!(centroids instanceof Float32Array) || centroids.length !== matrix.numItems * lanes)
    throw invalidArgument("expected clusters of the users of this matrix");
  const chosen = [...(order === undefined ? sizes.keys() : arrayOf("order", order))];
  for (const c of chosen) integerBetween("order", c, 0, k - 1);
  const kept = new Float32Array(matrix.numItems * chosen.length);
  await forEachYielding(matrix.numItems, (item) => {
    for (const [to, c] of chosen.entries()) kept[item * chosen.length + to] = centroids[item * lanes + c]!;
  });
  return checked({ items: await itemsOf(matrix), centroids: kept, sizes: chosen.map((c) => sizes[c]!), unitLength });
}

async function itemsOf(matrix: Matrix): Promise<string[]> {
  const items: string[] = [];
  for (let begin = 0; begin < matrix.numItems; begin += ROWS_PER_YIELD) {
    for (const id of matrix.ids("items", begin, Math.min(begin + ROWS_PER_YIELD, matrix.numItems))) items.push(id);
    await yieldToEventLoop();
  }
  return items;
}

/**
 * Writes a model as a safetensors file, whole or not at all: centroids F32 [items, k], sizes F64 [k], and the items' ids.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (no cluster, no item), ERR_COUPONCAST_IO.
 */
export async function writeUserClusterModel(path: string, model: UserClusterModel): Promise<void> {
  const { items, centroids, sizes, unitLength } = await checked(model);
  const texts = items.map((id) => Buffer.from(id));
  const offsets = new BigInt64Array(items.length + 1);
  for (const [i, { length }] of texts.entries()) offsets[i + 1] = offsets[i]! + BigInt(length);
  const bytes = Buffer.concat(texts);
  await writeTensors(
    path,
    USER_CLUSTERS_KIND,
    [
      { name: "centroids", dtype: TENSORS.centroids, shape: [items.length, sizes.length], data: centroids },
      { name: "sizes", dtype: TENSORS.sizes, shape: [sizes.length], data: Float64Array.from(sizes) },
      { name: "items.offsets", dtype: TENSORS["items.offsets"], shape: [offsets.length], data: offsets },
      { name: "items.bytes", dtype: TENSORS["items.bytes"], shape: [bytes.length], data: bytes },
    ],
    { version: VERSION, unitLength: String(unitLength) },
  );
}

/**
 * Reads what writeUserClusterModel wrote; every number of it is checked.
 * Errors: ERR_COUPONCAST_IO, ERR_COUPONCAST_CORRUPT_FILE.
 */
export async function readUserClusterModel(path: string): Promise<UserClusterModel> {
  const known = metadataSchema.safeParse(verifiedMetadata(path));
  if (!known.success) throw corrupt(path, "it holds no clusters of users by their items, of this version");
  const tensors = readTensors(path, TENSORS);
  const items: string[] = [];
  const ids = textsOf(path, tensors["items.offsets"] as BigInt64Array, tensors["items.bytes"] as Uint8Array);
  for await (const some of ids) for (const id of some) items.push(id);
  const model = {
    items,
    centroids: tensors.centroids as Float32Array,
    sizes: [...(tensors.sizes as Float64Array)],
    unitLength: known.data.unitLength === "true",
  };
  const problem = await problemOf(model);
  if (problem !== undefined) throw corrupt(path, problem);
  return model;
}

/** Refuses what is no model. */
export async function checked(model: UserClusterModel): Promise<UserClusterModel> {
  const problem = await problemOf(model);
  if (problem !== undefined) throw invalidArgument(`no model of clusters of users: ${problem}`);
  return model;
}

async function problemOf(model: UserClusterModel): Promise<string | undefined> {
  const { items, centroids, sizes, unitLength } = fieldsOf("model", model);
  if (!Array.isArray(items) || !items.every((id) => typeof id === "string") || new Set(items).size !== items.length)
    return "expected items with an id of its own each";
  if (items.length === 0) return "expected at least one item";
  if (!Array.isArray(sizes) || sizes.length === 0) return "expected at least one cluster";
  if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) return "expected sizes that count users";
  if (!(centroids instanceof Float32Array) || centroids.length !== items.length * sizes.length)
    return "expected a score of each item in each cluster";
  if (typeof unitLength !== "boolean") return "expected unitLength as true or false";
  let finite = true;
  await forEachYielding(centroids.length, (at) => {
    finite &&= Number.isFinite(centroids[at]);
  });
  return finite ? undefined : "expected finite centroids";
}

function corrupt(path: string, problem: string): CouponcastError {
  return new CouponcastError("ERR_COUPONCAST_CORRUPT_FILE", `${path}: ${problem}`, {
    file: path,
    hint: "Expected a model as `couponcast segment --model` writes it of a matrix.",
  });
}
