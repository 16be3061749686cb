/** The scoring methods by name. */
import { SCORING_METHODS } from "../campaign/method-names.js";
import { invalidArgument } from "../errors.js";
import { type Executor, RUN_OPTIONS } from "../executor/executor.js";
import type { Matrix } from "../store/matrix.js";
import { oneOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { BLEND_OPTIONS, BlendedMethod, type BlendOptions, type ScoreCurve } from "./blend.js";
import { type ContentMethodOptions, content } from "./content/content-method.js";
import { ALS_METHOD_OPTIONS, alsMethod, type FactorMethodOptions } from "./factor-methods.js";
import { EASE_METHOD_OPTIONS, easeMethod, type ItemMethodOptions, rp3betaMethod } from "./item-methods.js";
import { type FittedMethod, fromKernels, type KernelModel, type ScoringMethod } from "./method.js";
import { itemKnn, type NeighbourMethodOptions, saturated, seedLiteral, userKnn } from "./neighbour-methods.js";
import { WALK_OPTIONS, WEIGHTING_OPTIONS } from "./weighting.js";

const METHODS = [...SCORING_METHODS, "seed-literal"] as const;
export type Method = (typeof METHODS)[number];
type PlainMethod = Exclude<Method, "blend">;

/** Options of the methods that are no blend; each reads its own. */
interface PlainMethodOptions
  extends NeighbourMethodOptions,
    FactorMethodOptions,
    ItemMethodOptions,
    ContentMethodOptions {
  /** Default item-knn. */
  method?: PlainMethod | undefined;
}

/** A method in a blend, and how much it counts. */
export interface BlendPart extends Omit<PlainMethodOptions, "threads" | "signal" | "onProgress"> {
  /** At least 0; default 1. */
  weight?: number | undefined;
  /** Of a blend by score. */
  curve?: ScoreCurve | undefined;
}

/** Options of all methods. */
export interface MethodOptions extends Omit<PlainMethodOptions, "method"> {
  /** Default item-knn. */
  method?: Method | undefined;
  /** Of blend: the methods. */
  parts?: readonly BlendPart[] | undefined;
  /** Of blend: how. */
  blend?: BlendOptions | undefined;
}

/** For knownOptions. */
const PLAIN_OPTIONS = {
  method: true,
  ...WEIGHTING_OPTIONS,
  neighbours: true,
  model: true,
  als: true,
  ease: true,
  rp3beta: true,
  profiles: true,
};
const PART_OPTIONS = { ...PLAIN_OPTIONS, weight: true, curve: true };
export const METHOD_OPTIONS = { ...RUN_OPTIONS, ...PLAIN_OPTIONS, parts: true, blend: true };

/** Refuses what no method knows, also where it is of another method than the one that is asked for. */
function checkOwnOptions({ als, ease, rp3beta }: PlainMethodOptions): void {
  if (als !== undefined) knownOptions("als", als, ALS_METHOD_OPTIONS);
  if (ease !== undefined) knownOptions("ease", ease, EASE_METHOD_OPTIONS);
  if (rp3beta !== undefined) knownOptions("rp3beta", rp3beta, WALK_OPTIONS);
}

/** Refuses what is no part of a blend. */
export function checkParts<T extends BlendPart>(parts: readonly T[] | undefined): readonly T[] {
  if (!Array.isArray(parts) || parts.length === 0)
    throw invalidArgument("expected parts, the methods of the blend", { hint: "For example item-knn and content." });
  for (const [p, part] of parts.entries()) {
    knownOptions<BlendPart, typeof PART_OPTIONS>(`parts[${p}]`, part, PART_OPTIONS);
    checkOwnOptions(part);
  }
  return parts;
}

const BY_NAME: Record<PlainMethod, ScoringMethod<PlainMethodOptions>> = {
  "item-knn": itemKnn,
  "user-knn": userKnn,
  saturated,
  als: alsMethod,
  ease: easeMethod,
  rp3beta: rp3betaMethod,
  content,
  "seed-literal": seedLiteral,
};

/** Models of the methods of a blend, or of one method. */
export interface FittedModel {
  method: Method;
  parts: { model: KernelModel; weight: number; curve?: ScoreCurve | undefined }[];
  blend?: BlendOptions | undefined;
}

/** Fits the method that the options name. Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CORRUPT_FILE, _CANCELLED, _CLOSED. */
export async function fitModel(
  executor: Executor,
  matrix: Matrix,
  options: MethodOptions,
  use: "rank" | "affinity",
): Promise<FittedModel> {
  const method = oneOf("method", options.method ?? "item-knn", METHODS);
  checkOwnOptions(options as PlainMethodOptions);
  if (options.blend !== undefined) knownOptions("blend", options.blend, BLEND_OPTIONS);
  if (method !== "blend")
    return {
      method,
      parts: [{ model: await BY_NAME[method].fit(executor, matrix, { ...options, method }, use), weight: 1 }],
    };
  const { threads, signal, onProgress } = options;
  const parts: FittedModel["parts"] = [];
  for (const { weight = 1, curve, ...part } of checkParts(options.parts)) {
    const name = oneOf(
      "method",
      part.method ?? "item-knn",
      METHODS.filter((other) => other !== "blend"),
    );
    const fitted = await BY_NAME[name].fit(executor, matrix, { ...part, threads, signal, onProgress }, use);
    parts.push({ model: fitted, weight, curve });
  }
  return { method, parts, blend: options.blend };
}

/** A fitted model, ready to rank items and to sum over coupons. */
export function openMethod(matrix: Matrix, { method, parts, blend }: FittedModel): FittedMethod {
  if (method !== "blend") return fromKernels(matrix, parts[0]!.model);
  const fitted = parts.map(({ model, ...part }) => ({ ...part, fitted: fromKernels(matrix, model) }));
  return new BlendedMethod(matrix, fitted, blend);
}

/** As fitModel, ready to use. */
export async function fitMethod(...args: Parameters<typeof fitModel>): Promise<FittedMethod> {
  return openMethod(args[1], await fitModel(...args));
}
