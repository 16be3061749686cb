import { resolve } from "node:path";
import { CouponcastError } from "../errors.js";
import type { TensorRef } from "../executor/call.js";
import { pathOf } from "../util/arguments.js";
import { readTensors, tensorsInfo } from "./tensors.js";
import { textsOf } from "./texts.js";

/** What makes a basket: all of a user's events, those of a calendar day, or an order. */
export const BASKETS_BY = ["user", "user-day", "order"] as const;
export type BasketsBy = (typeof BASKETS_BY)[number];

/** Tensors of a file of baskets; `users` holds the user's row of each basket, ids are those of the items. */
export const BASKET_TENSORS = {
  indptr: "I64",
  "items.offsets": "I64",
  items: "I32",
  users: "I32",
  "items.bytes": "U8",
} as const;

/** An open file of baskets: those of one user one behind the other, by their first event. */
export interface BasketFile {
  readonly path: string;
  readonly by: BasketsBy;
  readonly numBaskets: number;
  readonly numCells: number;
  readonly numItems: number;
  /** @internal Arguments of the kernels. */
  readonly args: { indptr: TensorRef; items: TensorRef };
}

/**
 * Opens a file of baskets, as `ingest` writes it; the cost does not depend on its size, the content is checked by what
 * counts it. Errors: ERR_COUPONCAST_IO, ERR_COUPONCAST_CORRUPT_FILE (also another kind of file).
 */
export async function openBaskets(path: string): Promise<BasketFile> {
  const absolute = resolve(pathOf(path));
  const { tensors, metadata } = tensorsInfo(absolute);
  const corrupt = (what: string) =>
    new CouponcastError("ERR_COUPONCAST_CORRUPT_FILE", `${path}: expected ${what}`, {
      file: path,
      hint: "couponcast ingest --baskets writes such a file.",
    });
  for (const [name, dtype] of Object.entries(BASKET_TENSORS)) {
    if (tensors[name]?.dtype !== dtype || tensors[name].shape.length !== 1) {
      throw corrupt(`baskets, with a tensor ${name} of dtype ${dtype}`);
    }
  }
  const length = (name: keyof typeof BASKET_TENSORS) => tensors[name]!.shape[0]!;
  const numBaskets = length("indptr") - 1;
  const numItems = length("items.offsets") - 1;
  if (numBaskets < 0 || numItems < 0 || length("users") !== numBaskets) {
    throw corrupt("baskets + 1 pointers, a user for each basket and items + 1 offsets of ids");
  }
  const by = BASKETS_BY.find((name) => name === metadata.by);
  if (by === undefined) throw corrupt(`one of ${BASKETS_BY.join(", ")} as \`by\` in the metadata`);
  const tensor = (name: string) => ({ $file: absolute, tensor: name });
  return {
    path: absolute,
    by,
    numBaskets,
    numCells: length("items"),
    numItems,
    args: { indptr: tensor("indptr"), items: tensor("items") },
  };
}

/** Ids of the items of a file of baskets, in order, in batches. Errors: ERR_COUPONCAST_CORRUPT_FILE, _IO. */
export async function* basketItemIds({ path }: BasketFile): AsyncGenerator<string[]> {
  const tensors = readTensors(path, { "items.offsets": "I64", "items.bytes": "U8" });
  yield* textsOf(path, tensors["items.offsets"] as BigInt64Array, tensors["items.bytes"] as Uint8Array);
}
