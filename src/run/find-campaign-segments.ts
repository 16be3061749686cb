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
import { readUserClusterModel, type UserClusterModel, writeUserClusterModel } from "../profile/user-cluster-model.js";
import { readUserFeatures, type ScaledUserFeatures, type UserFeatures } from "../profile/user-features.js";
import type { RunContext } from "./context.js";
import { checkComparedBy, keptModelPath, scalingOf, segmentModelPath } from "./segment-model-input.js";
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
  const model = keptModelPath(context);
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
  if (by === "items") {
    const model = await itemModel(path);
    const users = await campaignFeatures(context, ingested, db);
    const found = await withMatrix(ingested, (matrix) => modelItemSegments(matrix, users, model, options));
    return { users, found: { method, ...found }, writeModel };
  }
  const { model, users } = await featureModel(ingested, db, path);
  return { users, found: { method, ...(await modelSegments(users, model, options)) }, writeModel };
}

async function newSegments(context: RunContext, ingested: IngestStage, db: DuckDb): Promise<CampaignSegments> {
  const { segments, seed } = context.loaded.campaign;
  const { method, by, rfm, eps, minSamples } = segments;
  const path = segmentModelPath(context);
  const warm = path === undefined || by === "items" ? undefined : await featureModel(ingested, db, path);
  const users = warm?.users ?? (await campaignFeatures(context, ingested, db));
  const spherical = segments.spherical ?? warm?.model.spherical;
  if (method === "rfm")
    return { users, found: { method, ...(await rfmSegments(db, featuresFile(ingested), users, rfm)) } };
  if (method === "dbscan" && by === "items") {
    const options = { ...context.options, eps: eps as number, minSamples };
    const found = await withMatrix(ingested, (matrix) => cosineSegments(matrix, users, options));
    return { users, found: { method, ...found } };
  }
  const weights = segments.weights && (await weightsOf(db, ingested, segments.weights));
  if (by === "items") {
    const { kRange, kBy: criterion, init, nInit, maxIterations, tolerance, miniBatch, emptyClusters } = segments;
    const startModel = path === undefined ? undefined : await itemModel(path);
    const k = startModel?.sizes.length ?? segments.k;
    const start = { k, kRange, criterion, seed, init, nInit, startModel };
    const steps = { maxIterations, tolerance, spherical, weights, miniBatch, emptyClusters };
    return withMatrix(ingested, async (matrix) => {
      const { segments: found, model } = await itemSegments(matrix, users, { ...context.options, ...start, ...steps });
      // Of the matrix, which is closed when the file is written.
      const made = await model?.();
      const writeModel = made && ((path: string) => writeUserClusterModel(path, made));
      return { users, found: { method: "kmeans" as const, ...found }, writeModel };
    });
  }
  const start = warm && { k: warm.model.sizes.length, centroids: warm.model.centroids };
  const settings = { ...segments, ...start, spherical, weights, method, seed };
  const found = await findSegments(users, settings, context.options);
  const writeModel =
    found.method === "kmeans" && found.k > 0
      ? (path: string) => writeSegmentModel(path, segmentModelOf(users.scaling, found, spherical))
      : undefined;
  return { users, found, writeModel };
}

/** A model of users compared by their items. */
function itemModel(path: string): Promise<UserClusterModel> {
  checkComparedBy(path, "items");
  return readUserClusterModel(path);
}

/** A model of users compared by their features, and the users, scaled as it says. */
async function featureModel(ingested: IngestStage, db: DuckDb, path: string) {
  checkComparedBy(path, "features");
  const model = readSegmentModel(path);
  const users = await readUserFeatures(db, featuresFile(ingested), [], ingested.result.numUsers, (available) =>
    scalingOf(path, model, available),
  );
  return { model, users };
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
