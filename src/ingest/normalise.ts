/** The normalisations of cell values. Pure functions over cells in (row, col) order. */
import type { IngestOptions } from "../campaign/schema/ingest.js";

export type Normalisation = IngestOptions["normalise"];

/** What a normalisation needs to know of all stored cells before the first is written. */
export interface CellStatistics {
  max: number;
  /** Of the stored cells; population standard deviation. Only for z-score, else 0. */
  mean: number;
  deviation: number;
}

/**
 * Mean and population standard deviation of the values, in the order in which they come (so the result depends on the
 * matrix alone), by Welford's recurrence.
 */
export class RunningMoments {
  #n = 0;
  #mean = 0;
  #m2 = 0;

  push(values: Float64Array): void {
    for (const value of values) {
      this.#n += 1;
      const delta = value - this.#mean;
      this.#mean += delta / this.#n;
      this.#m2 += delta * (value - this.#mean);
    }
  }

  get mean(): number {
    return this.#mean;
  }

  get deviation(): number {
    return this.#n === 0 ? 0 : Math.sqrt(this.#m2 / this.#n);
  }
}

/**
 * The stored value of a cell:
 * - none: r
 * - log1p: ln(1 + r)
 * - min-max: r / max, in (0, 1]; the minimum is 0, the value of an absent cell
 * - z-score: (r - mean) / deviation over the stored cells; 0 when they are all equal
 * - l2: r / sqrt(sum of r^2 over the user's cells); see normaliseRows
 */
function normaliseCell(r: number, method: Exclude<Normalisation, "l2">, statistics: CellStatistics): number {
  switch (method) {
    case "none":
      return r;
    case "log1p":
      return Math.log1p(r);
    case "min-max":
      return r / statistics.max;
    case "z-score":
      return statistics.deviation === 0 ? 0 : (r - statistics.mean) / statistics.deviation;
  }
}

export interface CellBatch {
  rows: Int32Array;
  cols: Int32Array;
  values: Float64Array;
}

/**
 * Normalises cells that arrive in (row, col) order. `l2` holds back the last user of a batch until the user's cells
 * are complete; the others pass through. Values leave as float32, the smallest positive one at least where r > 0.
 */
export async function* normaliseRows(
  batches: AsyncIterable<CellBatch>,
  method: Normalisation,
  statistics: CellStatistics,
): AsyncGenerator<{ rows: Int32Array; cols: Int32Array; values: Float32Array }> {
  if (method !== "l2") {
    for await (const { rows, cols, values } of batches) {
      const out = new Float32Array(values.length);
      for (let k = 0; k < values.length; k++) out[k] = normaliseCell(values[k]!, method, statistics);
      yield { rows, cols, values: out };
    }
    return;
  }
  let held: CellBatch | undefined;
  for await (const batch of batches) {
    const all: CellBatch = held === undefined ? batch : concatenate(held, batch);
    const lastRow = all.rows[all.rows.length - 1]!;
    const end = all.rows.indexOf(lastRow);
    if (end > 0) yield unitRows(slice(all, 0, end));
    held = slice(all, end, all.rows.length);
  }
  if (held !== undefined && held.rows.length > 0) yield unitRows(held);
}

/** Divides each row by its Euclidean norm; the rows are complete. */
function unitRows({ rows, cols, values }: CellBatch): { rows: Int32Array; cols: Int32Array; values: Float32Array } {
  const out = new Float32Array(values.length);
  for (let begin = 0; begin < rows.length; ) {
    let end = begin;
    let squares = 0;
    for (; end < rows.length && rows[end] === rows[begin]; end++) squares += values[end]! * values[end]!;
    const norm = Math.sqrt(squares);
    for (let k = begin; k < end; k++) out[k] = values[k]! / norm;
    begin = end;
  }
  return { rows, cols, values: out };
}

function slice({ rows, cols, values }: CellBatch, begin: number, end: number): CellBatch {
  return { rows: rows.slice(begin, end), cols: cols.slice(begin, end), values: values.slice(begin, end) };
}

function concatenate(a: CellBatch, b: CellBatch): CellBatch {
  const join = <T extends Int32Array | Float64Array>(out: T, x: T, y: T): T => {
    out.set(x as never);
    out.set(y as never, x.length);
    return out;
  };
  const n = a.rows.length + b.rows.length;
  return {
    rows: join(new Int32Array(n), a.rows, b.rows),
    cols: join(new Int32Array(n), a.cols, b.cols),
    values: join(new Float64Array(n), a.values, b.values),
  };
}
