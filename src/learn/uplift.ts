import { invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions, shared } from "../executor/executor.js";
import { arrayOf, fieldsOf, integerBetween, numberBetween, oneOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { Random } from "../util/random.js";
import { sigmoid } from "../util/sigmoid.js";
import { type LinearModel, linearRegression, linearScores, logisticRegression } from "./linear-model.js";
import { type SparseRows, sharedRows } from "./sparse-rows.js";

export const LEARNERS = ["S", "T", "X"] as const;
export type Learner = (typeof LEARNERS)[number];

export interface UpliftModelOptions extends RunOptions {
  /** S: one model with the treatment and its products with x; T: one model a group; X: effects learned by cross-imputation. Default X. */
  learner?: Learner | undefined;
  /** Chance of treatment: one for all, or float32 [rows]; in (0, 1). Default: the treated share. */
  propensity?: number | Float32Array | undefined;
  /** Parts of the rows, each predicted by models that have not seen it; default 5. */
  folds?: number | undefined;
  /** int32 [rows]: rows of one group (a user) are in one fold; default: each row on its own. */
  groups?: Int32Array | undefined;
  /** Of the split; default 1. */
  seed?: number | undefined;
  /** Weight of |beta|² / 2 of every model; default 1. */
  l2?: number | undefined;
}

const UPLIFT_MODEL_OPTIONS = {
  ...RUN_OPTIONS,
  learner: true,
  propensity: true,
  folds: true,
  groups: true,
  seed: true,
  l2: true,
};

export interface UpliftModel {
  learner: Learner;
  /** Mean chance of treatment, which weighs the two effects of X. */
  propensity: number;
  /** S: one over [x, treatment, treatment * x]; T: treated, control; X: effect among the treated, among the control. */
  parts: Pick<LinearModel, "beta" | "intercept">[];
}

export interface UpliftFit {
  /** float64 [rows] effect on P(y = 1), each by models that have not seen the row. */
  uplift: Float64Array;
  /** Fitted on all rows, for new ones. */
  model: UpliftModel;
  folds: number;
  seed: number;
}

/**
 * The effect of a treatment on P(y = 1) for each row, from a randomised log: S-, T- or X-learner on (ridge) logistic and
 * linear regressions, with cross-fitting and rows weighted by 1 / propensity of what they got.
 *
 * @param x CSR rows @param treated uint8 [rows] @param y float32 [rows] 0 or 1
 * Deterministic by the seed; threads change nothing. Cost: (folds + 1) times one to four regressions, of X folds² more.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CANCELLED. Source: Künzel et al. 2019.
 */
export async function upliftModel(
  x: SparseRows,
  treated: Uint8Array,
  y: Float32Array,
  options: UpliftModelOptions = {},
): Promise<UpliftFit> {
  const { groups, threads, signal, onProgress } = knownOptions("upliftModel", options, UPLIFT_MODEL_OPTIONS);
  const rows = await sharedRows(x);
  if (
    groups !== undefined &&
    (!(groups instanceof Int32Array) || groups.length !== rows.rows || groups.some((group) => group < 0))
  )
    throw invalidArgument(`expected groups as an Int32Array of ${rows.rows} numbers from 0`);
  const learner = oneOf("learner", options.learner ?? "X", LEARNERS);
  const folds = integerBetween("folds", options.folds ?? 5, 2, 100);
  const seed = integerBetween("seed", options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER);
  const propensity = propensities(rows.rows, treated, y, options.propensity);
  const random = new Random(seed);
  const fold = Uint8Array.from(treated, (_, i) => random.reseed(seed, groups?.[i] ?? i).int(folds));
  const fits = new Fits(rows, treated, y, propensity, { ...options, l2: options.l2 ?? 1 });
  const uplift = new Float64Array(rows.rows);
  const executor = new Executor(options);
  for (let k = 0; k < folds; k++) {
    const model = await fits.learn(learner, (i) => fold[i] !== k, fold, folds);
    const predicted = await predictUplift(model, rows, { threads, signal, onProgress });
    for (let i = 0; i < uplift.length; i++) if (fold[i] === k) uplift[i] = predicted[i]!;
    executor.progress("uplift model", k + 1, folds + 1);
  }
  const model = await fits.learn(learner, () => true, fold, folds);
  return { uplift, model, folds, seed };
}

/** float64 [rows] effect on P(y = 1). Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_CANCELLED. */
export async function predictUplift(
  model: UpliftModel,
  x: SparseRows,
  options: RunOptions = {},
): Promise<Float64Array> {
  knownOptions("predictUplift", options, RUN_OPTIONS);
  const { learner, parts, propensity } = fieldsOf("model", model);
  oneOf("model.learner", learner, LEARNERS);
  numberBetween("model.propensity", propensity, 0, 1);
  if (arrayOf("model.parts", parts).length !== (learner === "S" ? 1 : 2))
    throw invalidArgument(`expected the parts of learner ${learner}`);
  if (learner === "S") {
    const [with1, with0] = await Promise.all(
      [1, 0].map(async (t) => linearScores(parts[0]!, await withTreatment(await sharedRows(x), () => t), options)),
    );
    return with1!.map((z, i) => sigmoid(z) - sigmoid(with0![i]!));
  }
  const [first, second] = await Promise.all(parts.map((part) => linearScores(part, x, options)));
  if (learner === "T") return first!.map((z, i) => sigmoid(z) - sigmoid(second![i]!));
  return first!.map((effect, i) => (1 - propensity) * effect + propensity * second![i]!);
}

function propensities(
  rows: number,
  treated: Uint8Array,
  y: Float32Array,
  given: number | Float32Array | undefined,
): Float32Array {
  if (
    !(treated instanceof Uint8Array) ||
    !(y instanceof Float32Array) ||
    treated.length !== rows ||
    y.length !== rows
  ) {
    throw invalidArgument(`expected treated as Uint8Array and y as Float32Array of ${rows} elements each`);
  }
  const numTreated = treated.reduce((sum, t) => sum + (t === 1 ? 1 : 0), 0);
  if (numTreated === 0 || numTreated === rows || !treated.every((t) => t === 0 || t === 1)) {
    throw invalidArgument(
      `expected 0 and 1 in treated, both of them, but received ${numTreated} treated of ${rows} rows`,
    );
  }
  if (given instanceof Float32Array) {
    const wrong = given.length === rows ? given.findIndex((e) => !(e > 0 && e < 1)) : rows;
    if (wrong >= 0)
      throw invalidArgument(`expected a propensity between 0 and 1, exclusive, for each row; not so in row ${wrong}`);
    return given;
  }
  const all = given === undefined ? numTreated / rows : numberBetween("propensity", given, 1e-6, 1 - 1e-6);
  return new Float32Array(rows).fill(all);
}

/** [x, t, t x] */
async function withTreatment(
  { cols, indptr, indices, values, rows }: SparseRows & { rows: number },
  treatment: (row: number) => number,
): Promise<SparseRows> {
  const nnz = indices.length;
  const wide = {
    cols: 2 * cols + 1,
    indptr: shared.i64(rows + 1),
    indices: shared.i32(2 * nnz + rows),
    values: shared.f32(2 * nnz + rows),
  };
  let at = 0;
  const put = (column: number, value: number): void => {
    wide.indices[at] = column;
    wide.values[at++] = value;
  };
  for (let i = 0; i < rows; i++) {
    const [begin, end] = [Number(indptr[i]), Number(indptr[i + 1])];
    for (let k = begin; k < end; k++) put(indices[k]!, values[k]!);
    if (treatment(i) === 1) {
      put(cols, 1);
      for (let k = begin; k < end; k++) put(cols + 1 + indices[k]!, values[k]!);
    }
    wide.indptr[i + 1] = BigInt(at);
  }
  return { ...wide, indices: wide.indices.subarray(0, at), values: wide.values.subarray(0, at) };
}

/** Regressions on some of the rows: the others weigh 0. */
class Fits {
  #wide: SparseRows | undefined;

  constructor(
    readonly rows: SparseRows & { rows: number },
    readonly treated: Uint8Array,
    readonly y: Float32Array,
    readonly propensity: Float32Array,
    readonly options: UpliftModelOptions & { l2: number },
  ) {}

  #weights(use: (row: number) => boolean): Float32Array {
    const weights = shared.f32(this.rows.rows);
    for (let i = 0; i < weights.length; i++) {
      const chance = this.treated[i] === 1 ? this.propensity[i]! : 1 - this.propensity[i]!;
      weights[i] = use(i) ? 1 / chance : 0;
    }
    return weights;
  }

  #outcome(use: (row: number) => boolean): Promise<LinearModel> {
    const { threads, signal, l2 } = this.options;
    return logisticRegression(this.rows, this.y, { threads, signal, l2, weights: this.#weights(use) });
  }

  /** A learner on the rows in `use`. */
  async learn(learner: Learner, use: (row: number) => boolean, fold: Uint8Array, folds: number): Promise<UpliftModel> {
    const { treated, options } = this;
    const propensity = this.propensity.reduce((sum, e) => sum + e, 0) / this.propensity.length;
    const { threads, signal, l2 } = options;
    if (learner === "S") {
      this.#wide ??= await withTreatment(this.rows, (i) => treated[i]!);
      const part = await logisticRegression(this.#wide, this.y, { threads, signal, l2, weights: this.#weights(use) });
      return { learner, propensity, parts: [part] };
    }
    if (learner === "T") {
      const parts = [1, 0].map((group) => this.#outcome((i) => use(i) && treated[i] === group));
      return { learner, propensity, parts: await Promise.all(parts) };
    }
    const imputed = await this.#imputedEffects(use, fold, folds);
    const effect = (group: number) =>
      linearRegression(this.rows, imputed, {
        threads,
        signal,
        l2,
        weights: this.#weights((i) => use(i) && treated[i] === group),
      });
    return { learner, propensity, parts: [await effect(1), await effect(0)] };
  }

  /** y less what the other group's model, which has not seen the row, expects; the other way round in the control. */
  async #imputedEffects(use: (row: number) => boolean, fold: Uint8Array, folds: number): Promise<Float32Array> {
    const { rows, treated, y, options } = this;
    const effects = shared.f32(y.length);
    for (let k = 0; k < folds; k++) {
      if (!fold.some((f, i) => f === k && use(i))) continue;
      const scores = await Promise.all(
        [0, 1].map(async (group) => {
          const model = await this.#outcome((i) => use(i) && fold[i] !== k && treated[i] === group);
          return linearScores(model, rows, { threads: options.threads, signal: options.signal });
        }),
      );
      for (let i = 0; i < y.length; i++) {
        if (fold[i] !== k) continue;
        const other = sigmoid(scores[treated[i] === 1 ? 0 : 1]![i]!);
        effects[i] = treated[i] === 1 ? y[i]! - other : other - y[i]!;
      }
    }
    return effects;
  }
}
