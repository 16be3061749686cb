import { invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions, shards, shared } from "../executor/executor.js";
import { type ShardSizes, shardsOfWork } from "../executor/shards.js";
import type { Axis } from "../native/addon.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { booleanOf, fieldsOf, integerBetween, numberBetween, oneOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";

const MAX_FACTORS = 512;

export interface AlsOptions extends RunOptions {
  /** Length of a user's and an item's vector, 1 to 512; default 64. */
  factors?: number | undefined;
  /** Rounds over users and items; default 15. */
  iterations?: number | undefined;
  /** lambda of lambda (|x|² + |y|²), at least 0; default 0.01. */
  regularisation?: number | undefined;
  /** A cell of value r counts 1 + alpha r, one without counts 1; at least 0, default 1. */
  alpha?: number | undefined;
  /** cg: a few steps of conjugate gradient a round, fast; cholesky: each row exactly. Default cg. */
  solver?: "cg" | "cholesky" | undefined;
  /** Of cg; default 2. */
  steps?: number | undefined;
  /** Of the item vectors' start, 0 to 4294967295; default 1. */
  seed?: number | undefined;
  /** Compute the loss after each round, not only after the last: costs about a tenth. Default false. */
  trackLoss?: boolean | undefined;
}

/** For knownOptions: those that a method of recommend has as well. */
export const ALS_FIT_OPTIONS = {
  factors: true,
  iterations: true,
  regularisation: true,
  alpha: true,
  solver: true,
  steps: true,
  seed: true,
};

/** What rows are solved with. */
export interface AlsParams {
  factors: number;
  regularisation: number;
  alpha: number;
  solver: "cg" | "cholesky";
  steps: number;
}

export interface AlsVectors {
  /** Length of a vector. */
  factors: number;
  /** [numUsers * factors] in shared memory. */
  userFactors: Float32Array;
  /** [numItems * factors] */
  itemFactors: Float32Array;
}

export interface AlsModel extends AlsParams, AlsVectors {
  /** The objective: sum of c (p - x·y)² over all users and items, and the regularisation. */
  loss: number;
  /** Loss after each round if trackLoss was asked for, else after the last. */
  history: number[];
}

/** Rows of a Gram shard, a multiple of the kernel's 256; and of others that cost as little a row. */
const SHARD_ROWS = 16_384;
/** Factors that start at once. */
const START_VALUES = 1 << 22;
/** In cells: enough to hide the call. */
const SHARDS: ShardSizes = { minWork: 20_000, maxWork: 2_000_000, maxRows: 1 << 20 };
const START_SCALE = 0.1;

export function checkAlsParams(options: AlsOptions): AlsParams {
  return {
    factors: integerBetween("factors", options.factors ?? 64, 1, MAX_FACTORS),
    regularisation: numberBetween("regularisation", options.regularisation ?? 0.01, 0, 1e9),
    alpha: numberBetween("alpha", options.alpha ?? 1, 0, 1e9),
    solver: oneOf("solver", options.solver ?? "cg", ["cg", "cholesky"] as const),
    steps: integerBetween("steps", options.steps ?? 2, 1, 1_000_000),
  };
}

/** @internal Refuses what is no vectors of users and items: their numbers decide how much memory is taken. */
export function checkAlsVectors<T extends AlsVectors>(vectors: T): T {
  const { factors, userFactors, itemFactors } = fieldsOf("model", vectors);
  integerBetween("factors", factors, 1, MAX_FACTORS);
  for (const [name, rows] of Object.entries({ userFactors, itemFactors })) {
    if (!(rows instanceof Float32Array) || rows.length % factors !== 0)
      throw invalidArgument(`expected a Float32Array of ${factors} factors a row in ${name}`);
  }
  return vectors;
}

/** @internal Refuses what is no model. */
export function checkAlsModel<T extends AlsModel>(model: T): T {
  checkAlsParams(fieldsOf("model", model));
  return checkAlsVectors(model);
}

