import { z } from "zod";
import { CouponcastError, invalidArgument } from "../errors.js";
import { RUN_OPTIONS, type RunOptions, shared } from "../executor/executor.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import { readTensors, verifiedMetadata } from "../store/tensors.js";
import { fieldsOf, typedArrayOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { forEachYielding } from "../util/yield.js";
import { applyScaling, type FeatureScaling, SCALES, transformed } from "./feature-scaling.js";
import { unitRows } from "./kmeans-points.js";
import { type KmeansPrediction, kmeansPredict } from "./kmeans-predict.js";
import type { UserSegments } from "./segment-users.js";

/** Segments as later users can be put into them. */
export interface SegmentModel {
  scaling: FeatureScaling;
  /** [k * dims] of the segments in their order, as points. */
  centroids: Float32Array;
  /** [k] users of each segment when it was made. */
  sizes: number[];
  /** Users are compared by direction: points count at unit length. Default false. */
  spherical?: boolean | undefined;
}

/** @internal Of the files. */
export const SEGMENT_MODEL_KIND = "segment-model";
/** Of segments by distance, and by direction: earlier readers, who know nothing of it, refuse the latter. */
const VERSIONS = ["1", "2"] as const;
/** Together below the limit of a file's header. */
const MAX_NAMES_BYTES = 8 << 20;

const TENSORS = { centroids: "F32", means: "F64", deviations: "F64", sizes: "F64" } as const;

const metadataSchema = z.object({
  kind: z.literal(SEGMENT_MODEL_KIND),
  version: z.enum(VERSIONS),
  scale: z.enum(SCALES),
  features: z.string().max(MAX_NAMES_BYTES),
});
const featuresSchema = z.array(z.string().min(1)).min(1).max(1_000_000);

/** The model of segments that were found in users with `scaling`. */
export function segmentModelOf(
  scaling: FeatureScaling,
  { centroids, sizes }: UserSegments,
  spherical = false,
): SegmentModel {
  return { scaling, centroids: Float32Array.from(centroids.flat()), sizes, ...(spherical && { spherical }) };
}

/**
 * Writes a segment model as a safetensors file, whole or not at all: centroids F32 [k, dims], means and deviations F64
 * [dims], sizes F64 [k]; scale and the features' names (JSON) in the metadata.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (no segment, no feature), ERR_COUPONCAST_IO.
 */
export async function writeSegmentModel(path: string, model: SegmentModel): Promise<void> {
  checkSegmentModel(model);
  const { scaling, centroids, sizes } = model;
  const k = sizes.length;
  const dims = scaling.names.length;
  const writer = TensorFileWriter.create(
    path,
    [
      { name: "centroids", dtype: TENSORS.centroids, shape: [k, dims] },
      { name: "means", dtype: TENSORS.means, shape: [dims] },
      { name: "deviations", dtype: TENSORS.deviations, shape: [dims] },
      { name: "sizes", dtype: TENSORS.sizes, shape: [k] },
    ],
    {
      kind: SEGMENT_MODEL_KIND,
      version: VERSIONS[model.spherical ? 1 : 0],
      scale: scaling.scale,
      features: JSON.stringify(scaling.names),
    },
  );
  try {
    await writer.write("centroids", 0, centroids);
    await writer.write("means", 0, scaling.means);
    await writer.write("deviations", 0, scaling.deviations);
    await writer.write("sizes", 0, Float64Array.from(sizes));
    await writer.commit();
  } finally {
    await writer.abort();
  }
}

/**
 * Reads what writeSegmentModel wrote; every number of it is checked.
 * Errors: ERR_COUPONCAST_IO, ERR_COUPONCAST_CORRUPT_FILE, ERR_COUPONCAST_VERSION_MISMATCH.
 */
export function readSegmentModel(path: string): SegmentModel {
  const metadata = verifiedMetadata(path);
  const known = metadataSchema.safeParse(metadata);
  if (!known.success) throw corrupt(path, "it is not a segment model of this version");
  const features = featuresSchema.safeParse(parsed(known.data.features));
  if (!features.success) throw corrupt(path, "the names of its features cannot be read");
  const tensors = readTensors(path, TENSORS);
  const model: SegmentModel = {
    scaling: {
      scale: known.data.scale,
      names: features.data,
      means: tensors.means as Float64Array,
      deviations: tensors.deviations as Float64Array,
    },
    centroids: tensors.centroids as Float32Array,
    sizes: [...(tensors.sizes as Float64Array)],
    ...(known.data.version === VERSIONS[1] && { spherical: true }),
  };
  const problem = problemOf(model);
  if (problem !== undefined) throw corrupt(path, problem);
  return model;
}

/**
 * The segment of each user by the nearest centroid, after the scaling that the model has learned.
 *
 * @param values float64 [n * dims] raw features in the order of `model.scaling.names`; NaN: missing
 *
 * Errors: as kmeansPredict.
 */
export async function predictSegments(
  model: SegmentModel,
  values: Float64Array,
  options: RunOptions = {},
): Promise<Int32Array> {
  knownOptions("predictSegments", options, RUN_OPTIONS);
  checkSegmentModel(model);
  typedArrayOf("values", values, Float64Array);
  const points = shared.f32(values.length);
  const { scaling } = model;
  await forEachYielding(values.length, (at) => {
    points[at] = transformed(scaling.scale, values[at]!);
  });
  await applyScaling(scaling, points);
  return (await labelsByModel(model, points, options)).labels;
}

/** The nearest segment of points that are scaled already. Errors: as kmeansPredict. */
export async function labelsByModel(
  model: SegmentModel,
  points: Float32Array,
  options: RunOptions = {},
): Promise<KmeansPrediction> {
  const dims = model.scaling.names.length;
  const compared = model.spherical ? await unitRows(points, dims) : points;
  return kmeansPredict(compared, dims, model.centroids, options);
}

function checkSegmentModel(model: SegmentModel): void {
  const problem = problemOf(model);
  if (problem !== undefined) throw invalidArgument(`no segment model: ${problem}`);
}

function problemOf(model: SegmentModel): string | undefined {
  const { scaling, centroids, sizes, spherical } = fieldsOf("model", model);
  const { scale, names, means, deviations } = fieldsOf("model.scaling", scaling);
  if (!SCALES.includes(scale)) return `expected a scale of ${SCALES.join(", ")}`;
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string") || !Array.isArray(sizes))
    return "expected arrays of names and of sizes";
  if (spherical !== undefined && typeof spherical !== "boolean") return "expected spherical as true or false";
  if (!(centroids instanceof Float32Array)) return "expected centroids as a Float32Array";
  if (!(means instanceof Float64Array) || !(deviations instanceof Float64Array))
    return "expected means and deviations as Float64Array";
  const dims = names.length;
  if (dims === 0 || new Set(names).size !== dims) return "expected features with a name of its own each";
  if (sizes.length === 0) return "expected at least one segment";
  if (centroids.length !== sizes.length * dims) return "expected one centroid for each segment";
  if (means.length !== dims || deviations.length !== dims) return "expected one mean and deviation for each feature";
  if (!centroids.every(Number.isFinite)) return "expected finite centroids";
  if (!means.every(Number.isFinite)) return "expected finite means";
  if (!deviations.every((deviation) => Number.isFinite(deviation) && deviation >= 0))
    return "expected deviations that are finite and not negative";
  if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) return "expected sizes that count users";
  return undefined;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function corrupt(path: string, problem: string): CouponcastError {
  return new CouponcastError("ERR_COUPONCAST_CORRUPT_FILE", `${path}: ${problem}`, {
    file: path,
    hint: "Expected a segment model as `couponcast segment --model` writes it of a table.",
  });
}
