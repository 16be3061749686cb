/** What a work starts from besides the matrix, made beforehand and read by both sides: an item model and coupons. */
import { readFileSync, writeFileSync } from "node:fs";
import { openMatrix, similarItems } from "../../dist/index.js";
import { randomOf } from "../data.mjs";

export const NEIGHBOURS = 20;
export const COUPONS = 50;
/** So many coupons have a category each, one that no other has; the others have a brand that goes across. */
const CATEGORIES = 40;
const BRAND_SHARE = 0.05;

/**
 * Writes the files `${start}.indices`, `.scores`, `.counts` (the neighbours of all items, each its own first neighbour, as
 * implicit has it) and `.scopes` (pairs of coupon and column, by coupon, then column).
 */
export async function makeGiven(start, path, threads) {
  const matrix = await openMatrix(path);
  try {
    const model = await similarItems(matrix, { neighbours: NEIGHBOURS, includeSelf: true, threads });
    for (const name of ["indices", "scores", "counts"]) writeFileSync(`${start}.${name}`, model[name]);
    writeFileSync(`${start}.scopes`, scopePairs(matrix.numItems));
  } finally {
    matrix.close();
  }
}

function scopePairs(items) {
  const random = randomOf(8);
  const scopes = Array.from({ length: COUPONS }, () => []);
  for (let item = 0; item < items; item++) {
    // The square makes categories of different sizes.
    scopes[Math.floor(random() ** 2 * CATEGORIES)].push(item);
    for (let coupon = CATEGORIES; coupon < COUPONS; coupon++) if (random() < BRAND_SHARE) scopes[coupon].push(item);
  }
  return Int32Array.from(scopes.flatMap((scope, coupon) => scope.flatMap((item) => [coupon, item])));
}

/** The model as similarItems answers it: in memory that threads share. */
export function readModel(start) {
  const read = (name, Type) => {
    const bytes = readFileSync(`${start}.${name}`);
    const array = new Type(new SharedArrayBuffer(bytes.length));
    new Uint8Array(array.buffer).set(bytes);
    return array;
  };
  const counts = read("counts", Int32Array);
  const [indices, scores] = [read("indices", Int32Array), read("scores", Float32Array)];
  return { k: NEIGHBOURS, range: { begin: 0, end: counts.length }, indices, scores, counts };
}

/** Ids of each coupon's items. */
export function readScopes(start, matrix) {
  const bytes = readFileSync(`${start}.scopes`);
  const pairs = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const scopes = Array.from({ length: COUPONS }, () => []);
  for (let i = 0; i < pairs.length; i += 2) scopes[pairs[i]].push(matrix.itemId(pairs[i + 1]));
  return scopes;
}
