import type { ScoringOptions } from "../campaign/campaign-schema.js";
import type { ArgValue } from "../executor/call.js";
import { Executor, type RunOptions, shards, shared } from "../executor/executor.js";
import type { Matrix } from "../store/matrix.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import type { Scopes } from "./scopes.js";
import { neighbourArgs } from "./similar.js";
import { documentWeights, weightingArgs } from "./weighting.js";

const SHARD_ROWS = 8192;

/** What stands in for users without affinity of their own, and what everybody likes. */
export interface AffinityMeans {
  /** float32 [(segments + 1) * columns]: mean affinity of each segment, then of all users. */
  fallbackRows: Float32Array;
  /** float32 [coupons] mean over users of the coupon's share of the user's affinity. */
  meanShare: Float32Array;
  /** Users with affinity of their own. */
  numScored: number;
}

/**
 * Affinity of all users to all coupons, written to a tensor file ("affinity" F32 [users, coupons + 1]; the last
 * column is the user's total over all items): the item scores of `scoring` summed over each coupon's scope, in closed
 * form, so that no users x items array ever exists. Items of the user's own history count (people buy again).
 *
 * `model` is the neighbour file of item-knn and saturated (with self); user-knn needs none.
 * Cost: degree x coupons multiply-adds a user (user-knn: its neighbours besides).
 * Source: formulas.md, "Collaborative filtering"; native/include/couponcast/affinity.h.
 */
export async function writeAffinity(
  matrix: Matrix,
  scopes: Scopes,
  scoring: ScoringOptions,
  model: { path: string; k: number } | undefined,
  path: string,
  options: RunOptions,
): Promise<void> {
  const executor = new Executor(options);
  const columns = scopes.numCoupons + 1;
  const scopeArgs = { scopeIndptr: scopes.indptr, scopeItems: scopes.items };
  const byItem = model !== undefined;
  const rows = byItem ? matrix.numItems : matrix.numUsers;
  const weights = shared.f32(rows * columns);
  await executor.map(
    shards(rows, SHARD_ROWS).map(({ begin, end }) => ({
      kernel: byItem ? "scopeWeightsItems" : "scopeWeightsUsers",
      args: {
        ...(byItem ? neighbourArgs(model) : { matrix: matrix.ref() }),
        ...scopeArgs,
        begin,
        end,
        outWeights: weights.subarray(begin * columns, end * columns),
      },
    })),
    { name: "coupon scopes" },
  );
  const scoringArgs: Record<string, ArgValue> = byItem
    ? weightingArgs(scoring.method === "saturated" ? { weighting: "saturation", lambda: scoring.lambda } : {})
    : { ...(await documentWeights(executor, matrix, "users", { weighting: "cosine" })), k: scoring.neighbours };
  const writer = TensorFileWriter.create(
    path,
    [{ name: "affinity", dtype: "F32", shape: [matrix.numUsers, columns] }],
    {
      kind: "affinity",
      method: scoring.method,
      matrix: matrix.metadata.digest ?? "",
    },
  );
  try {
    const start = writer.byteOffset("affinity");
    const ranges = shards(matrix.numUsers, byItem ? SHARD_ROWS : SHARD_ROWS / 8);
    await executor.map(
      ranges.map(({ begin, end }) => ({
        kernel: byItem ? "affinityItems" : "affinityUsers",
        args: {
          matrix: matrix.ref(),
          ...scoringArgs,
          weights,
          columns,
          begin,
          end,
          outAffinity: {
            $write: "F32",
            length: (end - begin) * columns,
            fd: writer.fd,
            position: start + begin * columns * 4,
          },
        },
      })),
      { name: "affinity", weight: (index) => ranges[index]!.end - ranges[index]!.begin },
    );
    await writer.commit();
  } finally {
    await writer.abort();
  }
}

/** Means of the affinity file by segment and over all; shards are added in order, so threads change nothing. */
export async function affinityMeans(
  executor: Executor,
  affinity: { $file: string; tensor: string },
  numCoupons: number,
  labels: Int32Array,
  segments: number,
): Promise<AffinityMeans> {
  const columns = numCoupons + 1;
  const groups = segments + 1;
  const partials = await executor.map(
    shards(labels.length, SHARD_ROWS * 8).map(({ begin, end }) => ({
      kernel: "affinitySums",
      args: {
        affinity,
        columns,
        labels,
        segments,
        begin,
        end,
        outSums: { $return: "F64", length: groups * columns },
        outShares: { $return: "F64", length: numCoupons },
        outCounts: { $return: "I64", length: groups },
      },
    })),
  );
  const sums = new Float64Array(groups * columns);
  const shares = new Float64Array(numCoupons);
  const counts = new Float64Array(groups);
  for (const { outputs } of partials) {
    (outputs.outSums as Float64Array).forEach((sum, i) => {
      sums[i]! += sum;
    });
    (outputs.outShares as Float64Array).forEach((share, j) => {
      shares[j]! += share;
    });
    (outputs.outCounts as BigInt64Array).forEach((count, g) => {
      counts[g]! += Number(count);
    });
  }
  const numScored = counts[segments]!;
  const fallbackRows = shared.f32(groups * columns);
  for (let g = 0; g < groups; g++) {
    // A segment in which nobody has affinity falls back to everybody.
    const from = counts[g]! > 0 ? g : segments;
    for (let c = 0; c < columns; c++)
      fallbackRows[g * columns + c] = counts[from]! > 0 ? sums[from * columns + c]! / counts[from]! : 0;
  }
  const meanShare = shared.f32(numCoupons);
  for (let j = 0; j < numCoupons; j++) meanShare[j] = numScored > 0 ? shares[j]! / numScored : 0;
  return { fallbackRows, meanShare, numScored };
}
