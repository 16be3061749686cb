/** What each item of a user's history brings to his affinity to coupons: what example users are explained by. */
import type { Executor } from "../executor/executor.js";
import type { KernelModel } from "../score/method.js";
import type { FittedModel } from "../score/methods.js";
import { type Matrix, openMatrix } from "../store/matrix.js";
import { type AffinityStage, scopeArgs } from "./affinity-stage.js";

type Row = ReturnType<Matrix["userRow"]>;

/**
 * By item of `row` [coupons + 1] amounts, the last for all items; empty where no part of the method is a sum over a user's own
 * items. The amounts of a blend are what its parts say, each as a share of that part's affinity to everything.
 */
export async function itemAmounts(
  executor: Executor,
  matrix: Matrix,
  { parts }: FittedModel,
  affinity: AffinityStage,
  numCoupons: number,
  row: Row,
): Promise<Float64Array[]> {
  const columns = numCoupons + 1;
  const sums = Array.from(row.indices, () => new Float64Array(columns));
  let told = false;
  for (const { model, weight } of parts) {
    const amounts = await amountsOf(executor, matrix, model, affinity, columns, row);
    const total = amounts?.reduce((sum, amount) => sum + amount[numCoupons]!, 0) ?? 0;
    if (amounts === undefined || !(total > 0)) continue;
    told = true;
    const scale = parts.length > 1 ? weight / total : 1;
    for (const [i, amount] of amounts.entries())
      for (const [c, value] of amount.entries()) sums[i]![c]! += scale * value;
  }
  return told ? sums : [];
}

async function amountsOf(
  executor: Executor,
  matrix: Matrix,
  model: KernelModel,
  affinity: AffinityStage,
  columns: number,
  { indices, values }: Row,
): Promise<Float64Array[] | undefined> {
  switch (model.affinity?.kernel) {
    case "affinityItems": {
      const weights = await scopeWeights(executor, matrix, model, affinity, columns, indices);
      return Array.from(indices, (item, i) => Float64Array.from(weights.get(item)!, (weight) => values[i]! * weight));
    }
    case "affinityProfiles": {
      const profiles = await openMatrix((model.args.profiles as { $matrix: string }).$matrix);
      try {
        const rows = Array.from(indices, (item) => profiles.userRow(item));
        const features = new Set(rows.flatMap((profile) => [...profile.indices]));
        const weights = await scopeWeights(executor, matrix, model, affinity, columns, features);
        return rows.map((profile, i) => {
          const amount = new Float64Array(columns);
          for (const [f, feature] of profile.indices.entries()) {
            const scale = values[i]! * profile.values[f]!;
            for (const [c, weight] of weights.get(feature)!.entries()) amount[c]! += scale * weight;
          }
          return amount;
        });
      } finally {
        profiles.close();
      }
    }
    default:
      return undefined;
  }
}

/** What some rows of a model give to each coupon. */
async function scopeWeights(
  executor: Executor,
  matrix: Matrix,
  { args, affinity: sums }: KernelModel,
  affinity: AffinityStage,
  columns: number,
  rows: Iterable<number>,
): Promise<Map<number, Float32Array>> {
  const wanted = [...rows];
  const results = await executor.map(
    wanted.map((begin) => ({
      kernel: sums!.scopeKernel,
      args: {
        matrix: matrix.ref(),
        ...args,
        ...scopeArgs(affinity),
        begin,
        end: begin + 1,
        outWeights: { $return: "F32" as const, length: columns },
      },
    })),
  );
  return new Map(wanted.map((row, i) => [row, results[i]!.outputs.outWeights as Float32Array]));
}
