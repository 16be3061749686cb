/** The stage that fits the scoring method, and what later stages make of its files. */
import { join } from "node:path";
import type { ScoringOptions } from "../campaign/schema/scoring.js";
import type { FittedMethod } from "../score/method.js";
import { type FittedModel, fitModel, type MethodOptions, openMethod } from "../score/methods.js";
import { openModel, type SavedModel, writeModel } from "../score/model-file.js";
import { savedItemModel } from "../score/neighbour-methods.js";
import { writeNeighbours } from "../score/similar.js";
import type { Matrix } from "../store/matrix.js";
import { writeCampaignProfiles } from "./content-profiles.js";
import { inputDigests, type RunContext } from "./context.js";
import type { IngestStage } from "./profile-stages.js";
import type { ChosenPart } from "./quality-stage.js";
import type { FinishedStage } from "./stage-runner.js";
import { withMatrix } from "./with-matrix.js";

/** A fitted model whose arrays are in files of the stage. */
interface StoredModel extends Omit<FittedModel, "parts"> {
  parts: (Omit<FittedModel["parts"][number], "model"> & { model: SavedModel })[];
}

export type ModelStage = FinishedStage<{ rows: number; fitted: StoredModel }>;

/** The model of a finished stage as kernels take it. */
export function modelOf({ dir, result }: ModelStage): FittedModel {
  const parts = result.fitted.parts.map((part) => ({ ...part, model: openModel(dir, part.model) }));
  return { ...result.fitted, parts };
}

/** The method that the campaign names, in files. None for user-knn, which finds its neighbours when they are needed. */
export async function modelStage(
  context: RunContext,
  ingested: IngestStage,
  chosen: readonly ChosenPart[] | undefined,
): Promise<ModelStage | undefined> {
  const { scoring } = context.loaded.campaign;
  switch (scoring.method) {
    case "user-knn":
      return undefined;
    case "item-knn":
    case "saturated":
      return neighboursStage(context, ingested, scoring.method);
    default:
      return fitStage(context, ingested, chosen);
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
      const options = {
        ...context.options,
        similarity: method === "saturated" ? "saturation" : similarity,
        lambda,
        k1,
        b,
        neighbours: k,
        includeSelf: true,
      } as const;
      const file = "neighbours.safetensors";
      await writeNeighbours(matrix, "items", join(dir, file), options);
      const model = savedItemModel(method, lambda, matrix.numItems, k, file);
      return { rows: matrix.numItems, fitted: { method, parts: [{ model, weight: 1 }] } };
    }),
  );
}

/** Any other method: fitted in memory, then kept. */
function fitStage(
  context: RunContext,
  ingested: IngestStage,
  chosen: readonly ChosenPart[] | undefined,
): Promise<ModelStage> {
  const { campaign } = context.loaded;
  const { scoring, inputs, ingest } = campaign;
  const reads = { ingest: ingested.key, ...(usesContent(scoring) ? inputDigests(context, ["items"]) : {}) };
  const settings = { scoring, chosen, items: inputs.items, memoryLimitMb: ingest.memoryLimitMb };
  return context.stages.run("model", reads, settings, (dir) =>
    withMatrix(ingested, async (matrix) => {
      const profiles = usesContent(scoring)
        ? await writeCampaignProfiles(campaign, context.loaded.baseDir, matrix, dir, context.options)
        : undefined;
      const fitted = await fitModel(context.executor, matrix, methodOptions(context, profiles, chosen), "affinity");
      const parts: StoredModel["parts"] = [];
      for (const [p, { model, ...part }] of fitted.parts.entries()) {
        const saved = await writeModel(dir, `model-${p}.safetensors`, model, matrix.metadata.digest ?? "");
        parts.push({ ...part, model: saved });
      }
      return { rows: matrix.numItems, fitted: { ...fitted, parts } };
    }),
  );
}

function usesContent({ method, parts }: ScoringOptions): boolean {
  return method === "content" || (method === "blend" && parts.some((part) => part.method === "content"));
}

function methodOptions(
  context: RunContext,
  profiles: string | undefined,
  chosen?: readonly ChosenPart[],
): MethodOptions {
  const { content: _, evaluate: __, rankOffset, by, parts, ...scoring } = context.loaded.campaign.scoring;
  return {
    ...scoring,
    ...context.options,
    profiles,
    parts: parts.map((part, p) => ({ ...part, ...chosen?.[p], profiles })),
    blend: { by, rankOffset },
  };
}

/** The campaign's method, ready to use. */
export async function fittedMethod(
  context: RunContext,
  matrix: Matrix,
  stage: ModelStage | undefined,
): Promise<FittedMethod> {
  const options = methodOptions(context, undefined);
  const model = stage === undefined ? await fitModel(context.executor, matrix, options, "affinity") : modelOf(stage);
  return openMethod(matrix, model);
}
