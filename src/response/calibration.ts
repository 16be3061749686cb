/** Platt's scaling of a response model's logits, by offers that the model was not fitted to. */
import { cholesky, solveCholesky } from "../learn/cholesky.js";
import type { CouponLog } from "../learn/principal-strata.js";
import { forEachYielding } from "../util/yield.js";
import { rowSlopes } from "./likelihood.js";

/** Of each logit z of the model: slope z + shift. */
export interface Scaling {
  slopes: number[];
  shifts: number[];
}

/** Pull towards no change, as strong as that of one or two offers. */
const PULL = 1;
const MAX_STEPS = 50;
const TOLERANCE = 1e-8;

interface Point {
  scaling: Scaling;
  logLikelihood: number;
  gradient: Float64Array;
  /** Sum over rows of the outer products of their gradients: the information, in expectation. */
  information: Float64Array;
}

async function at(scores: readonly Float64Array[], log: CouponLog, scaling: Scaling): Promise<Point> {
  const parts = scores.length;
  const dims = 2 * parts;
  const gradient = new Float64Array(dims);
  const information = new Float64Array(dims * dims);
  const row = new Float64Array(dims);
  const z = new Float64Array(parts);
  const slopes = new Float64Array(parts);
  let logLikelihood = 0;
  await forEachYielding(log.treated.length, (i) => {
    for (let m = 0; m < parts; m++) z[m] = scaling.slopes[m]! * scores[m]![i]! + scaling.shifts[m]!;
    logLikelihood += rowSlopes(z, log, i, slopes);
    for (let m = 0; m < parts; m++) {
      row[2 * m] = slopes[m]! * scores[m]![i]!;
      row[2 * m + 1] = slopes[m]!;
    }
    for (let j = 0; j < dims; j++) {
      gradient[j]! += row[j]!;
      for (let k = 0; k < dims; k++) information[j * dims + k]! += row[j]! * row[k]!;
    }
  });
  for (let m = 0; m < parts; m++) {
    const away = [scaling.slopes[m]! - 1, scaling.shifts[m]!];
    for (const [k, by] of away.entries()) {
      logLikelihood -= (PULL / 2) * by * by;
      gradient[2 * m + k]! -= PULL * by;
      information[(2 * m + k) * (dims + 1)]! += PULL;
    }
  }
  return { scaling, logLikelihood, gradient, information };
}

/**
 * Slope and shift of each logit by maximum likelihood of what became of the offers, so that P(redeem) and the extra orders
 * come true at once; with a weak pull towards no change. Steps by the information, halved until they gain; deterministic.
 * Cost: some 20 passes of the rows. Source: Platt 1999; Berndt, Hall, Hall & Hausman 1974.
 *
 * @param scores float64 [rows] of each logit
 */
export async function plattScaling(scores: readonly Float64Array[], log: CouponLog): Promise<Scaling> {
  let here = await at(scores, log, { slopes: scores.map(() => 1), shifts: scores.map(() => 0) });
  for (let step = 0; step < MAX_STEPS; step++) {
    const by = here.gradient.slice();
    solveCholesky(cholesky(here.information, by.length), by);
    let better: Point | undefined;
    for (let size = 1; size > 1e-4 && better === undefined; size /= 2) {
      const next = await at(scores, log, {
        slopes: here.scaling.slopes.map((slope, m) => slope + size * by[2 * m]!),
        shifts: here.scaling.shifts.map((shift, m) => shift + size * by[2 * m + 1]!),
      });
      if (next.logLikelihood > here.logLikelihood) better = next;
    }
    if (better === undefined) break;
    const gain = better.logLikelihood - here.logLikelihood;
    here = better;
    if (gain <= TOLERANCE * Math.abs(here.logLikelihood)) break;
  }
  return here.scaling;
}

/** Coefficients of one part, the intercept last, with its scaling folded in. */
export function scaledBeta(beta: Float64Array, slope: number, shift: number): Float64Array {
  const scaled = beta.map((b) => slope * b);
  scaled[beta.length - 1]! += shift;
  return scaled;
}
