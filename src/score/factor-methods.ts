/** The method that scores by vectors of users and items. */
import { type AlsOptions, als } from "./als.js";
import type { ScoringMethod } from "./method.js";

export interface FactorMethodOptions {
  /** Of als. */
  als?: Omit<AlsOptions, "threads" | "signal" | "onProgress" | "trackLoss"> | undefined;
}

/** Users that share a call's copy of the items. */
const SHARD_USERS = 4096;

/** score(u, j) = x_u · y_j of a matrix factorisation. */
export const alsMethod: ScoringMethod<FactorMethodOptions & Pick<AlsOptions, "threads" | "signal" | "onProgress">> = {
  name: "als",
  async fit(_executor, matrix, { als: own, threads, signal, onProgress }) {
    const { factors, userFactors, itemFactors } = await als(matrix, { ...own, threads, signal, onProgress });
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
