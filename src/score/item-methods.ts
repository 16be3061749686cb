/** Methods that score by weights between items which are not similarities: EASE and RP3beta. */
import type { RunOptions } from "../executor/executor.js";
import { type EaseOptions, ease } from "./ease.js";
import type { ScoringMethod } from "./method.js";
import { itemModel } from "./neighbour-methods.js";
import { type Rp3betaOptions, rp3beta } from "./rp3beta.js";
import { neighbourArgs } from "./similar.js";
import { weightingArgs } from "./weighting.js";

export interface ItemMethodOptions extends RunOptions {
  ease?: Pick<EaseOptions, "regularisation"> | undefined;
  rp3beta?: Pick<Rp3betaOptions, "alpha" | "beta"> | undefined;
  /** Neighbours of the model of rp3beta; default 100. */
  neighbours?: number | undefined;
}

/** For knownOptions. */
export const EASE_METHOD_OPTIONS = { regularisation: true };

/** A user costs a row of all items for each of his cells. */
const SHARD_USERS = 1024;

/** score(u, j) = sum_i r_ui B_ij over all items; an item says nothing about itself. */
export const easeMethod: ScoringMethod<ItemMethodOptions> = {
  name: "ease",
  async fit(_executor, matrix, { ease: own, threads, signal, onProgress }) {
    const { weights, numItems } = await ease(matrix, { ...own, threads, signal, onProgress });
    return {
      method: "ease",
      args: { ...weightingArgs({}), dense: weights },
      rank: { kernel: "recommendDense", usersPerCall: SHARD_USERS },
      affinity: {
        scopeKernel: "scopeWeightsDense",
        rows: numItems,
        kernel: "affinityItems",
        usersPerCall: SHARD_USERS,
      },
    };
  },
};

/** score(u, j) = sum_i r_ui W_ij over the items that a random walk from i reaches most often. */
export const rp3betaMethod: ScoringMethod<ItemMethodOptions> = {
  name: "rp3beta",
  async fit(_executor, matrix, { rp3beta: own, neighbours, threads, signal, onProgress }, use) {
    const walk = { ...own, neighbours, includeSelf: use === "affinity", threads, signal, onProgress };
    const model = await rp3beta(matrix, walk);
    return itemModel("rp3beta", matrix.numItems, { ...weightingArgs({}), ...neighbourArgs(model) });
  },
};
