/** Principal component analysis of a few thousand rows with a few dozen columns. */
import { forEachYielding, yieldToEventLoop } from "../util/yield.js";

export interface PrincipalAxes {
  /** [dims] */
  means: Float64Array;
  /** [count][dims] unit vectors, the one of most variance first; of each, the entry that is largest is above 0. */
  axes: Float64Array[];
  /** [count] share of the rows' variance along each axis; 0 where all rows are equal. */
  shares: number[];
}

/** Sweeps of Jacobi's method; it converges quadratically, so some ten are enough at any size that fits in memory. */
const MAX_SWEEPS = 64;

/**
 * The `count` axes along which rows differ most: eigenvectors of their covariance, by Jacobi's method.
 * `rows` [n * dims], n >= 1, all finite, `count` <= dims. Ties: the axis of the smaller column first. Cost: O(n dims^2 + dims^3),
 * with turns for others in between. Source: Golub and Van Loan, Matrix Computations, 8.5.
 */
export async function principalAxes(rows: Float64Array, dims: number, count: number): Promise<PrincipalAxes> {
  const n = rows.length / dims;
  const means = new Float64Array(dims);
  for (let at = 0; at < rows.length; at++) means[at % dims]! += rows[at]! / n;
  const covariance = new Float64Array(dims * dims);
  await forEachYielding(rows.length, (at) => {
    const a = at % dims;
    const row = at - a;
    const fromMean = (rows[at]! - means[a]!) / n;
    for (let b = a; b < dims; b++) covariance[a * dims + b]! += fromMean * (rows[row + b]! - means[b]!);
  });
  for (let a = 0; a < dims; a++) for (let b = 0; b < a; b++) covariance[a * dims + b] = covariance[b * dims + a]!;
  const vectors = await diagonalise(covariance, dims);
  const variance = (c: number) => Math.max(0, covariance[c * dims + c]!);
  const columns = Array.from({ length: dims }, (_, c) => c);
  const total = columns.reduce((sum, c) => sum + variance(c), 0);
  const chosen = columns.sort((a, b) => variance(b) - variance(a) || a - b).slice(0, count);
  return {
    means,
    axes: chosen.map((c) => upright(Float64Array.from({ length: dims }, (_, d) => vectors[d * dims + c]!))),
    shares: chosen.map((c) => (total > 0 ? variance(c) / total : 0)),
  };
}

/** Rotates the symmetric `matrix` [n * n] until it is diagonal; returns the rotation, eigenvectors in columns. */
async function diagonalise(matrix: Float64Array, n: number): Promise<Float64Array> {
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  const scale = matrix.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let largest = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const off = matrix[p * n + q]!;
        largest = Math.max(largest, Math.abs(off));
        if (off !== 0) rotate(matrix, vectors, n, p, q);
      }
      await yieldToEventLoop();
    }
    if (largest <= scale * Number.EPSILON) break;
  }
  return vectors;
}

/** One rotation that makes the entry (p, q) zero. */
function rotate(matrix: Float64Array, vectors: Float64Array, n: number, p: number, q: number): void {
  const theta = (matrix[q * n + q]! - matrix[p * n + p]!) / (2 * matrix[p * n + q]!);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const cos = 1 / Math.sqrt(t * t + 1);
  const sin = t * cos;
  for (let i = 0; i < n; i++) turn(matrix, i * n + p, i * n + q, cos, sin);
  for (let i = 0; i < n; i++) turn(matrix, p * n + i, q * n + i, cos, sin);
  for (let i = 0; i < n; i++) turn(vectors, i * n + p, i * n + q, cos, sin);
}

function turn(values: Float64Array, a: number, b: number, cos: number, sin: number): void {
  const x = values[a]!;
  const y = values[b]!;
  values[a] = cos * x - sin * y;
  values[b] = sin * x + cos * y;
}

/** An axis has no direction of its own: the entry of largest absolute value, the first of equals, is made positive. */
function upright(axis: Float64Array): Float64Array {
  const largest = axis.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0);
  return largest < 0 ? axis.map((x) => -x) : axis;
}
