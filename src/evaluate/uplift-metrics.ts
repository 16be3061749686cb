import { invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions, shared } from "../executor/executor.js";
import { fieldsOf, integerBetween, numberBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { forEachYielding } from "../util/yield.js";
import { type Estimate, normalEstimate } from "./interval.js";
import {
  areaUnder,
  type CumulativeGroups,
  type Curve,
  cumulate,
  curveOf,
  qiniGain,
  upliftGain,
} from "./uplift-curve.js";

/** Users of a randomised test with the score of a model, one element a user. */
export interface UpliftData {
  /** Predicted uplift, or any score: larger is treated first. Finite. */
  scores: ArrayLike<number>;
  /** 1 treated, 0 control. */
  treated: ArrayLike<number>;
  /** What the user did: 0 or 1, or an amount. */
  outcomes: ArrayLike<number>;
  /** What the user cost, for the cost curve. */
  costs?: ArrayLike<number> | undefined;
}

export interface UpliftOptions extends RunOptions {
  /** Of the interval of the effect, in (0, 1); default 0.95. */
  confidence?: number | undefined;
  /** Most points of a returned curve, 2 to 10,000; default 200. */
  curvePoints?: number | undefined;
}

/** One point of a gain curve; shares are of all users, or of all incremental cost. */
export interface CurvePoint {
  share: number;
  gain: number;
}

export interface UpliftMetrics {
  numUsers: number;
  numTreated: number;
  /** Mean outcome of the treated less that of the control. */
  effect: Estimate;
  /**
   * As scikit-uplift: users of one score are one step; areas above the random line over those of the best order.
   * Undefined unless outcomes are 0 and 1, and where no order is better than another.
   */
  scikitUplift: { qini: number; qiniWithoutNegativeEffects: number; auuc: number } | undefined;
  /** As causalml: mean height over the users of the curve scaled to end at 1; qini less the random line's. */
  causalml: { qini: number | undefined; auuc: number | undefined };
  /** Area under incremental outcome over incremental cost, both scaled to 1: 0.5 is random. Needs `costs`. */
  aucc: number | undefined;
  /** Incremental outcome when the best `share` of the users are treated, and the same over cost. */
  curve: CurvePoint[];
  costCurve: CurvePoint[] | undefined;
}

/**
 * How well a score orders users by the effect of a treatment, measured on a randomised test: Qini coefficient, area under
 * the uplift curve (AUUC) and under the cost curve (AUCC). Conventions conflict, so each is named. Of equal scores the
 * smaller row comes first (causalml) or all at once (scikit-uplift, AUCC, the curves).
 *
 * Cost: a sort. Memory: some 100 bytes a user. Errors: ERR_COUPONCAST_INVALID_ARGUMENT (lengths that differ, numbers that
 * are not finite, treated other than 0 and 1, a group without users), _CANCELLED, _CLOSED.
 * Source: Radcliffe 2007; Gutierrez & Gérardy 2017; Du, Lee & Ghaffarizadeh 2019 (cost curve); formulas.md, "Uplift
 * metrics".
 */
export async function upliftMetrics(data: UpliftData, options: UpliftOptions = {}): Promise<UpliftMetrics> {
  const { treated, outcomes, costs } = fieldsOf("data", data);
  for (const [name, column] of Object.entries({ scores: data.scores, treated, outcomes })) fieldsOf(name, column);
  if (costs !== undefined) fieldsOf("costs", costs);
  knownOptions("upliftMetrics", options, { ...RUN_OPTIONS, confidence: true, curvePoints: true });
  const confidence = numberBetween("confidence", options.confidence ?? 0.95, 1e-6, 1 - 1e-6);
  const points = integerBetween("curvePoints", options.curvePoints ?? 200, 2, 10_000);
  const scores = await checkData(data);
  const n = scores.length;
  const order = shared.i32(n);
  await new Executor(options).run({ kernel: "rankDescending", args: { scores, outOrder: order } });

  const bySteps = await cumulate(order, scores, treated, outcomes);
  const byUsers = await cumulate(order, undefined, treated, outcomes);
  const numTreated = byUsers.numTreated[n - 1]!;
  const costSteps = costs === undefined ? undefined : await cumulate(order, scores, treated, costs);
  const costCurve = costSteps === undefined ? undefined : await scaledCostCurve(bySteps, costSteps);
  const curve = await curveOf(bySteps, upliftGain);
  return {
    numUsers: n,
    numTreated,
    effect: await meanDifference(treated, outcomes, confidence),
    scikitUplift: await scikitUplift(bySteps, treated, outcomes),
    causalml: await causalml(byUsers),
    aucc: costCurve === undefined ? undefined : await areaUnder(costCurve),
    curve: thinned(curve, points, n),
    costCurve: costCurve === undefined ? undefined : thinned(costCurve, points, 1),
  };
}

async function checkData({ scores, treated, outcomes, costs }: UpliftData): Promise<Float64Array> {
  const n = scores.length;
  if (n === 0) throw invalidArgument("expected at least one user");
  const columns = { treated, outcomes, ...(costs === undefined ? {} : { costs }) };
  for (const [name, column] of Object.entries(columns)) {
    if (column.length !== n)
      throw invalidArgument(`expected ${n} elements in ${name}, as in scores, but received ${column.length}`);
  }
  const copy = shared.f64(n);
  let numTreated = 0;
  await forEachYielding(n, (i) => {
    for (const [name, column] of Object.entries({ scores, ...columns })) {
      if (!Number.isFinite(column[i]))
        throw invalidArgument(`expected a finite number in ${name}[${i}] but received ${String(column[i])}`);
    }
    if (treated[i] !== 0 && treated[i] !== 1)
      throw invalidArgument(`expected 0 or 1 in treated[${i}] but received ${treated[i]}`);
    numTreated += treated[i]!;
    copy[i] = scores[i]!;
  });
  if (numTreated === 0 || numTreated === n)
    throw invalidArgument(
      `expected treated and control users but all ${n} are ${numTreated === 0 ? "control" : "treated"}`,
    );
  return copy;
}

async function meanDifference(
  treated: ArrayLike<number>,
  outcomes: ArrayLike<number>,
  confidence: number,
): Promise<Estimate> {
  const count = [0, 0];
  const sum = [0, 0];
  await forEachYielding(treated.length, (i) => {
    count[treated[i]!]!++;
    sum[treated[i]!]! += outcomes[i]!;
  });
  const mean = [sum[0]! / count[0]!, sum[1]! / count[1]!];
  const squares = [0, 0];
  await forEachYielding(treated.length, (i) => {
    squares[treated[i]!]! += (outcomes[i]! - mean[treated[i]!]!) ** 2;
  });
  const variance = [0, 1].map((g) => (count[g]! > 1 ? squares[g]! / (count[g]! - 1) / count[g]! : 0));
  return normalEstimate(mean[1]! - mean[0]!, Math.sqrt(variance[0]! + variance[1]!), confidence);
}

/** Area of a curve above the line from 0 to `end`, over the same of the best curve. */
async function share(curve: Curve, best: { x: ArrayLike<number>; y: ArrayLike<number> }): Promise<number> {
  const last = best.x.length - 1;
  const random = (best.x[last]! * best.y[last]!) / 2;
  return ((await areaUnder(curve)) - random) / ((await areaUnder(best)) - random);
}

async function scikitUplift(
  bySteps: CumulativeGroups,
  treated: ArrayLike<number>,
  outcomes: ArrayLike<number>,
): Promise<UpliftMetrics["scikitUplift"]> {
  // Users by [treated][outcome].
  const counts = [
    [0, 0],
    [0, 0],
  ];
  let binary = true;
  await forEachYielding(treated.length, (i) => {
    if (outcomes[i] !== 0 && outcomes[i] !== 1) binary = false;
    else counts[treated[i]!]![outcomes[i]!]!++;
  });
  if (!binary) return undefined;
  const [[control0, control1], [treated0, treated1]] = counts as [[number, number], [number, number]];
  // Best first; each step: control users without and with the outcome, treated users without and with it.
  const gained = [0, 0, 0, treated1] as const;
  const lost = [0, control1, 0, 0] as const;
  const bestQini = await curveOf(stepsOf([gained, [control0, 0, treated0, 0], lost]), qiniGain);
  const wasted = [0, 0, treated0, 0] as const;
  const last = control1 > treated0 ? [lost, wasted] : [wasted, lost];
  const bestUplift = await curveOf(stepsOf([gained, [control0, 0, 0, 0], ...last]), upliftGain);
  const n = treated.length;
  const total = treated1 - ((treated0 + treated1) * control1) / (control0 + control1);
  const qini = await curveOf(bySteps, qiniGain);
  const values = {
    qini: await share(qini, bestQini),
    qiniWithoutNegativeEffects: await share(qini, { x: [0, total, n], y: [0, total, total] }),
    auuc: await share(await curveOf(bySteps, upliftGain), bestUplift),
  };
  return Object.values(values).every(Number.isFinite) ? values : undefined;
}

type Step = readonly [control0: number, control1: number, treated0: number, treated1: number];

function stepsOf(steps: readonly Step[]): CumulativeGroups {
  const sums = { users: 0, treated: 0, treatedSum: 0, controlSum: 0 };
  const rows = steps
    .filter((step) => step.some((count) => count > 0))
    .map(([control0, control1, treated0, treated1]) => {
      sums.users += control0 + control1 + treated0 + treated1;
      sums.treated += treated0 + treated1;
      sums.treatedSum += treated1;
      sums.controlSum += control1;
      return { ...sums };
    });
  return {
    numUsers: Float64Array.from(rows, (row) => row.users),
    numTreated: Float64Array.from(rows, (row) => row.treated),
    treatedOutcomes: Float64Array.from(rows, (row) => row.treatedSum),
    controlOutcomes: Float64Array.from(rows, (row) => row.controlSum),
  };
}

/** Where a step has no treated or no control users yet, causalml draws a line between its neighbours. */
async function causalml({ numUsers, numTreated, treatedOutcomes, controlOutcomes }: CumulativeGroups) {
  const n = numUsers.length;
  const lift = new Float64Array(n + 1);
  const qini = new Float64Array(n + 1);
  await forEachYielding(n, (before) => {
    const i = before + 1;
    const treated = numTreated[before]!;
    const control = i - treated;
    lift[i] = treatedOutcomes[i - 1]! / treated - controlOutcomes[i - 1]! / control;
    qini[i] = control === 0 ? Number.NaN : treatedOutcomes[i - 1]! - (controlOutcomes[i - 1]! * treated) / control;
    if (treated === 0 || control === 0) lift[i] = Number.NaN;
  });
  await interpolate(lift);
  await interpolate(qini);
  let auuc = 0;
  let area = 0;
  await forEachYielding(n + 1, (i) => {
    auuc += lift[i]! * i;
    area += qini[i]! - (qini[n]! * i) / n;
  });
  const defined = (x: number) => (Number.isFinite(x) ? x : undefined);
  return {
    qini: defined(area / (n + 1) / Math.abs(qini[n]!)),
    auuc: defined(auuc / (n + 1) / Math.abs(lift[n]! * n)),
  };
}

/** Fills NaN by straight lines; the first and the last element are numbers. */
async function interpolate(values: Float64Array): Promise<void> {
  let known = 0;
  await forEachYielding(values.length, (i) => {
    if (i === 0 || Number.isNaN(values[i]!)) return;
    for (let j = known + 1; j < i; j++)
      values[j] = values[known]! + ((values[i]! - values[known]!) * (j - known)) / (i - known);
    known = i;
  });
}

/** Incremental outcome over incremental cost, both scaled to end at 1; undefined where the treatment costs nothing. */
async function scaledCostCurve(outcomes: CumulativeGroups, costs: CumulativeGroups): Promise<Curve | undefined> {
  const { y: x } = await curveOf(costs, upliftGain);
  const { y } = await curveOf(outcomes, upliftGain);
  const [totalCost, total] = [x[x.length - 1]!, y[y.length - 1]!];
  if (!(totalCost > 0) || !(total > 0)) return undefined;
  return { x: x.map((cost) => cost / totalCost), y: y.map((gain) => gain / total) };
}

/** At most `points` of a curve, evenly spread over its steps, with both ends; x as a share of `whole`. */
function thinned({ x, y }: Curve, points: number, whole: number): CurvePoint[] {
  const last = x.length - 1;
  const count = Math.min(points, last + 1);
  return Array.from({ length: count }, (_, i) => {
    const at = count === 1 ? 0 : Math.round((i * last) / (count - 1));
    return { share: x[at]! / whole, gain: y[at]! };
  });
}
