import { CouponcastError } from "../errors.js";
import { type Executor, shared } from "../executor/executor.js";

/** What the sets were found in. */
export interface ItemsetSource {
  numBaskets: number;
  numItems: number;
  minCount: number;
  /** Baskets that were left out for their length. */
  numTooLong: number;
}

export interface ItemsetPart {
  items: Int32Array;
  lengths: Uint8Array;
  supports: Int32Array;
}

export interface Itemset {
  /** By rising support. */
  items: number[];
  /** Baskets that hold all of them. */
  support: number;
}

/** Sets by their items, for kernels; native/include/couponcast/rules.h. */
export interface ItemsetIndex {
  parents: Int32Array;
  table: Int32Array;
}

/**
 * Frequent itemsets, depth first, 9 bytes a set: path i ends with items[i], and its other items are those of the latest
 * paths before it of lengths 1, 2, ..., lengths[i] - 1. Every path is a frequent itemset; `selected` says which of them
 * are meant. Iterate for whole sets.
 */
export class ItemsetList implements Iterable<Itemset>, ItemsetSource {
  readonly numBaskets: number;
  readonly numItems: number;
  readonly minCount: number;
  readonly numTooLong: number;
  #index: Promise<ItemsetIndex> | undefined;

  private constructor(
    /** int32 [paths] last item of each. */
    readonly items: Int32Array,
    /** uint8 [paths] items in each. */
    readonly lengths: Uint8Array,
    /** int32 [paths] baskets that hold each. */
    readonly supports: Int32Array,
    /** int32 ascending, the paths that are the sets of this list; undefined: all. */
    readonly selected: Int32Array | undefined,
    source: ItemsetSource,
  ) {
    this.numBaskets = source.numBaskets;
    this.numItems = source.numItems;
    this.minCount = source.minCount;
    this.numTooLong = source.numTooLong;
  }

  /** @internal The sets of all parts, in their order, in shared memory. */
  static of(parts: readonly ItemsetPart[], source: ItemsetSource): ItemsetList {
    const size = parts.reduce((sum, part) => sum + part.items.length, 0);
    const items = shared.i32(size);
    const lengths = shared.u8(size);
    const supports = shared.i32(size);
    let at = 0;
    for (const part of parts) {
      items.set(part.items, at);
      lengths.set(part.lengths, at);
      supports.set(part.supports, at);
      at += part.items.length;
    }
    return new ItemsetList(items, lengths, supports, undefined, source);
  }

  /** @internal The same paths, of which those are meant. */
  select(selected: Int32Array): ItemsetList {
    const list = new ItemsetList(this.items, this.lengths, this.supports, selected, this);
    list.#index = this.#index;
    return list;
  }

  /** Sets in the list. */
  get size(): number {
    return this.selected?.length ?? this.items.length;
  }

  *[Symbol.iterator](): Iterator<Itemset> {
    const path: number[] = [];
    let next = 0;
    for (let i = 0; i < this.items.length && next < this.size; i++) {
      path.length = this.lengths[i]!;
      path[path.length - 1] = this.items[i]!;
      if (this.selected !== undefined && this.selected[next] !== i) continue;
      next++;
      yield { items: [...path], support: this.supports[i]! };
    }
  }

  /** @internal Made at the first call: 12 to 20 bytes a path. */
  index(executor: Executor): Promise<ItemsetIndex> {
    this.#index ??= this.#makeIndex(executor).catch((thrown) => {
      this.#index = undefined;
      throw thrown;
    });
    return this.#index;
  }

  async #makeIndex(executor: Executor): Promise<ItemsetIndex> {
    const { items, lengths } = this;
    if (items.length > 2 ** 29)
      throw new CouponcastError(
        "ERR_COUPONCAST_OUT_OF_RANGE",
        `expected at most 2^29 itemsets but there are ${items.length}`,
      );
    const parents = shared.i32(items.length);
    const table = shared.i32(2 ** Math.ceil(Math.log2(Math.max(1, 2 * items.length))));
    await executor.run({ kernel: "indexItemsets", args: { items, lengths, outParents: parents, outTable: table } });
    return { parents, table };
  }

  /** @internal The items of a path, by rising support. */
  itemsOf(position: number, { parents }: ItemsetIndex): number[] {
    const items: number[] = [];
    for (let at = position; at >= 0; at = parents[at]!) items.push(this.items[at]!);
    return items.reverse();
  }
}
