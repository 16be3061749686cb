import type { Coupon } from "../campaign/coupon-schema.js";
import { shared } from "../executor/executor.js";

/** Items that each coupon covers, as kernels take them, with the economics of the scope. */
export interface Scopes {
  numItems: number;
  numCoupons: number;
  /** [numCoupons + 1], [..] items ascending within a coupon */
  indptr: BigInt64Array;
  items: Int32Array;
  /** [numCoupons] margin as a share of the price: mean over the scope, weighted by purchases + 1. */
  marginRate: Float64Array;
  /** Ids of scopes that the catalogue of items does not know, by coupon id: a likely typing error. */
  unknown: Record<string, string[]>;
}

export interface ItemTable {
  ids: string[];
  /** "" for none. */
  categories: string[];
  /** NaN for none. */
  marginRate: Float64Array;
  purchases: Float64Array;
}

/**
 * Resolves scopes (items, categories, all, minus exclusions) against the items of the matrix.
 * Cost: the sum of the scopes' sizes.
 */
export function resolveScopes(coupons: readonly Coupon[], table: ItemTable, defaultMarginRate: number): Scopes {
  const numItems = table.ids.length;
  const col = new Map(table.ids.map((id, index) => [id, index]));
  const byCategory = new Map<string, number[]>();
  for (const [index, category] of table.categories.entries()) {
    if (category === "") continue;
    const members = byCategory.get(category);
    if (members === undefined) byCategory.set(category, [index]);
    else members.push(index);
  }
  const everything = table.ids.map((_, index) => index);
  const unknown: Record<string, string[]> = {};
  const indptr = shared.i64(coupons.length + 1);
  const marginRate = shared.f64(coupons.length);
  const scopes: number[][] = [];
  for (const [j, { id, scope }] of coupons.entries()) {
    const missing: string[] = [];
    const note = (name: string) => {
      missing.push(name);
      return [];
    };
    const itemsOf = (ids: readonly string[]) => ids.flatMap((item) => col.get(item) ?? note(item));
    const categoriesOf = (names: readonly string[]) => names.flatMap((name) => byCategory.get(name) ?? note(name));
    const excluded = new Set([...itemsOf(scope.excludeItems), ...categoriesOf(scope.excludeCategories)]);
    const included = scope.all
      ? everything
      : [...new Set([...itemsOf(scope.items), ...categoriesOf(scope.categories)])].sort((a, b) => a - b);
    const members = excluded.size > 0 ? included.filter((item) => !excluded.has(item)) : included;
    scopes.push(members);
    indptr[j + 1] = indptr[j]! + BigInt(members.length);
    if (missing.length > 0) unknown[id] = missing;
    let weight = 0;
    let sum = 0;
    for (const item of members) {
      const rate = table.marginRate[item]!;
      const w = table.purchases[item]! + 1;
      weight += w;
      sum += w * (Number.isNaN(rate) ? defaultMarginRate : rate);
    }
    marginRate[j] = weight > 0 ? sum / weight : defaultMarginRate;
  }
  const items = shared.i32(Number(indptr[coupons.length]));
  for (const [j, members] of scopes.entries()) items.set(members, Number(indptr[j]));
  return { numItems, numCoupons: coupons.length, indptr, items, marginRate, unknown };
}
