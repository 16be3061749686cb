import { z } from "zod";
import type { Coupon } from "../campaign/coupon-schema.js";
import { CouponcastError } from "../errors.js";
import { readTensors, verifiedMetadata } from "../store/tensors.js";
import { writeTensors } from "../store/write-tensors.js";
import type { Curves } from "./curves.js";
import { layoutOf } from "./design.js";
import { KNOTS, PAIR_COLUMNS, type ResponseModel, type ResponsePart, type UserAttribute } from "./model.js";
import { USER_FEATURES } from "./moments.js";
import { namesOf, traitNames } from "./names.js";
import { type ResponseTraining, trainingSchema } from "./training.js";

const KIND = "response-model";
const VERSION = "3";
const MAX_JSON_BYTES = 64 << 20;

/** A response model as it stands in a file. */
export interface SavedResponseModel {
  /** "redeem", or "anyway", "use", "persuade": see docs/uplift.md. */
  parts: string[];
  /** Of each coefficient: pair:, user:, season:, trait:, kind:, channel: or coupon: and a name. */
  features: string[];
  /** float64 [features] of each part */
  coefficients: Float64Array[];
  /** Of each part. */
  intercepts: number[];
  /** The pair: columns are max(0, feature - knot). */
  pairKnots: number[];
  /** What makes the user: columns of a user's features. */
  basis: Curves;
  /** What the trait: columns are of. */
  attributes: UserAttribute[];
  training: ResponseTraining;
}

const metadataSchema = z.object({
  parts: z.string().max(1000),
  features: z.string().max(MAX_JSON_BYTES),
  attributes: z.string().max(MAX_JSON_BYTES),
  training: z.string().max(1_000_000),
});
const partsSchema = z.union([
  z.tuple([z.literal("redeem")]),
  z.tuple([z.literal("anyway"), z.literal("use"), z.literal("persuade")]),
]);
const featuresSchema = z.array(z.string().min(1)).min(1);
const attributesSchema = z.array(z.strictObject({ column: z.string().min(1), values: z.array(z.string()) }));

const TENSORS = {
  coefficients: "F64",
  intercepts: "F64",
  pair_knots: "F64",
  knots: "F64",
  mean: "F64",
  deviation: "F64",
} as const;
const USER_COLUMNS = USER_FEATURES.length * KNOTS;

/**
 * Writes a response model as a safetensors file: coefficients F64 [parts, features], intercepts F64 [parts], F64 [pair
 * columns] the knots of the pairs' curves, and F64 [user columns] those of the users' with mean and deviation of what they make; names of parts and features,
 * attributes, seed, split and how good it was as JSON in the metadata. Errors: ERR_COUPONCAST_IO.
 */
export async function writeResponseModel(
  path: string,
  { parts, pairKnots, basis, attributes }: Pick<ResponseModel, "parts" | "pairKnots" | "basis" | "attributes">,
  coupons: readonly Coupon[],
  training: ResponseTraining,
): Promise<void> {
  const features = namesOf(
    attributes,
    coupons.map(({ id }) => id),
  );
  const coefficients = parts.flatMap((part) => [
    ...part.pairBeta,
    ...part.userBeta,
    ...part.seasonBeta,
    ...part.traitBeta,
    ...part.kindBeta,
    ...part.channelBeta,
    ...part.couponBeta,
  ]);
  const tensor = (name: keyof typeof TENSORS, shape: number[], values: number[]) => ({
    name,
    dtype: TENSORS[name],
    shape,
    data: Float64Array.from(values),
  });
  await writeTensors(
    path,
    KIND,
    [
      tensor("coefficients", [parts.length, features.length], coefficients),
      tensor(
        "intercepts",
        [parts.length],
        parts.map(({ intercept }) => intercept),
      ),
      tensor("pair_knots", [PAIR_COLUMNS], pairKnots),
      tensor("knots", [USER_COLUMNS], basis.knots),
      tensor("mean", [USER_COLUMNS], basis.mean),
      tensor("deviation", [USER_COLUMNS], basis.deviation),
    ],
    {
      version: VERSION,
      parts: JSON.stringify(parts.length === 1 ? ["redeem"] : ["anyway", "use", "persuade"]),
      features: JSON.stringify(features),
      attributes: JSON.stringify(attributes),
      training: JSON.stringify(training),
    },
  );
}

