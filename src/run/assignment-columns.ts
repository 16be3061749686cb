import { join } from "node:path";
import { Problem } from "../allocate/problem.js";
import { shards } from "../executor/executor.js";
import type { AssignmentRows } from "../native/addon.js";
import { loadTensors } from "../store/tensors.js";
import { forEachYielding } from "../util/yield.js";
import { type AffinityStage, affinityRef } from "./affinity-stage.js";
import { type AllocateStage, candidateTable } from "./allocate-stage.js";
import { type CandidatesStage, candidateRef } from "./candidates-stage.js";
import type { RunContext } from "./context.js";
import type { IngestStage } from "./profile-stages.js";

/** The coupons handed out, one row each, by user, within a user by value. */
export interface AssignmentColumns {
  users: Int32Array;
  coupons: Int32Array;
  ranks: Int32Array;
  /** Milli. */
  values: BigInt64Array;
  costs: BigInt64Array;
  pRedeem: Float32Array;
  /** Affinity to the coupon's scope, and the user's total; 0 where the user has no affinity of its own. */
  affinity: Float32Array;
  totals: Float32Array;
  /** Probability that the coupon is drawn; undefined where nothing is drawn by lot. */
  propensity: Float64Array | undefined;
}

const SHARD_USERS = 65_536;

/** Lists the assignment with what each row is explained by. */
export async function listAssignments(
  context: RunContext,
  ingested: IngestStage,
  candidates: CandidatesStage,
  affinity: AffinityStage,
  allocated: AllocateStage,
): Promise<AssignmentColumns> {
  const { numUsers } = ingested.result;
  const { executor } = context;
  const problem = await Problem.create(executor, candidateTable(candidates, numUsers), {
    coupons: context.loaded.coupons.map(() => ({})),
  });
  const allocation = join(allocated.dir, "allocation.safetensors");
  const listed = await executor.map(
    shards(numUsers, SHARD_USERS).map(({ begin, end }) => ({
      kernel: "listAssignments",
      args: {
        ...problem.args(),
        chosen: { $file: allocation, tensor: "chosen" },
        begin,
        end,
      },
    })),
  );
  const parts = listed.map(({ value }) => value as AssignmentRows);
  const total = parts.reduce((sum, part) => sum + part.users.length, 0);
  const columns = {
    users: new Int32Array(total),
    coupons: new Int32Array(total),
    ranks: new Int32Array(total),
    values: new BigInt64Array(total),
    costs: new BigInt64Array(total),
    pRedeem: new Float32Array(total),
    affinity: new Float32Array(total),
    totals: new Float32Array(total),
    propensity: allocated.result.exploration && new Float64Array(total),
  };
  const propensities =
    columns.propensity && ((await loadTensors(executor, allocation, { propensity: "F64" })).propensity as Float64Array);
  const width = BigInt(context.loaded.coupons.length + 1);
  let at = 0;
  for (const part of parts) {
    const length = part.users.length;
    columns.users.set(part.users, at);
    columns.coupons.set(part.coupons, at);
    columns.ranks.set(part.ranks, at);
    columns.values.set(part.values, at);
    columns.costs.set(part.costs, at);
    const own = new BigInt64Array(length);
    const all = new BigInt64Array(length);
    await forEachYielding(length, (i) => {
      const row = BigInt(part.users[i]!) * width;
      own[i] = row + BigInt(part.coupons[i]!);
      all[i] = row + width - 1n;
    });
    const gather = (source: ReturnType<typeof candidateRef>, positions: BigInt64Array) => ({
      kernel: "gather" as const,
      args: { source, positions, out: { $return: "F32" as const, length } },
    });
    const [p, affinityOf, totalOf] = await executor.map([
      gather(candidateRef(candidates, "pRedeem"), part.places),
      gather(affinityRef(affinity) as never, own),
      gather(affinityRef(affinity) as never, all),
    ]);
    columns.pRedeem.set(p!.outputs.out as Float32Array, at);
    columns.affinity.set(affinityOf!.outputs.out as Float32Array, at);
    columns.totals.set(totalOf!.outputs.out as Float32Array, at);
    if (columns.propensity !== undefined && propensities !== undefined) {
      for (let i = 0; i < length; i++) columns.propensity[at + i] = propensities[Number(part.places[i])]!;
    }
    at += length;
  }
  return columns;
}
