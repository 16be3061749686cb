import { shared } from "../executor/executor.js";
import { evenRanges } from "../executor/shards.js";
import { forEachYielding } from "../util/yield.js";
import { lanesOf, type SparsePoints } from "./sparse-points.js";
import { SHARD_ITEMS, summed } from "./sparse-step.js";

/**
 * Mean over the items of the variance of the users with cells, each as often as it weighs: what the tolerance of K-means
 * counts in. Cost: one pass over the cells; memory: 4 bytes a user, 128 an item.
 */
export async function meanVariance(points: SparsePoints): Promise<number> {
  const { matrix, executor, factors, given, weights, squaresSum } = points;
  const labels = shared.i32(points.n);
  let total = 0;
  await forEachYielding(points.n, (row) => {
    labels[row] = weights[row]! > 0 ? 0 : -1;
    total += weights[row]!;
  });
  if (total === 0) return 0;
  const size = matrix.numItems * lanesOf(1);
  const [old, mean] = [shared.f32(size), shared.f32(size)];
  const scale = Float64Array.of(1 / total);
  const results = await executor.map(
    evenRanges(matrix.numItems, executor.threads, SHARD_ITEMS).map((range) => {
      const perShard = { $return: "F64" as const, length: Math.ceil((range.end - range.begin) / SHARD_ITEMS) };
      const out = { outCentroids: mean, outNorms: perShard, outShifts: perShard, outProducts: perShard };
      return {
        kernel: "sparseKmeansMeans" as const,
        args: { matrix: matrix.ref(), factors, weights: given, labels, scale, old, shortScale: 1, ...range, ...out },
      };
    }),
  );
  const [norm] = summed(1, ...results.map(({ outputs }) => outputs.outNorms as Float64Array));
  return Math.max(squaresSum / total - norm!, 0) / matrix.numItems;
}