/**
 * Reads what a run wrote as response.safetensors; every byte and number of it is checked. The log-odds of a part are
 * coefficients . features + intercept: `linearScores({ beta, intercept }, rows)`.
 * Errors: ERR_COUPONCAST_IO, ERR_COUPONCAST_CORRUPT_FILE, ERR_COUPONCAST_VERSION_MISMATCH.
 */
export function readResponseModel(path: string): SavedResponseModel {
  const metadata = verifiedMetadata(path);
  try {
    if (metadata.kind !== KIND) throw new Error(`expected the kind ${KIND} but it is ${metadata.kind ?? "not said"}`);
    if (metadata.version !== VERSION)
      throw new CouponcastError(
        "ERR_COUPONCAST_VERSION_MISMATCH",
        `${path}: expected version ${VERSION} of a response model but it is version ${metadata.version}`,
        { file: path, hint: "Run the campaign again that it comes from." },
      );
    return parsed(metadataSchema.parse(metadata), readTensors(path, TENSORS) as Record<string, Float64Array>);
  } catch (cause) {
    if (cause instanceof CouponcastError) throw cause;
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new CouponcastError("ERR_COUPONCAST_CORRUPT_FILE", `${path}: no response model: ${why}`, {
      file: path,
      cause,
    });
  }
}

function parsed(metadata: z.infer<typeof metadataSchema>, tensors: Record<string, Float64Array>): SavedResponseModel {
  const parts = partsSchema.parse(JSON.parse(metadata.parts));
  const features = featuresSchema.parse(JSON.parse(metadata.features));
  const attributes = attributesSchema.parse(JSON.parse(metadata.attributes));
  const training = trainingSchema.parse(JSON.parse(metadata.training));
  const expected = namesOf(attributes, []);
  const wrong = expected.findIndex((name, at) => features[at] !== name);
  if (wrong >= 0)
    throw new Error(`expected the feature ${expected[wrong]} but it is ${features[wrong] ?? "not there"}`);
  const coupons = features.slice(expected.length);
  if (new Set(coupons).size !== coupons.length) throw new Error("expected each coupon once");
  const of = (name: keyof typeof TENSORS, length: number): Float64Array => {
    const values = tensors[name]!;
    if (values.length !== length) throw new Error(`expected ${length} ${name} but there are ${values.length}`);
    if (!values.every(Number.isFinite)) throw new Error(`expected finite ${name}`);
    return values;
  };
  const dims = features.length;
  const coefficients = of("coefficients", parts.length * dims);
  const column = (name: keyof Curves) => [...of(name, USER_COLUMNS)];
  const basis = { knots: column("knots"), mean: column("mean"), deviation: column("deviation") };
  if (!basis.deviation.every((d) => d > 0)) throw new Error("expected deviations above 0");
  return {
    parts: [...parts],
    features,
    coefficients: parts.map((_, m) => coefficients.slice(m * dims, (m + 1) * dims)),
    intercepts: [...of("intercepts", parts.length)],
    pairKnots: [...of("pair_knots", PAIR_COLUMNS)],
    basis,
    attributes,
    training,
  };
}

/** The parts of a file for a run's coupons; one that the file does not name has the effect of its kind alone. */
export function partsFor(
  { features, coefficients, intercepts, attributes }: SavedResponseModel,
  coupons: readonly Coupon[],
): { parts: ResponsePart[]; unknown: string[] } {
  const position = new Map(features.map((name, at) => [name, at]));
  const at = coupons.map(({ id }) => position.get(`coupon:${id}`));
  const layout = layoutOf(traitNames(attributes).length, 0);
  const parts = coefficients.map((beta, m) => ({
    pairBeta: [...beta.subarray(0, layout.userAt)],
    intercept: intercepts[m]!,
    userBeta: [...beta.subarray(layout.userAt, layout.seasonAt)],
    seasonBeta: [...beta.subarray(layout.seasonAt, layout.traitAt)],
    traitBeta: [...beta.subarray(layout.traitAt, layout.kindAt)],
    kindBeta: [...beta.subarray(layout.kindAt, layout.channelAt)],
    channelBeta: [...beta.subarray(layout.channelAt, layout.couponAt)],
    couponBeta: at.map((index) => (index === undefined ? 0 : beta[index]!)),
  }));
  return { parts, unknown: coupons.map(({ id }) => id).filter((_, j) => at[j] === undefined) };
}
