import { Random } from "../util/random.js";
import { AliasTables } from "./alias-table.js";
import { paddedId, STREAM } from "./model.js";

/** The items and categories of the shop. The same in every thread: made of the seed alone. */
export interface Shop {
  numItems: number;
  numCategories: number;
  categoryNames: string[];
  /** P(an item drawn by popularity is of the category), Float64 [categories] */
  categoryMass: Float64Array;
  /** popularity-weighted mean price of a category's items, minor units, Float64 [categories] */
  categoryPrice: Float64Array;
  /** of each item, by index */
  category: Int32Array;
  popularity: Float64Array;
  priceMinor: Int32Array;
  salePriceMinor: Int32Array;
  marginRate: Float64Array;
  /** draws a category by mass (table 0) */
  categorySampler: AliasTables;
  /** items in the order of their category; categoryOffsets[c] .. [c + 1] are those of c */
  itemsByCategory: Int32Array;
  categoryOffsets: Int32Array;
  /** draws a position in itemsByCategory by popularity within a category (table c) */
  itemSampler: AliasTables;
}

const CATEGORY_WORDS = [
  ["tea", "coffee", "bakery", "dairy", "fruit", "snacks", "drinks", "frozen", "pantry", "pets"],
  ["garden", "kitchen", "bath", "bedding", "lighting", "tools", "paper", "cleaning", "storage", "decor"],
  ["shoes", "shirts", "coats", "sports", "outdoor", "bags", "watches", "jewels", "kids", "baby"],
  ["phones", "audio", "photo", "games", "books", "music", "toys", "crafts", "beauty", "health"],
].flat();

function categoryName(c: number): string {
  const word = CATEGORY_WORDS[c % CATEGORY_WORDS.length]!;
  return c < CATEGORY_WORDS.length ? word : `${word}-${Math.floor(c / CATEGORY_WORDS.length) + 1}`;
}

/** About 200 items a category, 8 to 100 categories. */
function categoryCount(items: number): number {
  return Math.max(8, Math.min(100, Math.round(items / 200)));
}

/** Zipf with exponent 1 over a random order of the items, a category for each. */
function drawItems(seed: number, numItems: number, numCategories: number) {
  const random = new Random(seed, STREAM.items);
  const order = random.shuffle(Int32Array.from({ length: numItems }, (_, i) => i));
  const popularity = new Float64Array(numItems);
  const category = new Int32Array(numItems);
  let harmonic = 0;
  for (let rank = numItems; rank >= 1; rank--) harmonic += 1 / rank;
  for (let rank = 0; rank < numItems; rank++) {
    const item = order[rank]!;
    popularity[item] = 1 / (rank + 1) / harmonic;
    // The most popular items go round the categories once, so that none is empty and few are dwarfs.
    category[item] = rank < numCategories ? rank : random.int(numCategories);
  }
  return { random, popularity, category };
}

/** Makes the shop of a seed. O(items). */
export function buildShop(seed: number, numItems: number, saleDepth: number): Shop {
  const numCategories = categoryCount(numItems);
  const { random, popularity, category } = drawItems(seed, numItems, numCategories);

  const levels = new Random(seed, STREAM.categories);
  const categoryLevel = Float64Array.from({ length: numCategories }, () => 1500 * Math.exp(0.25 * levels.normal()));
  const categoryMargin = Float64Array.from({ length: numCategories }, () => 0.31 + 0.08 * levels.next());

  const priceMinor = new Int32Array(numItems);
  const salePriceMinor = new Int32Array(numItems);
  const marginRate = new Float64Array(numItems);
  const categoryMass = new Float64Array(numCategories);
  const categoryPrice = new Float64Array(numCategories);
  const categoryOffsets = new Int32Array(numCategories + 1);
  for (let item = 0; item < numItems; item++) {
    const c = category[item]!;
    const price = Math.max(50, Math.round(categoryLevel[c]! * Math.exp(0.25 * random.normal())));
    priceMinor[item] = price;
    salePriceMinor[item] = Math.round(price * (1 - saleDepth));
    const margin = categoryMargin[c]! + 0.05 * random.normal();
    marginRate[item] = Math.round(1000 * Math.max(0.05, Math.min(0.7, margin))) / 1000;
    categoryMass[c] = categoryMass[c]! + popularity[item]!;
    categoryPrice[c] = categoryPrice[c]! + popularity[item]! * price;
    categoryOffsets[c + 1] = categoryOffsets[c + 1]! + 1;
  }
  for (let c = 0; c < numCategories; c++) {
    categoryPrice[c] = categoryPrice[c]! / categoryMass[c]!;
    categoryOffsets[c + 1] = categoryOffsets[c + 1]! + categoryOffsets[c]!;
  }

  const itemsByCategory = new Int32Array(numItems);
  const weights = new Float64Array(numItems);
  const next = categoryOffsets.slice();
  for (let item = 0; item < numItems; item++) {
    const c = category[item]!;
    const position = next[c]!;
    next[c] = position + 1;
    itemsByCategory[position] = item;
    weights[position] = popularity[item]!;
  }
  return {
    numItems,
    numCategories,
    categoryNames: Array.from({ length: numCategories }, (_, c) => categoryName(c)),
    categoryMass,
    categoryPrice,
    category,
    popularity,
    priceMinor,
    salePriceMinor,
    marginRate,
    categorySampler: AliasTables.build(categoryMass, Int32Array.of(0, numCategories)),
    itemsByCategory,
    categoryOffsets,
    itemSampler: AliasTables.build(weights, categoryOffsets),
  };
}

/** The table of items: item_id,category,price_minor,margin_rate,name. */
export function itemsCsv(shop: Shop): string {
  const lines = ["item_id,category,price_minor,margin_rate,name"];
  for (let item = 0; item < shop.numItems; item++) {
    const name = shop.categoryNames[shop.category[item]!]!;
    const id = paddedId("I", item, shop.numItems);
    lines.push(`${id},${name},${shop.priceMinor[item]},${shop.marginRate[item]},${name} no. ${item + 1}`);
  }
  lines.push("");
  return lines.join("\n");
}
