import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  calibrated,
  isotonicCalibration,
  type LinearModel,
  linearRegression,
  linearScores,
  logisticRegression,
  plattCalibration,
  type SparseRows,
} from "../../src/index.js";
import { Random } from "../../src/util/random.js";
import { settings } from "../support/arbitraries.js";

interface Table {
  x: SparseRows;
  y: Float32Array;
  weights: Float32Array;
  dense: number[][];
}

function table(rows: number, cols: number, seed: number, gaussian = false, density = 0.4): Table {
  const random = new Random(seed);
  const indptr = [0n];
  const indices: number[] = [];
  const values: number[] = [];
  const dense: number[][] = [];
  const y = new Float32Array(rows);
  for (let i = 0; i < rows; i++) {
    const row = new Array<number>(cols).fill(0);
    let z = -0.5;
    for (let c = 0; c < cols; c++) {
      if (random.next() > density) continue;
      row[c] = Math.fround(random.normal());
      indices.push(c);
      values.push(row[c]!);
      z += ((c % 3) - 1) * row[c]!;
    }
    indptr.push(BigInt(indices.length));
    dense.push(row);
    y[i] = gaussian ? z + random.normal() : random.next() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
  }
  // Somebody says yes and somebody no, or the free intercept runs away.
  if (!gaussian) {
    y[0] = 0;
    y[rows - 1] = 1;
  }
  const x = {
    cols,
    indptr: BigInt64Array.from(indptr),
    indices: Int32Array.from(indices),
    values: Float32Array.from(values),
  };
  return { x, y, weights: Float32Array.from({ length: rows }, () => 0.5 + random.next()), dense };
}

/** Gradient of the weighted loss without penalties, intercept last, in plain float64. */
function gradientAt({ dense, y, weights }: Table, { beta, intercept }: LinearModel, gaussian: boolean): number[] {
  const gradient = new Array<number>(beta.length + 1).fill(0);
  for (const [i, row] of dense.entries()) {
    const z = row.reduce((sum, value, c) => sum + value * beta[c]!, intercept);
    const residual = weights[i]! * ((gaussian ? z : 1 / (1 + Math.exp(-z))) - y[i]!);
    row.forEach((value, c) => {
      gradient[c]! += residual * value;
    });
    gradient[beta.length]! += residual;
  }
  return gradient;
}

function expectMinimum(data: Table, model: LinearModel, l1: number, l2: number, gaussian: boolean, error: number) {
  const gradient = gradientAt(data, model, gaussian);
  expect(Math.abs(gradient.at(-1)!)).toBeLessThan(error);
  model.beta.forEach((b, c) => {
    const slope = gradient[c]! + l2 * b;
    if (b === 0) expect(Math.abs(slope)).toBeLessThan(l1 + error);
    else expect(Math.abs(slope + l1 * Math.sign(b))).toBeLessThan(error);
  });
}

describe("linear models", () => {
  it("end where the elastic net's conditions of a minimum hold", async () => {
    const cases = fc.record({
      rows: fc.integer({ min: 5, max: 300 }),
      cols: fc.integer({ min: 0, max: 8 }),
      seed: fc.nat(1e6),
      l1: fc.constantFrom(0, 0, 0.5, 5),
      l2: fc.constantFrom(0.01, 1, 30),
      gaussian: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ rows, cols, seed, l1, l2, gaussian }) => {
        const data = table(rows, cols, seed, gaussian);
        const learn = gaussian ? linearRegression : logisticRegression;
        const model = await learn(data.x, data.y, { l1, l2, weights: data.weights, threads: 1, tolerance: 1e-13 });
        expect(model.converged).toBe(true);
        expectMinimum(data, model, l1, l2, gaussian, 1e-3);
      }),
      settings(40),
    );
  });

  it("reach the minimum by quasi-Newton steps where there are many columns", async () => {
    const data = table(400, 600, 7, false, 0.02);
    for (const l1 of [0, 1]) {
      const model = await logisticRegression(data.x, data.y, {
        l1,
        l2: 1,
        weights: data.weights,
        threads: 2,
        tolerance: 1e-12,
      });
      expect(model.converged).toBe(true);
      expectMinimum(data, model, l1, 1, false, 0.01);
      if (l1 > 0) expect(model.beta.filter((b) => b === 0).length).toBeGreaterThan(100);
    }
  });

  it("give the same bytes for any number of threads, also from a sample's start", async () => {
    const data = table(600_000, 6, 3);
    const one = await logisticRegression(data.x, data.y, { threads: 1 });
    const two = await logisticRegression(data.x, data.y, { threads: 2 });
    expect(two).toEqual(one);
    expectMinimum({ ...data, weights: new Float32Array(data.y.length).fill(1) }, one, 0, 1, false, 20);
    expect((await linearScores(one, data.x))[5]).toBeCloseTo(
      data.dense[5]!.reduce((sum, value, c) => sum + value * one.beta[c]!, one.intercept),
      9,
    );
  });

  it("refuse what is no table, and name the row", async () => {
    const { x, y } = table(10, 3, 1);
    const fails = (rows: unknown, targets: unknown) =>
      expect(logisticRegression(rows as SparseRows, targets as Float32Array)).rejects.toMatchObject({
        code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      });
    await fails(x, [0, 1]);
    await fails(x, y.subarray(1));
    await fails({ ...x, cols: 1 }, y);
    await fails({ ...x, indptr: Int32Array.of(0) }, y);
    await expect(logisticRegression(x, y.with(4, 0.5))).rejects.toThrow(/row 4/);
    await expect(logisticRegression(x, y, { l1: -1 })).rejects.toThrow(/l1/);
    const stop = AbortSignal.abort();
    await expect(logisticRegression(x, y, { signal: stop })).rejects.toMatchObject({
      code: "ERR_COUPONCAST_CANCELLED",
    });
  });
});

describe("calibration", () => {
  const random = new Random(5);
  const scores = Float64Array.from({ length: 4000 }, () => random.normal() * 2);
  const y = Float32Array.from(scores, (z) => (random.next() < 1 / (1 + Math.exp(-(0.5 * z - 1))) ? 1 : 0));

  it("finds slope and intercept by Platt's scaling", async () => {
    const platt = await plattCalibration(scores, y);
    expect(calibrated(platt, 0)).toBeCloseTo(1 / (1 + Math.E), 1);
    expect(calibrated(platt, 4)).toBeCloseTo(1 / (1 + Math.exp(-1)), 1);
  });

  it("is monotone and keeps the mean by isotonic regression", async () => {
    const isotonic = await isotonicCalibration(scores, y);
    const ordered = [...scores].sort((a, b) => a - b).map((score) => calibrated(isotonic, score));
    for (let i = 1; i < ordered.length; i++) expect(ordered[i]!).toBeGreaterThanOrEqual(ordered[i - 1]!);
    const mean = ordered.reduce((sum, p) => sum + p, 0) / ordered.length;
    expect(mean).toBeCloseTo(y.reduce((sum, v) => sum + v, 0) / y.length, 9);
    expect(calibrated(isotonic, 1e9)).toBe(ordered.at(-1));
    expect(calibrated(isotonic, -1e9)).toBe(ordered[0]);
  });
});