/** @internal Whether all numbers are finite. */
export async function areFinite(
  executor: Executor,
  { factors, userFactors, itemFactors }: AlsVectors,
): Promise<boolean> {
  for (const rows of [userFactors, itemFactors]) {
    if (!(await gramOf(executor, rows, factors)).every(Number.isFinite)) return false;
  }
  return true;
}

/** @internal */
export function alsArgs({ factors, regularisation, alpha, solver, steps }: AlsParams) {
  return { factors, regularisation, alpha, cholesky: solver === "cholesky", steps };
}

/** @internal Sum of y y' over rows: the same bytes for any number of threads. */
export async function gramOf(executor: Executor, rows: Float32Array, factors: number): Promise<Float64Array> {
  const parts = await executor.map(
    shards(rows.length / factors, SHARD_ROWS).map(({ begin, end }) => ({
      kernel: "alsGram",
      args: { rows, factors, begin, end, outGram: { $return: "F64", length: factors * factors } },
    })),
  );
  const gram = shared.f64(factors * factors);
  for (const { outputs } of parts) {
    const part = outputs.outGram as Float64Array;
    for (let i = 0; i < gram.length; i++) gram[i]! += part[i]!;
  }
  return gram;
}

/** Length of a row in the basis: whole cache lines. */
const turnedWidth = (factors: number) => Math.ceil(factors / 16) * 16;

/**
 * @internal What alsSolve wants of the columns: their rows in the basis of their Gram, written to `memory`, which is made if
 * it is not given.
 */
export async function basisOf(
  executor: Executor,
  rows: Float32Array,
  gram: Float64Array,
  params: AlsParams,
  memory?: Float32Array,
) {
  const { factors } = params;
  const width = turnedWidth(factors);
  const length = (rows.length / factors) * width;
  const turned = memory?.subarray(0, length) ?? shared.alignedF32(length);
  const root = shared.f32(factors * factors);
  const inverse = shared.f32(factors * factors);
  await executor.run({
    kernel: "alsBasis",
    args: { ...alsArgs(params), gram, outRoot: root, outInverse: inverse },
  });
  await executor.map(
    shards(rows.length / factors, SHARD_ROWS).map(({ begin, end }) => ({
      kernel: "alsTurn",
      args: { rows, factors, inverse, begin, end, outTurned: turned.subarray(begin * width, end * width) },
    })),
  );
  return { turned, root, inverse };
}

/**
 * Matrix factorisation for implicit feedback: user vectors x and item vectors y that minimise
 * sum_ui c_ui (p_ui - x_u·y_i)² + lambda (sum |x|² + sum |y|²) over all users and items, by alternating least squares;
 * p = 1 where the cell is > 0, else 0; c = 1 + alpha |r|.
 *
 * Rows are solved in the basis of the other side's Gram (native/include/couponcast/als.h). The same bytes for any number of
 * threads. Cost a round: some (10 cells + 3 rows · factors) · 2 factors flops with cg; memory 4 factors bytes a user and an
 * item, and of the more numerous of them once more while it runs. Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CORRUPT_FILE, _CANCELLED, _CLOSED.
 * Source: Hu, Koren, Volinsky 2008; Takács, Pilászy, Tikk 2011.
 */
export async function als(matrix: Matrix, options: AlsOptions = {}): Promise<AlsModel> {
  checkMatrix("matrix", matrix);
  knownOptions("als", options, { ...RUN_OPTIONS, ...ALS_FIT_OPTIONS, trackLoss: true });
  const params = checkAlsParams(options);
  const iterations = integerBetween("iterations", options.iterations ?? 15, 1, 1_000_000);
  const seed = integerBetween("seed", options.seed ?? 1, 0, 2 ** 32 - 1);
  const trackLoss = booleanOf("trackLoss", options.trackLoss ?? false);
  const training = new Training(new Executor(options), matrix, params, iterations);
  await training.start(seed);
  const history: number[] = [];
  for (let round = 1; round <= iterations; round++) {
    await training.round();
    if (trackLoss || round === iterations) history.push(await training.loss());
  }
  if (!Number.isFinite(history.at(-1)))
    throw invalidArgument("expected alpha and values whose products float32 can hold");
  const { userFactors, itemFactors } = training;
  return { ...params, userFactors, itemFactors, loss: history.at(-1)!, history };
}

