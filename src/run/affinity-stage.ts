/** Stage affinity: what users like. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { quoteLiteral } from "../duckdb/duckdb.js";
import type { ArgValue } from "../executor/call.js";
import { INGEST_FILES } from "../ingest/ingest.js";
import { affinityMeans, writeAffinity } from "../score/affinity.js";
import { type ItemTable, resolveScopes, type Scopes } from "../score/scopes.js";
import { writeTensors } from "../store/write-tensors.js";
import { openStageDb, type RunContext } from "./context.js";
import { fittedMethod, type ModelStage } from "./model-stage.js";
import { type IngestStage, loadSegments, type SegmentStage } from "./profile-stages.js";
import type { FinishedStage } from "./stage-runner.js";
import { withMatrix } from "./with-matrix.js";

async function readItems(context: RunContext, dir: string, ingested: IngestStage): Promise<ItemTable> {
  const path = join(ingested.dir, INGEST_FILES.items);
  const db = await openStageDb(context, dir, [path]);
  const numItems = ingested.result.numItems;
  const table: ItemTable = {
    ids: [],
    categories: [],
    marginRate: new Float64Array(numItems),
    purchases: new Float64Array(numItems),
  };
  try {
    const sql = `SELECT item_id, category, margin_rate, purchases FROM read_parquet(${quoteLiteral(path)}) ORDER BY row`;
    for await (const { numRows, columns } of db.streamColumns(sql, ["TEXT", "TEXT", "F64", "F64"], 8192)) {
      table.marginRate.set(columns[2], table.ids.length);
      table.purchases.set(columns[3], table.ids.length);
      for (let i = 0; i < numRows; i++) {
        table.ids.push(columns[0][i]!);
        table.categories.push(columns[1][i]!);
      }
    }
    return table;
  } finally {
    db.close();
    await rm(join(dir, "spill"), { recursive: true, force: true });
  }
}

export type AffinityStage = FinishedStage<{
  rows: number;
  marginRate: number[];
  unknown: Record<string, string[]>;
  scopeSizes: number[];
}>;
export const affinityRef = (stage: AffinityStage) => ({
  $file: join(stage.dir, "affinity.safetensors"),
  tensor: "affinity",
});

export function affinityStage(
  context: RunContext,
  ingested: IngestStage,
  model: ModelStage | undefined,
): Promise<AffinityStage> {
  const { campaign, coupons } = context.loaded;
  const { scoring, economics } = campaign;
  const reads = { ingest: ingested.key, ...(model === undefined ? {} : { model: model.key }) };
  const settings = {
    scoring,
    marginRate: economics.marginRate,
    scopes: coupons.map(({ id, scope }) => ({ id, scope })),
  };
  return context.stages.run("affinity", reads, settings, async (dir) => {
    const scopes = resolveScopes(coupons, await readItems(context, dir, ingested), economics.marginRate);
    await withMatrix(ingested, async (matrix) => {
      const fitted = await fittedMethod(context, matrix, model);
      await writeAffinity(matrix, scopes, fitted, join(dir, "affinity.safetensors"), context.options);
    });
    await writeScopes(scopes, join(dir, "scopes.safetensors"));
    const scopeSizes = coupons.map((_, j) => Number(scopes.indptr[j + 1]! - scopes.indptr[j]!));
    return { rows: ingested.result.numUsers, marginRate: [...scopes.marginRate], unknown: scopes.unknown, scopeSizes };
  });
}

function writeScopes(scopes: Scopes, path: string): Promise<void> {
  return writeTensors(path, "scopes", [
    { name: "indptr", dtype: "I64", shape: [scopes.indptr.length], data: scopes.indptr },
    { name: "items", dtype: "I32", shape: [scopes.items.length], data: scopes.items },
  ]);
}

export function scopeArgs(stage: AffinityStage): Record<string, ArgValue> {
  const path = join(stage.dir, "scopes.safetensors");
  return { scopeIndptr: { $file: path, tensor: "indptr" }, scopeItems: { $file: path, tensor: "items" } };
}

/** What stands in for users without affinity of their own. */
export async function affinityStandIns(
  context: RunContext,
  segmented: SegmentStage,
  affinity: AffinityStage,
): Promise<{ labels: Int32Array; segments: number; fallbackRows: Float32Array }> {
  const { labels } = await loadSegments(context, segmented);
  const segments = segmented.result.k;
  const numCoupons = context.loaded.coupons.length;
  const { fallbackRows } = await affinityMeans(context.executor, affinityRef(affinity), numCoupons, labels, segments);
  return { labels, segments, fallbackRows };
}
