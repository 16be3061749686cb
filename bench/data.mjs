/** The matrices of the benchmarks: seeded, made once, kept in build/bench. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MatrixWriter } from "../dist/store/matrix-writer.js";

export const SIZES = {
  tiny: { users: 5_000, items: 2_000 },
  small: { users: 100_000, items: 20_000 },
  large: { users: 1_000_000, items: 100_000 },
};
/**
 * What a cell of 1, 2 or 3 weighs. real: decayed with age, so no whole number and no tie, which libraries break in different
 * ways; counts: as it is.
 */
const WEIGH = {
  real: (count, age) => count * (0.5 + age),
  counts: (count) => count,
};
/** Part of the file's name: another way to make the same size is another file. */
const VERSION = 1;
const CELLS_PER_USER = 50;
const GENRES = 100;
const GENRES_PER_USER = 3;
const USERS_PER_BATCH = 20_000;
const FOLDER = fileURLToPath(new URL("../build/bench/", import.meta.url));

/** SplitMix32. */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Draws positions in proportion to weights. */
function sampler(positions, weights) {
  const cumulated = new Float64Array(positions.length);
  let sum = 0;
  for (const [i, position] of positions.entries()) {
    sum += weights[position];
    cumulated[i] = sum;
  }
  return (random) => {
    const target = random() * sum;
    let low = 0;
    let high = positions.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulated[middle] <= target) low = middle + 1;
      else high = middle;
    }
    return positions[low];
  };
}

function ids(prefix, count) {
  const digits = String(count - 1).length;
  return Array.from({ length: count }, (_, i) => prefix + String(i).padStart(digits, "0"));
}

/**
 * Rows of distinct items. Popularity by Zipf's law with exponent 1, log-normal activity (mean 50 cells), each user drawn
 * to three of a hundred genres for half of its items; values around 1, 2, 3 in 70, 20 and 10 of a hundred cells. All weights
 * have the same cells.
 */
function* userRows({ users, items }, weigh) {
  const random = randomOf(7);
  const weights = Float64Array.from({ length: items }, (_, rank) => 1 / (rank + 1));
  const ranks = Array.from({ length: items }, (_, i) => i);
  const byGenre = Array.from({ length: GENRES }, () => []);
  for (const rank of ranks) byGenre[Math.floor(random() * GENRES)].push(rank);
  const genreWeights = byGenre.map((list) => list.reduce((sum, rank) => sum + weights[rank], 0));
  const drawGenre = sampler([...byGenre.keys()], genreWeights);
  const drawAny = sampler(ranks, weights);
  const drawIn = byGenre.map((list) => sampler(list, weights));
  // Popular items should not be neighbours in the file.
  const place = Int32Array.from(ranks);
  for (let i = items - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [place[i], place[j]] = [place[j], place[i]];
  }
  for (let user = 0; user < users; user++) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const wanted = Math.min(Math.max(Math.round(CELLS_PER_USER * Math.exp(normal - 0.5)), 1), Math.floor(items / 10));
    const genres = Array.from({ length: GENRES_PER_USER }, () => drawGenre(random));
    const row = new Set();
    while (row.size < wanted) {
      const genre = genres[Math.floor(random() * GENRES_PER_USER)];
      // A genre may be smaller than what is wanted of it.
      const draw = random() < 0.5 && byGenre[genre].length > wanted ? drawIn[genre] : drawAny;
      row.add(place[draw(random)]);
    }
    const cols = Int32Array.from(row).sort();
    const values = Float32Array.from(cols, () => {
      const [u, age] = [random(), random()];
      return weigh(u < 0.7 ? 1 : u < 0.9 ? 2 : 3, age);
    });
    yield { cols, values };
  }
}

/** Path of the matrix of a size; makes it if it is not there. */
export function matrixOf(sizeName, say, weights = "real") {
  return matrixOfShape(weights === "real" ? sizeName : `${sizeName}-${weights}`, SIZES[sizeName], say, weights);
}

/** The same for any shape, by a name of its own. Memory: the ids and a batch of users. */
export async function matrixOfShape(name, size, say, weights = "real") {
  const path = join(FOLDER, `${name}-v${VERSION}.safetensors`);
  if (existsSync(path)) return path;
  say(`making ${name}: ${size.users} users x ${size.items} items`);
  mkdirSync(dirname(path), { recursive: true });
  let nnz = 0;
  for (const { cols } of userRows(size, WEIGH[weights])) nnz += cols.length;
  const [users, items] = [ids("u", size.users), ids("i", size.items)];
  const bytes = (list) => list.length * list[0].length;
  const writer = MatrixWriter.create(path, {
    numUsers: users.length,
    numItems: items.length,
    nnz,
    userIdBytes: bytes(users),
    itemIdBytes: bytes(items),
  });
  try {
    await writer.appendUserIds(users);
    await writer.appendItemIds(items);
    let batch = [];
    let first = 0;
    const flush = async () => {
      const count = batch.reduce((sum, { cols }) => sum + cols.length, 0);
      const [rows, cols, values] = [new Int32Array(count), new Int32Array(count), new Float32Array(count)];
      let at = 0;
      for (const [i, row] of batch.entries()) {
        rows.fill(first + i, at, at + row.cols.length);
        cols.set(row.cols, at);
        values.set(row.values, at);
        at += row.cols.length;
      }
      await writer.appendCells(rows, cols, values);
      first += batch.length;
      batch = [];
    };
    for (const row of userRows(size, WEIGH[weights])) {
      batch.push(row);
      if (batch.length === USERS_PER_BATCH) await flush();
    }
    await flush();
    await writer.commit();
  } finally {
    await writer.abort();
  }
  return path;
}
