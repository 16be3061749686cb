/** What every scoring method is to the rest: a fitted model that ranks items for users and sums scores over coupons. */
import { invalidArgument } from "../errors.js";
import type { ArgValue, KernelCall } from "../executor/call.js";
import { type Executor, type RowRange, shards, shared } from "../executor/executor.js";
import type { KernelName } from "../native/addon.js";
import type { Matrix } from "../store/matrix.js";
import type { Scopes } from "./scopes.js";

export type ModelArgs = KernelCall["args"];
export type ScopeLists = Pick<Scopes, "numCoupons" | "indptr" | "items">;

/** Top-n of the users of a range; the arrays are shared memory, n places a user, as in `Recommendations`. */
export interface RankRequest {
  executor: Executor;
  range: RowRange;
  n: number;
  /** filterSeen, normalise, allowed and the fallback, as the ranking kernels take them. */
  options: ModelArgs;
  items: Int32Array;
  scores: Float32Array;
  sources: Uint8Array;
  counts: Int32Array;
}

/** Affinity of the users of a range to coupons; `output` says where a part of the range goes, rows of numCoupons + 1. */
export interface AffinityRequest {
  executor: Executor;
  range: RowRange;
  scopes: ScopeLists;
  output: (range: RowRange) => ArgValue;
}

/** A method after it has seen the matrix. Exact and the same for any number of threads. */
export interface FittedMethod {
  readonly method: string;
  rank(request: RankRequest): Promise<void>;
  /** Scores summed over the items of each coupon's scope, the last column over all items. */
  affinity(request: AffinityRequest): Promise<void>;
}

/** A way to fit a method. `use`: for ranking items that are new to the user, or for affinity, where own items count. */
export interface ScoringMethod<Options> {
  readonly name: string;
  fit(executor: Executor, matrix: Matrix, options: Options, use: "rank" | "affinity"): Promise<KernelModel>;
}

/**
 * A fitted method as data: arguments of kernels, so that it can be kept in a file.
 *
 * All kernels get `matrix` and `args`. `rank.kernel` also takes begin, end, n, filterSeen, normalise, allowed, the fallback
 * and outItems, outScores, outSources, outCounts (recommend.h). `affinity.scopeKernel` computes what each of `rows` rows
 * of the model gives to each coupon, from scopeIndptr, scopeItems, begin, end into outWeights [rows * columns];
 * `affinity.kernel` sums them for users, from weights, columns, begin, end into outAffinity (affinity.h).
 */
export interface KernelModel {
  method: string;
  args: ModelArgs;
  rank: { kernel: KernelName; usersPerCall: number };
  affinity?: { scopeKernel: KernelName; rows: number; kernel: KernelName; usersPerCall: number } | undefined;
}

const SCOPE_ROWS = 8192;

/** Shards of a range, in the rows of the whole. */
function partsOf(range: RowRange, rows: number): RowRange[] {
  return shards(range.end - range.begin, rows).map(({ begin, end }) => ({
    begin: range.begin + begin,
    end: range.begin + end,
  }));
}

async function mapRanges(executor: Executor, name: string, ranges: readonly RowRange[], calls: KernelCall[]) {
  await executor.map(calls, { name, weight: (index) => ranges[index]!.end - ranges[index]!.begin });
}

class KernelMethod implements FittedMethod {
  readonly method: string;
  readonly #matrix: Matrix;
  readonly #model: KernelModel;

  constructor(matrix: Matrix, model: KernelModel) {
    this.method = model.method;
    this.#matrix = matrix;
    this.#model = model;
  }

  async rank(request: RankRequest): Promise<void> {
    const { range, n, items, scores, sources, counts } = request;
    const { kernel, usersPerCall } = this.#model.rank;
    const ranges = partsOf(range, usersPerCall);
    const calls = ranges.map(({ begin, end }): KernelCall => {
      const [first, last] = [begin - range.begin, end - range.begin];
      return {
        kernel,
        args: {
          matrix: this.#matrix.ref(),
          ...this.#model.args,
          ...request.options,
          begin,
          end,
          n,
          outItems: items.subarray(first * n, last * n),
          outScores: scores.subarray(first * n, last * n),
          outSources: sources.subarray(first * n, last * n),
          outCounts: counts.subarray(first, last),
        },
      };
    });
    await mapRanges(request.executor, "recommend", ranges, calls);
  }

  async affinity({ executor, range, scopes, output }: AffinityRequest): Promise<void> {
    const { affinity, args } = this.#model;
    if (affinity === undefined) {
      throw invalidArgument(`the method ${this.method} has no affinity to coupons`, {
        hint: "Use item-knn, for example.",
      });
    }
    const columns = scopes.numCoupons + 1;
    const weights = shared.f32(affinity.rows * columns);
    const common = { matrix: this.#matrix.ref(), ...args };
    await executor.map(
      shards(affinity.rows, SCOPE_ROWS).map(({ begin, end }) => ({
        kernel: affinity.scopeKernel,
        args: {
          ...common,
          scopeIndptr: scopes.indptr,
          scopeItems: scopes.items,
          begin,
          end,
          outWeights: weights.subarray(begin * columns, end * columns),
        },
      })),
      { name: "coupon scopes" },
    );
    const ranges = partsOf(range, affinity.usersPerCall);
    const calls = ranges.map((part) => ({
      kernel: affinity.kernel,
      args: { ...common, weights, columns, ...part, outAffinity: output(part) },
    }));
    await mapRanges(executor, "affinity", ranges, calls);
  }
}

export function fromKernels(matrix: Matrix, model: KernelModel): FittedMethod {
  return new KernelMethod(matrix, model);
}
