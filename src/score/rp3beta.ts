import { Executor, RUN_OPTIONS, shared } from "../executor/executor.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { numberBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { forEachYielding } from "../util/yield.js";
import { type Neighbours, type SimilarOptions, similarItems } from "./similar.js";
import { WALK_OPTIONS, type WalkOptions, walkWeights } from "./weighting.js";

export interface Rp3betaOptions
  extends WalkOptions,
    Pick<SimilarOptions, "neighbours" | "includeSelf" | "threads" | "signal" | "onProgress"> {}

const RP3BETA_OPTIONS = { ...RUN_OPTIONS, ...WALK_OPTIONS, neighbours: true, includeSelf: true };

/**
 * RP3beta: the `neighbours` items j that a random walk item - user - item from each item i reaches most often, popular ones held back:
 * W_ij = d_i^-alpha d_j^-beta sum_u d_u^-alpha over the users of both, with d the number of cells > 0 of a row or column.
 *
 * Exact, the same bytes for any number of threads, of equal scores the smaller item. Cost and memory: as similarItems.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CORRUPT_FILE, _CANCELLED, _CLOSED.
 * Source: Paudel, Christoffel, Newell, Bernstein 2016.
 */
export async function rp3beta(matrix: Matrix, options: Rp3betaOptions = {}): Promise<Neighbours> {
  checkMatrix("matrix", matrix);
  knownOptions("rp3beta", options, RP3BETA_OPTIONS);
  const walk = {
    alpha: numberBetween("alpha", options.alpha ?? 1, 0, 10),
    beta: numberBetween("beta", options.beta ?? 0.6, 0, 10),
  };
  const { neighbours = 100, includeSelf, threads, signal, onProgress } = options;
  const run = { threads, signal, onProgress };
  const lists = await similarItems(matrix, { ...run, neighbours, includeSelf, walk });
  const { rowFactor } = await walkWeights(new Executor(run), matrix, walk);
  const scores = shared.f32(lists.scores.length);
  await forEachYielding(scores.length, (at) => {
    scores[at] = lists.scores[at]! * rowFactor[Math.floor(at / lists.k)]!;
  });
  return { ...lists, scores };
}
