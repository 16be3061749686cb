/** The stage that fits the scoring method, and what later stages make of its file. */
import { join } from "node:path";
import { INGEST_FILES } from "../ingest/ingest.js";
import { type FittedMethod, fromKernels, type KernelModel } from "../score/method.js";
import { fitModel } from "../score/methods.js";
import { openModel, type SavedModel, writeModel } from "../score/model-file.js";
import { savedItemModel } from "../score/neighbour-methods.js";
import { writeNeighbours } from "../score/similar.js";
import { type Matrix, openMatrix } from "../store/matrix.js";
import type { RunContext } from "./context.js";
import type { IngestStage } from "./profile-stages.js";
import type { FinishedStage } from "./stage-runner.js";

export type ModelStage = FinishedStage<{ rows: number; file: string; model: SavedModel }>;

/** The model of a finished stage as kernels take it. */
export const modelOf = (stage: ModelStage): KernelModel =>
  openModel(join(stage.dir, stage.result.file), stage.result.model);

/** The method that the campaign names, in a file. None for user-knn, which finds its neighbours when they are needed. */
export async function modelStage(context: RunContext, ingested: IngestStage): Promise<ModelStage | undefined> {
  const { scoring } = context.loaded.campaign;
  switch (scoring.method) {
    case "user-knn":
      return undefined;
    case "item-knn":
    case "saturated":
      return neighboursStage(context, ingested, scoring.method);
    default:
      return fitStage(context, ingested);
  }
}

/** The item model, written as it is computed; with itself as its first neighbour, since people buy again what they bought. */
function neighboursStage(
  context: RunContext,
  ingested: IngestStage,
  method: "item-knn" | "saturated",
): Promise<ModelStage> {
  const { similarity, neighbours, lambda, k1, b } = context.loaded.campaign.scoring;
  const settings = { method, similarity, neighbours, lambda, k1, b };
  return context.stages.run("neighbours", { ingest: ingested.key }, settings, (dir) =>
    withMatrix(ingested, async (matrix) => {
      // One more than asked for: the item itself.
      const k = Math.min(neighbours + 1, Math.max(matrix.numItems, 1));
      const weighting = method === "saturated" ? "saturation" : similarity;
      const options = { ...context.options, weighting, lambda, k1, b, k, includeSelf: true } as const;
      const file = "neighbours.safetensors";
      await writeNeighbours(matrix, "items", join(dir, file), options);
      return { rows: matrix.numItems, file, model: savedItemModel(method, lambda, matrix.numItems, k) };
    }),
  );
}

/** Any other method: fitted in memory, then kept. */
function fitStage(context: RunContext, ingested: IngestStage): Promise<ModelStage> {
  const { scoring } = context.loaded.campaign;
  return context.stages.run("model", { ingest: ingested.key }, { scoring }, (dir) =>
    withMatrix(ingested, async (matrix) => {
      const options = { ...scoring, ...context.options };
      const fitted = await fitModel(context.executor, matrix, options, "affinity");
      const file = "model.safetensors";
      const model = await writeModel(join(dir, file), fitted, matrix.metadata.digest ?? "");
      return { rows: matrix.numItems, file, model };
    }),
  );
}

/** The campaign's method, ready to use. */
export async function fittedMethod(
  context: RunContext,
  matrix: Matrix,
  stage: ModelStage | undefined,
): Promise<FittedMethod> {
  const { scoring } = context.loaded.campaign;
  const model = stage === undefined ? await fitModel(context.executor, matrix, scoring, "affinity") : modelOf(stage);
  return fromKernels(matrix, model);
}

async function withMatrix<T>(ingested: IngestStage, use: (matrix: Matrix) => Promise<T>): Promise<T> {
  const matrix = await openMatrix(join(ingested.dir, INGEST_FILES.matrix));
  try {
    return await use(matrix);
  } finally {
    matrix.close();
  }
}
