/** What a score of each method is worth: the share of its items that users turned out to want. */
import { ascendingOrder } from "../executor/ascending-order.js";
import type { Executor } from "../executor/executor.js";
import type { PartLists, ScoreCurve } from "../score/blend.js";
import { forEachYielding } from "../util/yield.js";
import type { RelevantItems } from "./ranking.js";

/** Bins of about the same number of scores, before those that do not rise are joined. */
const BINS = 200;

interface Bin {
  x: number;
  hits: number;
  count: number;
}

/**
 * For each part the rising curve from score to share of hits that fits best (isotonic regression over bins of scores; pool
 * adjacent violators), over the lists of users with relevant items. Source: Zadrozny and Elkan, "Transforming classifier scores
 * into accurate multiclass probability estimates" (2002).
 */
export async function calibrateScores(
  executor: Executor,
  lists: PartLists,
  relevant: RelevantItems,
  numParts: number,
): Promise<ScoreCurve[]> {
  const curves: ScoreCurve[] = [];
  for (let p = 0; p < numParts; p++) curves.push(isotonic(await collect(executor, lists, relevant, p)));
  return curves;
}

/** Scores in ascending order, each with whether it was a hit. */
async function collect(
  executor: Executor,
  { range, depth, items, scores, counts }: PartLists,
  { indptr, items: wantedItems }: RelevantItems,
  part: number,
): Promise<{ scores: Float32Array; hits: Uint8Array }> {
  const rows = range.end - range.begin;
  const found = new Float32Array(rows * depth);
  const hit = new Uint8Array(rows * depth);
  let size = 0;
  await forEachYielding(rows, (row) => {
    const [begin, end] = [Number(indptr[range.begin + row]), Number(indptr[range.begin + row + 1])];
    if (begin === end) return;
    const wanted = new Set(wantedItems.subarray(begin, end));
    const first = (part * rows + row) * depth;
    for (let j = 0; j < counts[part * rows + row]!; j++) {
      found[size] = scores[first + j]!;
      hit[size++] = wanted.has(items[first + j]!) ? 1 : 0;
    }
  });
  const order = await ascendingOrder(executor, found.subarray(0, size));
  const sorted = { scores: new Float32Array(size), hits: new Uint8Array(size) };
  await forEachYielding(size, (at) => {
    sorted.scores[at] = found[order[at]!]!;
    sorted.hits[at] = hit[order[at]!]!;
  });
  return sorted;
}

function isotonic({ scores, hits }: { scores: Float32Array; hits: Uint8Array }): ScoreCurve {
  const pools: Bin[] = [];
  const perBin = Math.max(1, Math.ceil(scores.length / BINS));
  for (let begin = 0; begin < scores.length; ) {
    let end = Math.min(begin + perBin, scores.length);
    // Equal scores are worth the same.
    while (end < scores.length && scores[end] === scores[end - 1]) end++;
    let bin: Bin = { x: scores[(begin + end - 1) >> 1]!, hits: 0, count: end - begin };
    for (let i = begin; i < end; i++) bin.hits += hits[i]!;
    for (
      let last = pools.at(-1);
      last !== undefined && last.hits * bin.count >= bin.hits * last.count;
      last = pools.at(-1)
    ) {
      pools.pop();
      const count = last.count + bin.count;
      bin = { x: (last.x * last.count + bin.x * bin.count) / count, hits: last.hits + bin.hits, count };
    }
    pools.push(bin);
    begin = end;
  }
  if (pools.length === 0) return { x: [0], y: [0] };
  return { x: pools.map(({ x }) => x), y: pools.map(({ hits, count }) => hits / count) };
}
