/** The method that scores by vectors of users and items. */
import { invalidArgument } from "../errors.js";
import type { Executor } from "../executor/executor.js";
import type { Matrix } from "../store/matrix.js";
import { ALS_FIT_OPTIONS, type AlsOptions, type AlsVectors, als, areFinite, checkAlsVectors } from "./als.js";
import type { ScoringMethod } from "./method.js";

export interface FactorMethodOptions {
  /** Of als. */
  als?: AlsMethodOptions | undefined;
}

export interface AlsMethodOptions extends Omit<AlsOptions, "threads" | "signal" | "onProgress" | "trackLoss"> {
  /** The answer of als or of foldInMatrix for this matrix, so that it is not computed again: the rest then counts nothing. */
  model?: AlsVectors | undefined;
}

/** For knownOptions. */
export const ALS_METHOD_OPTIONS = { ...ALS_FIT_OPTIONS, model: true };

/** Users that share a call's copy of the items. */
const SHARD_USERS = 4096;

/** The caller's vectors as kernels may take them. */
async function checkedVectors(executor: Executor, matrix: Matrix, model: AlsVectors): Promise<AlsVectors> {
  const { factors, userFactors, itemFactors } = checkAlsVectors(model);
  if (userFactors.length !== matrix.numUsers * factors || itemFactors.length !== matrix.numItems * factors)
    throw invalidArgument("expected in als.model what als or foldInMatrix answers for this matrix");
  if (!(await areFinite(executor, model))) throw invalidArgument("expected finite vectors in als.model");
  return model;
}

/** score(u, j) = x_u · y_j of a matrix factorisation. */
export const alsMethod: ScoringMethod<FactorMethodOptions & Pick<AlsOptions, "threads" | "signal" | "onProgress">> = {
  name: "als",
  async fit(executor, matrix, { als: own, threads, signal, onProgress }) {
    const { model, ...fit } = own ?? {};
    const { factors, userFactors, itemFactors } = await (model === undefined
      ? als(matrix, { ...fit, threads, signal, onProgress })
      : checkedVectors(executor, matrix, model));
    return {
      method: "als",
      args: { factors, userFactors, itemFactors },
      rank: { kernel: "recommendFactors", usersPerCall: SHARD_USERS },
      affinity: {
        scopeKernel: "scopeWeightsFactors",
        rows: factors,
        kernel: "affinityFactors",
        usersPerCall: SHARD_USERS,
      },
    };
  },
};
