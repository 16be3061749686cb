/** Stages ingest and segment: from events to the matrix, the users' features and their segments. */
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Campaign } from "../campaign/campaign-schema.js";
import { quoteLiteral } from "../duckdb/duckdb.js";
import { CouponcastError } from "../errors.js";
import { INGEST_FILES, type IngestResult, ingest } from "../ingest/ingest.js";
import type { SegmentFacts } from "../profile/find-segments.js";
import type { UserFeatures } from "../profile/user-features.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import { loadTensors } from "../store/tensors.js";
import { writeRows } from "../table/write-rows.js";
import { inputDigests, openStageDb, type RunContext } from "./context.js";
import { findCampaignSegments } from "./find-campaign-segments.js";
import { SEGMENT_MODEL_ROLE } from "./segment-model-input.js";
import type { FinishedStage } from "./stage-runner.js";

export type IngestStage = FinishedStage<IngestResult & { rows: number }>;

/** What a campaign says of its inputs, as ingest takes it. */
export function ingestRequest(campaign: Campaign) {
  const { inputs, behaviours, purchaseBehaviour, timeZone, asOf, currency, rules } = campaign;
  const minorPerMajor =
    10 ** (new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2);
  return {
    events: [inputs.events].flat(),
    users: inputs.users,
    items: inputs.items,
    behaviours,
    purchaseBehaviour,
    options: campaign.ingest,
    timeZone,
    asOf,
    minorPerMajor,
    baskets: rules && { by: rules.by, behaviours: rules.behaviours ?? [purchaseBehaviour] },
  };
}

export async function ingestStage(context: RunContext): Promise<IngestStage> {
  const { campaign, baseDir } = context.loaded;
  const request = ingestRequest(campaign);
  const reads = inputDigests(context, ["events", "users", "items"]);
  const keptRows = join(context.stages.workspace.root, INGEST_FILES.rejected);
  await rm(keptRows, { force: true });
  return context.stages.run("ingest", reads, request, async (outDir) => {
    const result = await ingest({
      ...request,
      baseDir,
      outDir,
      threads: context.options.threads,
      signal: context.options.signal,
      onProgress: ({ stage, done, total }) => context.executor.progress(`ingest: ${stage}`, done, total),
    }).catch((thrown) => keepRejectedRows(thrown, join(outDir, INGEST_FILES.rejected), keptRows));
    return { ...result, rows: result.rowsRead };
  });
}

/** When too many rows were rejected, the user needs them to see why: they outlive the stage's folder. */
async function keepRejectedRows(thrown: unknown, from: string, to: string): Promise<never> {
  if (!(thrown instanceof CouponcastError) || thrown.hint?.includes(from) !== true) throw thrown;
  await rename(from, to);
  const { file, line, field } = thrown;
  const hint = thrown.hint.replaceAll(from, to);
  throw new CouponcastError(thrown.code, thrown.message, { cause: thrown, hint, file, line, field });
}

export type SegmentResult = SegmentFacts & {
  rows: number;
  names: string[];
  /** [k][features] plain means of features.parquet; null where nobody has the feature. */
  means: (number | null)[][];
};
export type SegmentStage = FinishedStage<SegmentResult>;

/** As many as segments.k may be. */
const MAX_SEGMENTS = 1000;
const SEGMENT_TENSORS = "segments.safetensors";
/** Beside it, where segments have centroids. */
export const SEGMENT_MODEL = "segment-model.safetensors";

