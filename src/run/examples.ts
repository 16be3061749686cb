/** Example users of the report, with what their coupons are explained by. */
import { join } from "node:path";
import { INGEST_FILES } from "../ingest/ingest.js";
import type { AffinityDriver, ExampleUser, ExampleWithheldUser } from "../report/example-data.js";
import { REASONS } from "../score/eligibility.js";
import { similarUsers } from "../score/similar.js";
import { type Matrix, openMatrix } from "../store/matrix.js";
import { forEachYielding } from "../util/yield.js";
import type { AssignmentColumns } from "./assignment-columns.js";
import type { RunContext } from "./context.js";
import type { FinishedStages } from "./finished-stages.js";
import { itemAmounts } from "./item-amounts.js";
import { modelOf } from "./model-stage.js";

export interface Examples {
  assigned: ExampleUser[];
  withheld: ExampleWithheldUser[];
}

const DRIVERS = 3;
const SOURCE_NAMES = ["", "segment", "popularity", "rule"];

/** First assignment row of `count` users, evenly spaced. */
function pickRows(columns: AssignmentColumns, count: number): number[] {
  const picked = new Set<number>();
  const rows = columns.users.length;
  for (let e = 0; e < count && rows > 0; e++) {
    let row = Math.floor(((e + 0.5) * rows) / count);
    while (row > 0 && columns.users[row - 1] === columns.users[row]) row--;
    picked.add(row);
  }
  return [...picked];
}

/** Items of the user's history that brought the most affinity to a coupon; for user-knn the most similar users. */
async function driversOf(
  context: RunContext,
  stages: FinishedStages,
  matrix: Matrix,
  user: number,
  coupon: number,
): Promise<AffinityDriver[]> {
  const { model, affinity } = stages;
  if (model === undefined) {
    const near = await similarUsers(matrix, {
      ...context.options,
      onProgress: undefined,
      neighbours: DRIVERS,
      range: { begin: user, end: user + 1 },
    });
    return Array.from({ length: near.counts[0]! }, (_, j) => ({
      kind: "user" as const,
      id: matrix.userId(near.indices[j]!),
      share: null,
    }));
  }
  const row = matrix.userRow(user);
  const amounts = await itemAmounts(
    context.executor,
    matrix,
    modelOf(model),
    affinity,
    context.loaded.coupons.length,
    row,
  );
  const parts = amounts.map((amount, i) => ({ item: row.indices[i]!, amount: amount[coupon]! }));
  const total = parts.reduce((sum, { amount }) => sum + amount, 0);
  return parts
    .filter(({ amount }) => amount > 0)
    .sort((a, b) => b.amount - a.amount || a.item - b.item)
    .slice(0, DRIVERS)
    .map(({ item, amount }) => ({
      kind: "item" as const,
      id: matrix.itemId(item),
      share: total > 0 ? amount / total : null,
    }));
}

export async function exampleUsers(
  context: RunContext,
  stages: FinishedStages,
  columns: AssignmentColumns,
  sources: Uint8Array,
  labels: Int32Array,
  reasons: Uint8Array,
): Promise<Examples> {
  const { campaign, coupons } = context.loaded;
  const { multipliers } = stages.allocated.result;
  const matrix = await openMatrix(join(stages.ingested.dir, INGEST_FILES.matrix));
  try {
    const assigned: ExampleUser[] = [];
    for (const first of pickRows(columns, campaign.output.exampleUsers)) {
      const user = columns.users[first]!;
      const example: ExampleUser = { userId: matrix.userId(user), segment: labels[user]!, coupons: [] };
      for (let row = first; row < columns.users.length && columns.users[row] === user; row++) {
        const coupon = columns.coupons[row]!;
        const value = Number(columns.values[row]) / 1000;
        const cost = Number(columns.costs[row]) / 1000;
        example.coupons.push({
          couponId: coupons[coupon]!.id,
          source: sources[row] === 0 ? campaign.scoring.method : SOURCE_NAMES[sources[row]!]!,
          score: columns.affinity[row]!,
          drivers: sources[row] === 0 ? await driversOf(context, stages, matrix, user, coupon) : [],
          pRedeem: columns.pRedeem[row]!,
          expectedValueMinor: value,
          expectedCostMinor: cost,
          reducedValueMinor:
            value - (multipliers.budget + multipliers.couponBudget[coupon]!) * cost - multipliers.stock[coupon]!,
        });
      }
      assigned.push(example);
    }
    // One user of each reason that occurs, the first in row order.
    const seen = new Map<number, number>();
    await forEachYielding(reasons.length, (user) => {
      const code = reasons[user]!;
      if (code !== 0 && !seen.has(code)) seen.set(code, user);
    });
    const withheld = [...seen]
      .sort(([a], [b]) => a - b)
      .slice(0, campaign.output.exampleUsers)
      .map(([code, user]) => ({
        userId: matrix.userId(user),
        segment: labels[user]!,
        code: REASONS[code as keyof typeof REASONS],
      }));
    return { assigned, withheld };
  } finally {
    matrix.close();
  }
}
