/** Seeded baskets of the size and shape of two files that are much used to compare miners, which cannot be shipped. */
import { Random } from "../../dist/util/random.js";

function basketsOf(rows, numItems) {
  const indptr = new BigInt64Array(rows.length + 1);
  for (const [i, row] of rows.entries()) indptr[i + 1] = indptr[i] + BigInt(row.length);
  return { indptr, items: Int32Array.from(rows.flat()), numItems };
}

function cumulate(values) {
  let sum = 0;
  return values.map((value) => {
    sum += value;
    return sum;
  });
}

const ascending = (items) => [...new Set(items)].sort((a, b) => a - b);

/** 88,162 baskets of some 10 of 16,470 items: a few items in every second basket, a long tail, bundles bought together. */
export function retailLike(seed = 1) {
  const numItems = 16_470;
  const random = new Random(seed);
  const weights = Float64Array.from({ length: numItems }, (_, i) => 1 / (i + 40));
  const cumulated = cumulate(weights);
  const total = cumulated[numItems - 1];
  const draw = () => {
    const target = random.next() * total;
    let low = 0;
    let high = numItems - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulated[middle] <= target) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const names = random.shuffle(Int32Array.from({ length: numItems }, (_, i) => i));
  const staples = [0.57, 0.48, 0.18, 0.17, 0.17, 0.05, 0.04, 0.035];
  const bundles = Array.from({ length: 600 }, () => Array.from({ length: 2 + random.int(4) }, draw));
  const rows = Array.from({ length: 88_162 }, () => {
    const size = Math.min(76, Math.max(1, Math.round(Math.exp(1.85 + 0.85 * random.normal()))));
    const items = [];
    for (const [item, share] of staples.entries()) if (random.next() < share) items.push(item);
    while (items.length < size) {
      if (random.next() < 0.16) {
        for (const item of bundles[Math.floor(bundles.length * random.next() ** 2)])
          if (random.next() < 0.75) items.push(item);
      } else items.push(draw());
    }
    return ascending(items.map((item) => names[item]));
  });
  return basketsOf(rows, numItems);
}

/** 8,124 baskets of 22 to 23 of 119 items: one value of each attribute, by the template of a species. */
export function mushroomLike(seed = 1) {
  const random = new Random(seed);
  const valuesOf = [2, 6, 4, 10, 2, 9, 2, 2, 2, 12, 2, 4, 4, 4, 9, 9, 1, 4, 3, 5, 9, 6, 7];
  const firstOf = [0, ...cumulate(valuesOf)];
  const numItems = firstOf.at(-1);
  // Most attributes have a usual value; a species departs from it in some, and leaves some open.
  const usual = valuesOf.map((n) => random.int(n));
  const species = Array.from({ length: 23 }, () => ({
    share: 0.2 + random.next() ** 2,
    choices: valuesOf.map((n, a) => {
      if (random.next() < 0.56) return [usual[a]];
      const count = 1 + Math.floor(3 * random.next() ** 2);
      return Array.from({ length: count }, () => random.int(n));
    }),
  }));
  const all = species.reduce((sum, { share }) => sum + share, 0);
  const rows = Array.from({ length: 8124 }, () => {
    let target = random.next() * all;
    const one = species.find(({ share }) => {
      target -= share;
      return target < 0;
    });
    return ascending(one.choices.map((values, a) => firstOf[a] + values[random.int(values.length)]));
  });
  return basketsOf(rows, numItems);
}
