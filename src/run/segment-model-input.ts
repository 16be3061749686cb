/** Segments of an earlier run's model in place of new ones: so they stay the same from run to run. */
import { resolve } from "node:path";
import type { Campaign } from "../campaign/campaign-schema.js";
import { invalidArgument } from "../errors.js";
import type { FeatureScaling } from "../profile/feature-scaling.js";
import { SEGMENT_MODEL_KIND, type SegmentModel } from "../profile/segment-model.js";
import { USER_CLUSTERS_KIND } from "../profile/user-cluster-model.js";
import { verifiedMetadata } from "../store/tensors.js";
import type { RunContext } from "./context.js";

export const SEGMENT_MODEL_ROLE = "segment-model";

type ComparedBy = Campaign["segments"]["by"];
const BY_KIND: Record<string, ComparedBy> = { [SEGMENT_MODEL_KIND]: "features", [USER_CLUSTERS_KIND]: "items" };

/** The model file that the campaign names, if it does. */
export function segmentModelPath({ loaded }: RunContext): string | undefined {
  const { model } = loaded.campaign.segments;
  return model === undefined ? undefined : resolve(loaded.baseDir, model);
}

/** The same, of a campaign whose segments are those of the model, as they are. */
export function keptModelPath(context: RunContext): string | undefined {
  return context.loaded.campaign.segments.warmStart === true ? undefined : segmentModelPath(context);
}

/** Refuses a model of users who are compared in the other way; what is no model is left to those who read it. */
export function checkComparedBy(path: string, by: ComparedBy): void {
  const own = BY_KIND[verifiedMetadata(path).kind ?? ""];
  if (own === undefined || own === by) return;
  throw invalidArgument(`${path}: its users are compared by ${own}, those of this campaign by ${by}`, {
    file: path,
    field: "segments.by",
    hint: `Say segments.by: ${own}, or name the model of a run by ${by}.`,
  });
}

/** The scaling of a model, if all its features are `available`. */
export function scalingOf(path: string, { scaling }: SegmentModel, available: readonly string[]): FeatureScaling {
  const missing = scaling.names.find((name) => !available.includes(name));
  if (missing === undefined) return scaling;
  throw invalidArgument(`${path}: its users have ${missing}, which the users of this campaign do not have`, {
    file: path,
    field: "segments.model",
    hint: `Features here are ${available.slice(0, 20).join(", ")}.`,
  });
}