type WorkShard = Awaited<ReturnType<typeof shardsOfWork>>[number];

class Training {
  readonly userFactors: Float32Array;
  readonly itemFactors: Float32Array;
  /** Of the side that the other is solved for. */
  readonly #turned: Float32Array;
  #itemGram: Float64Array = new Float64Array();
  #rounds = 0;
  #shards: { users: WorkShard[]; items: WorkShard[] } | undefined;

  constructor(
    readonly executor: Executor,
    readonly matrix: Matrix,
    readonly params: AlsParams,
    readonly iterations: number,
  ) {
    this.userFactors = shared.f32(matrix.numUsers * params.factors);
    this.itemFactors = shared.f32(matrix.numItems * params.factors);
    this.#turned = shared.alignedF32(Math.max(matrix.numUsers, matrix.numItems) * turnedWidth(params.factors));
  }

  /** Items at random about 0, users at 0: small numbers, so that the first round sees no structure that is not there. */
  async start(seed: number): Promise<void> {
    const scale = START_SCALE / Math.sqrt(this.params.factors);
    await this.executor.map(
      shards(this.itemFactors.length, START_VALUES).map(({ begin, end }) => ({
        kernel: "alsStart",
        args: { seed, begin, scale, outFactors: this.itemFactors.subarray(begin, end) },
      })),
    );
    this.#itemGram = await this.#gram(this.itemFactors);
    this.#shards = { users: await this.#cut("users"), items: await this.#cut("items") };
  }

  async round(): Promise<void> {
    await this.#solve("users", this.itemFactors, this.#itemGram, this.userFactors);
    const userGram = await this.#gram(this.userFactors);
    await this.#solve("items", this.userFactors, userGram, this.itemFactors);
    this.#itemGram = await this.#gram(this.itemFactors);
    this.#rounds++;
  }

  async loss(): Promise<number> {
    const { factors, regularisation } = this.params;
    const parts = await this.executor.map(
      shards(this.matrix.numUsers, SHARD_ROWS).map(({ begin, end }) => ({
        kernel: "alsLoss",
        args: {
          ...alsArgs(this.params),
          matrix: this.matrix.ref(),
          axis: "users",
          rows: this.userFactors,
          others: this.itemFactors,
          begin,
          end,
        },
      })),
    );
    let loss = 0;
    for (const { value } of parts) loss += value as number;
    const users = await this.#gram(this.userFactors);
    for (let i = 0; i < users.length; i++) loss += users[i]! * this.#itemGram[i]!;
    for (let k = 0; k < users.length; k += factors + 1) loss += regularisation * (users[k]! + this.#itemGram[k]!);
    return loss;
  }

  #gram(rows: Float32Array): Promise<Float64Array> {
    return gramOf(this.executor, rows, this.params.factors);
  }

  async #solve(axis: Axis, others: Float32Array, gram: Float64Array, solved: Float32Array): Promise<void> {
    const { factors } = this.params;
    const basis = await basisOf(this.executor, others, gram, this.params, this.#turned);
    const ranges = this.#shards![axis];
    const calls = ranges.map(({ begin, end }) => ({
      kernel: "alsSolve" as const,
      args: {
        ...alsArgs(this.params),
        matrix: this.matrix.ref(),
        axis,
        ...basis,
        begin,
        end,
        outSolved: solved.subarray(begin * factors, end * factors),
      },
    }));
    const weight = (index: number) => ranges[index]!.work;
    await this.executor.map(calls, {
      name: `factors of ${axis}, round ${this.#rounds + 1} of ${this.iterations}`,
      weight,
    });
  }

  async #cut(axis: Axis): Promise<WorkShard[]> {
    const rows = axis === "users" ? this.matrix.numUsers : this.matrix.numItems;
    const work = shared.f64(rows);
    const args = { matrix: this.matrix.ref(), axis, begin: 0, end: rows, outWork: work };
    await this.matrix.check(this.executor);
    await this.executor.run({ kernel: "alsWork", args });
    return shardsOfWork(work, this.executor.threads, SHARDS);
  }
}
