/** The segments that a campaign asks for: new ones by its method, or those of a model; by features or by items. */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { type DuckDb, quoteLiteral } from "../duckdb/duckdb.js";
import { INGEST_FILES, type IngestResult } from "../ingest/ingest.js";
import { cosineSegments } from "../profile/density-segments.js";
import { type FoundSegments, findSegments } from "../profile/find-segments.js";
import { itemSegments, modelItemSegments } from "../profile/item-segments.js";
import { modelSegments } from "../profile/model-segments.js";
import { rfmSegments } from "../profile/rfm-segments.js";
import { readSegmentModel, segmentModelOf, writeSegmentModel } from "../profile/segment-model.js";
import { readUserClusterModel, writeUserClusterModel } from "../profile/user-cluster-model.js";
import { readUserFeatures, type ScaledUserFeatures, type UserFeatures } from "../profile/user-features.js";
import type { RunContext } from "./context.js";
import { checkComparedBy, scalingOf, segmentModelPath } from "./segment-model-input.js";
import type { FinishedStage } from "./stage-runner.js";
import { withMatrix } from "./with-matrix.js";

type IngestStage = Pick<FinishedStage<IngestResult>, "dir" | "result">;

/** Columns of features.parquet that users may count by. */
const WEIGHT_COLUMNS = { events: "num_events", frequency: "frequency", monetary: "monetary_minor" } as const;

export interface CampaignSegments {
  users: UserFeatures;
  found: FoundSegments;
  /** Of segments that have centres: writes what puts later users into them. */
  writeModel?: ((path: string) => Promise<void>) | undefined;
}

/** `db` may read features.parquet. */
export function findCampaignSegments(
  context: RunContext,
  ingested: IngestStage,
  db: DuckDb,
): Promise<CampaignSegments> {
  const model = segmentModelPath(context);
  return model === undefined ? newSegments(context, ingested, db) : segmentsOfModel(context, ingested, db, model);
}

async function segmentsOfModel(
  context: RunContext,
  ingested: IngestStage,
  db: DuckDb,
  path: string,
): Promise<CampaignSegments> {
  const { options, loaded } = context;
  const { by } = loaded.campaign.segments;
  const method = "kmeans";
  const writeModel = (to: string) => copyFile(path, to);
  checkComparedBy(path, by);
  if (by === "items") {
    const model = await readUserClusterModel(path);
    const users = await campaignFeatures(context, ingested, db);
    const found = await withMatrix(ingested, (matrix) => modelItemSegments(matrix, users, model, options));
    return { users, found: { method, ...found }, writeModel };
  }
  const model = readSegmentModel(path);
  const users = await readUserFeatures(db, featuresFile(ingested), [], ingested.result.numUsers, (available) =>
    scalingOf(path, model, available),
  );
  return { users, found: { method, ...(await modelSegments(users, model, options)) }, writeModel };
}

async function newSegments(context: RunContext, ingested: IngestStage, db: DuckDb): Promise<CampaignSegments> {
  const { segments, seed } = context.loaded.campaign;
  const { method, by, rfm, eps, minSamples, spherical } = segments;
  const users = await campaignFeatures(context, ingested, db);
  if (method === "rfm")
    return { users, found: { method, ...(await rfmSegments(db, featuresFile(ingested), users, rfm)) } };
  if (method === "dbscan" && by === "items") {
    const options = { ...context.options, eps: eps as number, minSamples };
    const found = await withMatrix(ingested, (matrix) => cosineSegments(matrix, users, options));
    return { users, found: { method, ...found } };
  }
  const weights = segments.weights && (await weightsOf(db, ingested, segments.weights));
  if (by === "items") {
    const { k, kRange, kBy: criterion, init, nInit, maxIterations, tolerance, miniBatch, emptyClusters } = segments;
    const start = { k, kRange, criterion, seed, init, nInit };
    const steps = { maxIterations, tolerance, spherical, weights, miniBatch, emptyClusters };
    return withMatrix(ingested, async (matrix) => {
      const { segments: found, model } = await itemSegments(matrix, users, { ...context.options, ...start, ...steps });
      // Of the matrix, which is closed when the file is written.
      const made = await model?.();
      const writeModel = made && ((path: string) => writeUserClusterModel(path, made));
      return { users, found: { method: "kmeans" as const, ...found }, writeModel };
    });
  }
  const found = await findSegments(users, { ...segments, weights, method, seed }, context.options);
  const writeModel =
    found.method === "kmeans" && found.k > 0
      ? (path: string) => writeSegmentModel(path, segmentModelOf(users.scaling, found, spherical))
      : undefined;
  return { users, found, writeModel };
}

const featuresFile = (ingested: IngestStage): string => join(ingested.dir, INGEST_FILES.features);

function campaignFeatures({ loaded }: RunContext, ingested: IngestStage, db: DuckDb): Promise<ScaledUserFeatures> {
  const { features } = loaded.campaign.segments;
  return readUserFeatures(db, featuresFile(ingested), features, ingested.result.numUsers);
}

/** [numUsers] 0 where a user has none of it. */
async function weightsOf(
  db: DuckDb,
  ingested: IngestStage,
  by: keyof typeof WEIGHT_COLUMNS,
): Promise<Float32Array | undefined> {
  const weights = new Float32Array(ingested.result.numUsers);
  const features = quoteLiteral(featuresFile(ingested));
  const sql = `SELECT greatest(coalesce(${WEIGHT_COLUMNS[by]}, 0), 0)::DOUBLE FROM read_parquet(${features}) ORDER BY row`;
  let row = 0;
  for await (const { numRows, columns } of db.streamColumns(sql, ["F64"])) {
    weights.set(columns[0] as Float64Array, row);
    row += numRows;
  }
  // Of users who all weigh nothing, none weighs less than another.
  return weights.some((weight) => weight > 0) ? weights : undefined;
}
