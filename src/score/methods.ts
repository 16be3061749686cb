/** The scoring methods by name. */
import { SCORING_METHODS } from "../campaign/method-names.js";
import type { Executor } from "../executor/executor.js";
import type { Matrix } from "../store/matrix.js";
import { oneOf } from "../util/arguments.js";
import { alsMethod, type FactorMethodOptions } from "./factor-methods.js";
import { easeMethod, type ItemMethodOptions, rp3betaMethod } from "./item-methods.js";
import { type FittedMethod, fromKernels, type KernelModel, type ScoringMethod } from "./method.js";
import { itemKnn, type NeighbourMethodOptions, saturated, seedLiteral, userKnn } from "./neighbour-methods.js";

export const METHODS = [...SCORING_METHODS, "seed-literal"] as const;
export type Method = (typeof METHODS)[number];

/** Options of all methods; each reads its own. */
export interface MethodOptions extends NeighbourMethodOptions, FactorMethodOptions, ItemMethodOptions {
  /** Default item-knn. */
  method?: Method | undefined;
}

const BY_NAME: Record<Method, ScoringMethod<MethodOptions>> = {
  "item-knn": itemKnn,
  "user-knn": userKnn,
  saturated,
  als: alsMethod,
  ease: easeMethod,
  rp3beta: rp3betaMethod,
  "seed-literal": seedLiteral,
};

/** Fits the method that the options name. Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CORRUPT_FILE, _CANCELLED, _CLOSED. */
export function fitModel(
  executor: Executor,
  matrix: Matrix,
  options: MethodOptions,
  use: "rank" | "affinity",
): Promise<KernelModel> {
  const method = oneOf("method", options.method ?? "item-knn", METHODS);
  return BY_NAME[method].fit(executor, matrix, options, use);
}

/** As fitModel, ready to rank items and to sum over coupons. */
export async function fitMethod(...args: Parameters<typeof fitModel>): Promise<FittedMethod> {
  return fromKernels(args[1], await fitModel(...args));
}
