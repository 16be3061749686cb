import { type Executor, shared } from "../executor/executor.js";
import { loadTensors } from "../store/tensors.js";
import { forEachYielding } from "../util/yield.js";

/**
 * int32 [users * count]: the categories that most of a user's behaviour falls on, by the sum of the matrix cells of
 * their items, of equal sums the smaller number; -1 where there are fewer. Only sums above 0 count.
 * Cost: one pass over the matrix. Errors: ERR_COUPONCAST_IO, ERR_COUPONCAST_CORRUPT_FILE.
 *
 * @param categories int32 [items] number of each item's category, -1 for none
 */
export async function topCategories(
  executor: Executor,
  matrixPath: string,
  categories: Int32Array,
  count: number,
): Promise<Int32Array> {
  const wanted = { "csr.indptr": "I64", "csr.indices": "I32", "csr.values": "F32" } as const;
  const tensors = await loadTensors(executor, matrixPath, wanted);
  const indptr = tensors["csr.indptr"] as BigInt64Array;
  const items = tensors["csr.indices"] as Int32Array;
  const values = tensors["csr.values"] as Float32Array;
  const numUsers = indptr.length - 1;
  const top = shared.i32(numUsers * count).fill(-1);
  await forEachYielding(numUsers, (user) => {
    const sums = new Map<number, number>();
    for (let at = Number(indptr[user]!); at < Number(indptr[user + 1]!); at++) {
      const category = categories[items[at]!]!;
      if (category >= 0) sums.set(category, (sums.get(category) ?? 0) + values[at]!);
    }
    const best = [...sums].filter(([, sum]) => sum > 0).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    for (const [rank, [category]] of best.slice(0, count).entries()) top[user * count + rank] = category;
  });
  return top;
}
