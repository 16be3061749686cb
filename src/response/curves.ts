/** Numbers as curves of straight pieces: x becomes max(0, x - knot) for each of its knots. */
import type { Executor } from "../executor/executor.js";
import { type DesignRows, denseBlocks, designShards } from "../learn/design-rows.js";
import { yieldToEventLoop } from "../util/yield.js";

export interface Curves {
  /** [features * knots each] the first lies below all of them; NO_KNOT: one less */
  knots: number[];
  /** Of what they make. */
  mean: number[];
  deviation: number[];
}

/** Where two quantiles are the same there is one knot less: what lies above this is nothing. */
export const NO_KNOT = Number.MAX_VALUE;
/** Rows that the knots are taken from. */
const SAMPLE_ROWS = 65_536;

/**
 * Knots at the minimum and at quantiles of the rows, and the standardisation of what they make.
 *
 * @param features float32 [.. * dims]
 */
export async function curvesOf(
  features: Float32Array,
  dims: number,
  knotsEach: number,
  rows: Int32Array,
): Promise<Curves> {
  const curves: Curves = { knots: [], mean: [], deviation: [] };
  const step = Math.max(1, Math.ceil(rows.length / SAMPLE_ROWS));
  const sample = rows.filter((_, i) => i % step === 0);
  for (let d = 0; d < dims; d++) {
    const sorted = Float32Array.from(sample, (row) => features[row * dims + d]!).sort();
    await yieldToEventLoop();
    let before = Number.NaN;
    for (let k = 0; k < knotsEach; k++) {
      const quantile = sorted[Math.floor((k * (sorted.length - 1)) / knotsEach)]!;
      const knot = quantile === before ? NO_KNOT : quantile;
      before = quantile;
      let sum = 0;
      let square = 0;
      for (const x of sorted) sum += Math.max(0, x - knot);
      const mean = sum / sorted.length;
      for (const x of sorted) square += (Math.max(0, x - knot) - mean) ** 2;
      curves.knots.push(knot);
      curves.mean.push(mean);
      curves.deviation.push(Math.sqrt(square / sorted.length) || 1);
    }
  }
  return curves;
}

/** The curves without some of the features: their deviation is infinite. */
export function without(curves: Curves, features: readonly number[], knotsEach: number): Curves {
  const deviation = curves.deviation.map((d, column) =>
    features.includes(Math.floor(column / knotsEach)) ? Number.POSITIVE_INFINITY : d,
  );
  return { ...curves, deviation };
}

/**
 * Fills the dense columns of a design that are curves, as `columnsOf` has them.
 *
 * @param features float32 [.. * dims], in shared memory
 * @param rows int32 [x.rows] of the features, in shared memory
 * @param places int32 [features * knots each] which dense column each is; -1: none
 */
export async function putCurves(
  executor: Executor,
  x: DesignRows,
  { knots, mean, deviation }: Curves,
  features: Float32Array,
  dims: number,
  rows: Int32Array,
  farthest: number,
  places: Int32Array,
): Promise<void> {
  const args = {
    features,
    rows,
    dims,
    farthest,
    knots: Float64Array.from(knots),
    mean: Float64Array.from(mean),
    deviation: Float64Array.from(deviation),
    places: places.slice(),
    denseCols: x.denseCols,
  };
  await executor.map(
    designShards(rows.length).map(({ begin, end }) => ({
      kernel: "curveColumns",
      args: { ...args, begin, end, outDense: denseBlocks(x, begin, end) },
    })),
  );
}

/**
 * The standardised columns of a row, at most `farthest` either way, to the front of `columns`. Below the lowest knot a
 * feature is what it is there.
 */
export function columnsOf(
  { knots, mean, deviation }: Curves,
  features: Float32Array,
  dims: number,
  row: number,
  farthest: number,
  columns: Float64Array,
): void {
  const knotsEach = knots.length / dims;
  let column = 0;
  for (let d = 0; d < dims; d++) {
    const x = features[row * dims + d]!;
    for (const end = column + knotsEach; column < end; column++) {
      const z = (Math.max(0, x - knots[column]!) - mean[column]!) / deviation[column]!;
      columns[column] = Math.max(-farthest, Math.min(farthest, z));
    }
  }
}
