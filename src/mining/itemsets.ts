import { CouponcastError, invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions, shared } from "../executor/executor.js";
import type { BasketFile } from "../store/baskets.js";
import type { Matrix } from "../store/matrix.js";
import { integerBetween, numberBetween, oneOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { forEachYielding } from "../util/yield.js";
import { type Baskets, basketInput, type RankedBaskets, rankBaskets } from "./baskets.js";
import { ItemsetList, type ItemsetPart } from "./itemset-list.js";
import { ITEMSET_KINDS, type ItemsetKind, MINING_ALGORITHMS, type MiningAlgorithm } from "./names.js";

export interface ItemsetOptions extends RunOptions {
  /** Share of the baskets, in (0, 1]; rounded up to whole baskets. Give this or minCount. */
  minSupport?: number | undefined;
  /** Number of baskets, at least 1. */
  minCount?: number | undefined;
  /**
   * Default all; closed: sets of which no superset is in as many baskets; maximal: sets of which no superset is
   * frequent. Supersets beyond maxLength count too.
   */
  kind?: ItemsetKind | undefined;
  /** Items in a set, at most; default no limit. */
  maxLength?: number | undefined;
  /** Default auto: eclat where the baskets with an item are dense enough for bits, else fp-growth. The same sets from all. */
  algorithm?: MiningAlgorithm | undefined;
  /** Distinct items in a basket, at most; default 1000. */
  maxBasketItems?: number | undefined;
  /** What to do with baskets of more; default refuse. Baskets that are left out count for shares, but not for supports. */
  longBaskets?: "refuse" | "leave-out" | undefined;
  /** Frequent sets, at most, of any kind; default 10,000,000, some 9 bytes each. More are refused. */
  maxItemsets?: number | undefined;
}

const ITEMSET_OPTIONS = {
  ...RUN_OPTIONS,
  minSupport: true,
  minCount: true,
  kind: true,
  maxLength: true,
  algorithm: true,
  maxBasketItems: true,
  longBaskets: true,
  maxItemsets: true,
};

const DEFAULT_MAX_BASKET_ITEMS = 1000;
const DEFAULT_MAX_ITEMSETS = 10_000_000;
/** More than one, for balance: the work of a class is hard to foresee. */
const SHARES_PER_THREAD = 16;

/** The least number of baskets that is at least the share `minSupport` of them. */
function minCountOf(numBaskets: number, { minSupport, minCount }: ItemsetOptions): number {
  if ((minSupport === undefined) === (minCount === undefined)) {
    throw invalidArgument("expected either minSupport or minCount", { field: "minSupport" });
  }
  if (minCount !== undefined) return integerBetween("minCount", minCount, 1, 2 ** 31 - 1);
  const share = numberBetween("minSupport", minSupport, 0, 1);
  if (share === 0) throw invalidArgument("expected a minSupport above 0 but received 0", { field: "minSupport" });
  const count = Math.ceil(share * numBaskets);
  // 0.07 * 100 is a little more than 7.
  return Math.max(1, (count - 1) / numBaskets >= share ? count - 1 : count);
}

/**
 * Frequent itemsets: all sets of items that at least minCount baskets hold, with that number of baskets.
 *
 * @param baskets rows of distinct ascending items, a file of them, or a matrix: one basket a user
 *
 * Order: items rank by rising support, of equal ones the smaller first; a set lists its items by rank, and sets are
 * lexicographic by rank. The same for every algorithm and any number of threads.
 * Memory: 8 bytes a cell, 9 bytes a set, and one class of sets with a common first item a thread.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_OUT_OF_RANGE (more than maxItemsets), ERR_COUPONCAST_CANCELLED.
 * Source: Agrawal & Srikant 1994; Zaki 1997; Han, Pei & Yin 2000; formulas.md, "Association rules".
 */
export async function frequentItemsets(
  baskets: Baskets | BasketFile | Matrix,
  options: ItemsetOptions,
): Promise<ItemsetList> {
  const input = await basketInput(baskets);
  const minCount = minCountOf(input.numBaskets, knownOptions("frequentItemsets", options, ITEMSET_OPTIONS));
  const maxLength =
    options.maxLength === undefined ? 0 : integerBetween("maxLength", options.maxLength, 1, 2 ** 31 - 1);
  const kind = oneOf("kind", options.kind ?? "all", ITEMSET_KINDS);
  const algorithm = oneOf("algorithm", options.algorithm ?? "auto", MINING_ALGORITHMS);
  const maxItemsets = integerBetween("maxItemsets", options.maxItemsets ?? DEFAULT_MAX_ITEMSETS, 1, 2 ** 31 - 1);
  const maxBasketItems = integerBetween(
    "maxBasketItems",
    options.maxBasketItems ?? DEFAULT_MAX_BASKET_ITEMS,
    1,
    2 ** 31 - 1,
  );
  const longBaskets = oneOf("longBaskets", options.longBaskets ?? "refuse", ["refuse", "leave-out"]);
  const executor = new Executor(options);
  const ranked = await rankBaskets(executor, input, {
    minCount,
    maxBasketItems,
    refuseLongBaskets: longBaskets === "refuse",
  });
  const shares = planShares(ranked, executor.threads);
  const args = {
    ...ranked.args,
    minCount,
    // One item more decides whether a set is closed.
    maxLength: maxLength > 0 && kind !== "all" ? maxLength + 1 : maxLength,
    maxItemsets,
    algorithm: MINING_ALGORITHMS.indexOf(algorithm),
    shares: BigInt64Array.from(shares.flatMap(({ begin, end, part, parts }) => [begin, end, part, parts].map(BigInt))),
    // The next share to be taken, and the sets that were found.
    shared: shared.i64(2),
  };
  // A call on each thread takes shares until there are none.
  const results = await executor
    .map(
      Array.from({ length: Math.min(executor.threads, shares.length) }, () => ({ kernel: "mineItemsets", args })),
      { name: "mining" },
    )
    .catch((thrown) => {
      throw withHint(thrown);
    });
  const list = ItemsetList.of(inOrder(results.map(({ value }) => value as MinedShares)), {
    numBaskets: input.numBaskets,
    numItems: input.numItems,
    minCount,
    numTooLong: ranked.numTooLong,
  });
  return kind === "all" ? list : condense(executor, list, kind, maxLength);
}

/** kHasSuperset and kHasEqualSuperset of the core. */
const FLAG_OF = { maximal: 1, closed: 2 };

async function condense(
  executor: Executor,
  list: ItemsetList,
  kind: "closed" | "maximal",
  maxLength: number,
): Promise<ItemsetList> {
  const { items, lengths, supports } = list;
  const flags = shared.u8(items.length);
  const index = await list.index(executor);
  await executor.map([{ kernel: "flagSupersets", args: { items, lengths, supports, ...index, outFlags: flags } }], {
    name: `${kind} sets`,
  });
  const selected: number[] = [];
  await forEachYielding(items.length, (i) => {
    if ((flags[i]! & FLAG_OF[kind]) === 0 && (maxLength === 0 || lengths[i]! <= maxLength)) selected.push(i);
  });
  return list.select(Int32Array.from(selected));
}

/** Of frequent items by rank; native/include/couponcast/itemsets.h. */
interface MiningShare {
  begin: number;
  end: number;
  part: number;
  parts: number;
}

/** Ranges of first items of about the same work; a heavy one is split by its second items. */
function planShares({ supports }: RankedBaskets, threads: number): MiningShare[] {
  const count = supports.length;
  const work = supports.map((support, rank) => support * (count - rank));
  const target = work.reduce((sum, w) => sum + w, 0) / (threads * SHARES_PER_THREAD);
  const shares: MiningShare[] = [];
  for (let begin = 0; begin < count; ) {
    let end = begin + 1;
    let sum = work[begin]!;
    while (end < count && sum + work[end]! <= target) sum += work[end++]!;
    const parts = Math.max(1, Math.floor(sum / target));
    for (let part = 0; part < parts; part++) shares.push({ begin, end, part, parts });
    begin = end;
  }
  return shares;
}

type MinedShares = ItemsetPart & { shares: BigInt64Array; ends: BigInt64Array };

/** The sets of each share, in the order of the shares. */
function inOrder(mined: readonly MinedShares[]): ItemsetPart[] {
  const parts: ItemsetPart[] = [];
  for (const { items, lengths, supports, shares, ends } of mined) {
    for (const [i, share] of shares.entries()) {
      const range = [i === 0 ? 0 : Number(ends[i - 1]!), Number(ends[i]!)] as const;
      parts[Number(share)] = {
        items: items.subarray(...range),
        lengths: lengths.subarray(...range),
        supports: supports.subarray(...range),
      };
    }
  }
  return parts;
}

function withHint(thrown: unknown): unknown {
  if (!(thrown instanceof CouponcastError) || thrown.code !== "ERR_COUPONCAST_OUT_OF_RANGE") return thrown;
  return new CouponcastError(thrown.code, thrown.message, {
    field: "maxItemsets",
    hint: "raise the support, set maxLength, or raise maxItemsets",
    cause: thrown,
  });
}
