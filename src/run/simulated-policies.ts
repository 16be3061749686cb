/** What a run and its stages give the policies of a simulation: assignments, scores, features, rows of ids. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { quoteLiteral } from "../duckdb/duckdb.js";
import { invalidArgument } from "../errors.js";
import { INGEST_FILES } from "../ingest/ingest.js";
import type { Handouts } from "../simulate/play.js";
import { type Rfm, topScorePolicy } from "../simulate/policies.js";
import type { Truth } from "../simulate/truth.js";
import { loadTensors } from "../store/tensors.js";
import { type AffinityStage, affinityRef } from "./affinity-stage.js";
import { listAssignments } from "./assignment-columns.js";
import type { CandidatesStage } from "./candidates-stage.js";
import { openStageDb, type RunContext } from "./context.js";
import type { FinishedStages } from "./finished-stages.js";

/** The campaign's coupons, the most valuable for their cost first: so the till runs dry where it hurts least. */
export async function assignmentsOf(
  context: RunContext,
  stages: Pick<FinishedStages, "ingested" | "candidates" | "affinity" | "allocated">,
): Promise<Handouts> {
  const { ingested, candidates, affinity, allocated } = stages;
  const { users, coupons, values, costs } = await listAssignments(context, ingested, candidates, affinity, allocated);
  const ratio = Float64Array.from(values, (value, i) => Number(value) / Math.max(1, Number(costs[i]!)));
  const order = [...users.keys()].sort((a, b) => ratio[b]! - ratio[a]! || a - b);
  return { users: order.map((i) => users[i]!), coupons: order.map((i) => coupons[i]!) };
}

export async function topOfCandidates(
  context: RunContext,
  truth: Truth,
  reasons: Uint8Array,
  stage: CandidatesStage,
): Promise<Handouts> {
  const wanted = { counts: "I32", coupons: "I32", value: "I64" } as const;
  const loaded = await loadTensors(context.executor, join(stage.dir, "candidates.safetensors"), wanted);
  const { width } = stage.result;
  const value = new Float64Array(truth.numUsers * truth.numCoupons);
  for (let user = 0; user < truth.numUsers; user++) {
    for (let j = 0; j < (loaded.counts as Int32Array)[user]!; j++) {
      const at = user * width + j;
      value[user * truth.numCoupons + (loaded.coupons as Int32Array)[at]!] = Number(
        (loaded.value as BigInt64Array)[at]!,
      );
    }
  }
  return topScorePolicy(truth, reasons, (user, c) => value[user * truth.numCoupons + c]!);
}

export async function affinityScores(context: RunContext, affinity: AffinityStage): Promise<Float32Array> {
  const { $file } = affinityRef(affinity);
  return (await loadTensors(context.executor, $file, { affinity: "F32" })).affinity as Float32Array;
}

export async function readRfm(
  context: RunContext,
  dir: string,
  numUsers: number,
): Promise<Rfm & { meanOrderMinor: number }> {
  const path = join(dir, INGEST_FILES.features);
  const scratch = join(context.stages.workspace.root, "tmp-simulate");
  const db = await openStageDb(context, scratch, [path], 1);
  const columns = ["recency_days", "frequency", "monetary_minor"].map(() => new Float64Array(numUsers));
  try {
    const sql = `SELECT recency_days, frequency::DOUBLE, coalesce(monetary_minor, 0)::DOUBLE FROM read_parquet(${quoteLiteral(path)}) ORDER BY row`;
    let row = 0;
    for await (const batch of db.streamColumns(sql, ["F64", "F64", "F64"])) {
      for (const [i, column] of columns.entries()) column.set(batch.columns[i]!, row);
      row += batch.numRows;
    }
  } finally {
    db.close();
    await rm(scratch, { recursive: true, force: true });
  }
  const [recency, frequency, monetary] = columns as [Float64Array, Float64Array, Float64Array];
  const total = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);
  return { recency, frequency, monetary, meanOrderMinor: total(monetary) / Math.max(1, total(frequency)) };
}

/** The given policy's ids as rows and positions. */
export async function byRow(
  context: RunContext,
  dir: string,
  policy: { users: readonly string[]; coupons: readonly string[] },
): Promise<Handouts> {
  const path = join(dir, INGEST_FILES.users);
  const scratch = join(context.stages.workspace.root, "tmp-simulate");
  const db = await openStageDb(context, scratch, [path], 1);
  const rows = new Map<string, number>();
  try {
    const sql = `SELECT user_id FROM read_parquet(${quoteLiteral(path)}) ORDER BY row`;
    for await (const { numRows, columns } of db.streamColumns(sql, ["TEXT"])) {
      for (let i = 0; i < numRows; i++) rows.set(columns[0][i]!, rows.size);
    }
  } finally {
    db.close();
    await rm(scratch, { recursive: true, force: true });
  }
  const positions = new Map(context.loaded.coupons.map(({ id }, j) => [id, j]));
  const find = (what: string, from: Map<string, number>, id: string, i: number): number => {
    const found = from.get(id);
    if (found !== undefined) return found;
    throw invalidArgument(
      `policy: expected a ${what} of the campaign in row ${i + 1} but received ${JSON.stringify(id)}`,
    );
  };
  return {
    users: policy.users.map((id, i) => find("user", rows, id, i)),
    coupons: policy.coupons.map((id, i) => find("coupon", positions, id, i)),
  };
}