/** Segments the users; writes labels and standardised features as tensors, and segments.parquet for people. */
export function segmentStage(context: RunContext, ingested: IngestStage): Promise<SegmentStage> {
  const { segments, seed } = context.loaded.campaign;
  const reads = { ingest: ingested.key, ...inputDigests(context, [SEGMENT_MODEL_ROLE]) };
  const features = join(ingested.dir, INGEST_FILES.features);
  return context.stages.run("segment", reads, { segments, seed }, async (dir) => {
    const db = await openStageDb(context, dir, [features]);
    try {
      const numUsers = ingested.result.numUsers;
      const { users, found, writeModel } = await findCampaignSegments(context, ingested, db);
      checkNumber(found.k);
      const { labels, ...summary } = found;
      const writer = TensorFileWriter.create(
        join(dir, SEGMENT_TENSORS),
        [
          { name: "points", dtype: "F32", shape: [numUsers, users.dims] },
          { name: "labels", dtype: "I32", shape: [numUsers] },
          { name: "hasEvents", dtype: "U8", shape: [numUsers] },
        ],
        { kind: "segments" },
      );
      try {
        await writer.write("points", 0, users.points);
        await writer.write("labels", 0, labels);
        await writer.write("hasEvents", 0, users.hasEvents);
        await writer.commit();
      } finally {
        await writer.abort();
      }
      await writeModel?.(join(dir, SEGMENT_MODEL));
      const rows = join(dir, "labels.csv");
      await writeRows(context.executor, rows, [labels]);
      await db.run(
        `CREATE TABLE labels AS SELECT row_number() OVER () - 1 AS row, segment FROM read_csv(${quoteLiteral(rows)}, header = false, columns = {'segment': 'INTEGER'}, parallel = false)`,
      );
      const relation = `read_parquet(${quoteLiteral(features)})`;
      await db.run(`COPY (
        SELECT f.user_id, CASE WHEN l.segment >= 0 THEN l.segment END AS segment, f.* EXCLUDE (row, user_id)
        FROM ${relation} f JOIN labels l ON f.row = l.row ORDER BY f.row
      ) TO ${quoteLiteral(join(dir, "segments.parquet"))} (FORMAT parquet, COMPRESSION zstd)`);
      const means = await segmentMeans(db, join(dir, "segments.parquet"), users.names, found.k);
      await rm(rows);
      return { rows: numUsers, ...summary, names: users.names, means };
    } finally {
      db.close();
      await rm(join(dir, "spill"), { recursive: true, force: true });
    }
  });
}

/** What follows keeps sums per segment and coupon, and the report names each. */
function checkNumber(found: number): void {
  if (found <= MAX_SEGMENTS) return;
  throw new CouponcastError(
    "ERR_COUPONCAST_INVALID_ARGUMENT",
    `expected at most ${MAX_SEGMENTS} segments but found ${found}`,
    { field: "segments", hint: "A larger segments.eps or segments.minSamples finds fewer." },
  );
}

async function segmentMeans(
  db: Awaited<ReturnType<typeof openStageDb>>,
  path: string,
  names: string[],
  k: number,
): Promise<(number | null)[][]> {
  const sums = Array.from({ length: k }, () => names.map(() => ({ sum: 0, count: 0 })));
  // Summed here, in row order: DuckDB's parallel sums would differ in the last bits from run to run.
  const sql = `SELECT coalesce(segment, -1), ${names.map((name) => `"${name.replaceAll('"', '""')}"`).join(", ")} FROM read_parquet(${quoteLiteral(path)})`;
  for await (const { numRows, columns, nulls } of db.streamColumns(sql, ["I32", ...names.map(() => "F64" as const)])) {
    const [segment, ...values] = columns as unknown as [Int32Array, ...Float64Array[]];
    for (let i = 0; i < numRows; i++) {
      const group = sums[segment[i]!];
      if (group === undefined) continue;
      for (const [f, column] of values.entries()) {
        if (nulls[f + 1]?.[i] === 1) continue;
        group[f]!.sum += column[i]!;
        group[f]!.count++;
      }
    }
  }
  return sums.map((group) => group.map(({ sum, count }) => (count > 0 ? sum / count : null)));
}

/** Labels and standardised features of a finished segment stage, in shared memory. */
export async function loadSegments(
  { executor }: RunContext,
  stage: SegmentStage,
): Promise<{ labels: Int32Array; features: UserFeatures }> {
  const wanted = { labels: "I32", points: "F32", hasEvents: "U8" } as const;
  const tensors = await loadTensors(executor, join(stage.dir, SEGMENT_TENSORS), wanted);
  const labels = tensors.labels as Int32Array;
  const { names } = stage.result;
  return {
    labels,
    features: {
      names,
      numUsers: labels.length,
      dims: names.length,
      points: tensors.points as Float32Array,
      hasEvents: tensors.hasEvents as Uint8Array,
    },
  };
}
