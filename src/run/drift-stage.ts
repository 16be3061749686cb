/** Stage drift: how the users of this run differ from those of an earlier one. */
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { CouponcastError, invalidArgument } from "../errors.js";
import { type Drift, driftOf } from "../profile/drift.js";
import { inputDigests, openStageDb, type RunContext } from "./context.js";
import type { SegmentStage } from "./profile-stages.js";
import { keptModelPath, SEGMENT_MODEL_ROLE } from "./segment-model-input.js";
import type { FinishedStage } from "./stage-runner.js";
import { SEGMENTS_FILE } from "./workspace.js";

export type DriftStage = FinishedStage<Drift & { rows: number }>;

export const BASELINE_ROLE = "baseline";

/** The users of the run that the campaign names as its baseline; undefined when it names none. */
export function baselineFile({ loaded, stages }: RunContext): string | undefined {
  const { baseline } = loaded.campaign.segments;
  if (baseline === undefined) return undefined;
  const folder = resolve(loaded.baseDir, baseline);
  if (folder === stages.workspace.outDir) {
    throw invalidArgument(`segments.baseline is the folder that this run writes: ${folder}`, {
      field: "segments.baseline",
      hint: "Write each run to a folder of its own, and name the folder of the one before.",
    });
  }
  return join(folder, "segments.parquet");
}

/** Compares segments.parquet of the baseline with this run's; none without a baseline. */
export async function driftStage(context: RunContext, segmented: SegmentStage): Promise<DriftStage | undefined> {
  const before = baselineFile(context);
  if (before === undefined) return undefined;
  const after = join(segmented.dir, "segments.parquet");
  const sameSegments = hasSameModel(context);
  const reads = { segment: segmented.key, ...inputDigests(context, [BASELINE_ROLE]) };
  return context.stages.run("drift", reads, { sameSegments }, async (dir) => {
    const db = await openStageDb(context, dir, [before, after]);
    try {
      const relations = { old: `read_parquet(${quoteLiteral(before)})`, new: `read_parquet(${quoteLiteral(after)})` };
      const known = new Set((await db.describe(`SELECT * FROM ${relations.old}`)).map(({ name }) => name));
      for (const column of ["user_id", "segment"]) if (!known.has(column)) throw noSegments(before, column);
      const names = segmented.result.names.filter((name) => known.has(name));
      for (const [side, relation] of Object.entries(relations)) {
        const features = names.map((name, f) => `${finite(name)} AS f${f}`);
        await db.run(
          `CREATE TABLE ${side}_users AS SELECT ${["row_number() OVER (ORDER BY user_id) - 1 AS row", "segment::VARCHAR AS segment", ...features].join(", ")} FROM ${relation}`,
        );
      }
      if ((await db.count("SELECT count(*) AS n FROM old_users")) === 0) throw noSegments(before, "row");
      const drift = await driftOf(db, { ...context.options, names, scale: "log", sameSegments });
      return { rows: drift.numNew, ...drift };
    } finally {
      db.close();
      await rm(join(dir, "spill"), { recursive: true, force: true });
    }
  });
}

/** Whether both runs put their users into the segments of one and the same model. */
function hasSameModel(context: RunContext): boolean {
  if (keptModelPath(context) === undefined) return false;
  const { inputs } = context;
  const own = inputs.find(({ role }) => role === SEGMENT_MODEL_ROLE);
  const earlier = inputs.find(({ role, path }) => role === BASELINE_ROLE && path.endsWith(`/${SEGMENTS_FILE}`));
  return own !== undefined && earlier?.xxh3 === own.xxh3;
}

/** What is no finite number counts as missing. */
function finite(name: string): string {
  const value = `TRY_CAST(${quoteIdentifier(name)} AS DOUBLE)`;
  return `CASE WHEN isfinite(${value}) THEN ${value} END`;
}

function noSegments(file: string, what: string): CouponcastError {
  return new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", `${file} has no ${what}`, {
    file,
    field: "segments.baseline",
    hint: "Expected the folder that an earlier run wrote.",
  });
}
