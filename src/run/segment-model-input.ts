/** Segments of an earlier run's model in place of new ones: so they stay the same from run to run. */
import { resolve } from "node:path";
import { invalidArgument } from "../errors.js";
import { readSegmentModel, type SegmentModel } from "../profile/segment-model.js";
import type { RunContext } from "./context.js";

export const SEGMENT_MODEL_ROLE = "segment-model";

/** The model file that the campaign names, if it does. */
export function segmentModelPath({ loaded }: RunContext): string | undefined {
  const { model } = loaded.campaign.segments;
  return model === undefined ? undefined : resolve(loaded.baseDir, model);
}

/** That model, if all its features are `available`. */
export function givenSegmentModel(path: string, available: readonly string[]): SegmentModel {
  const model = readSegmentModel(path);
  const missing = model.scaling.names.find((name) => !available.includes(name));
  if (missing === undefined) return model;
  throw invalidArgument(`${path}: its users have ${missing}, which the users of this campaign do not have`, {
    file: path,
    field: "segments.model",
    hint: `Features here are ${available.slice(0, 20).join(", ")}.`,
  });
}

/** The campaign's weights of users: columns of features.parquet. */
export const WEIGHT_COLUMNS = { events: "num_events", frequency: "frequency", monetary: "monetary_minor" } as const;
