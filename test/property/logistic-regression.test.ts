import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Executor, shared } from "../../src/executor/executor.js";
import { fitLogistic } from "../../src/score/logistic-regression.js";
import { Random } from "../../src/util/random.js";
import { settings } from "../support/arbitraries.js";

function problem(rows: number, dims: number, seed: number, outcome: (z: number, random: Random) => number) {
  const random = new Random(seed);
  const x = shared.f32(rows * dims);
  const y = shared.u8(rows);
  for (let i = 0; i < rows; i++) {
    let z = -0.5;
    x[i * dims] = 1;
    for (let d = 1; d < dims; d++) {
      x[i * dims + d] = random.normal();
      z += ((d % 3) - 1) * x[i * dims + d]!;
    }
    y[i] = outcome(z, random);
  }
  return { x, y };
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const coin = (z: number, random: Random) => (random.next() < sigmoid(z) ? 1 : 0);

/** Gradient of the penalised loss and the mean loss, in plain float64. */
function gradientAt(
  x: Float32Array,
  y: Uint8Array,
  beta: Float64Array,
  l2: number,
): { gradient: number[]; logLoss: number } {
  const dims = beta.length;
  const gradient = Array.from(beta, (b, d) => (d === 0 ? 0 : l2 * b));
  let loss = 0;
  for (let i = 0; i < y.length; i++) {
    let z = 0;
    for (let d = 0; d < dims; d++) z += x[i * dims + d]! * beta[d]!;
    const residual = sigmoid(z) - y[i]!;
    loss += Math.log1p(Math.exp(-Math.abs(z))) + Math.max(z, 0) - y[i]! * z;
    for (let d = 0; d < dims; d++) gradient[d]! += residual * x[i * dims + d]!;
  }
  return { gradient, logLoss: loss / y.length };
}

describe("logistic regression", () => {
  it("ends where the gradient of the objective is zero", async () => {
    const cases = fc.record({
      rows: fc.integer({ min: 5, max: 300 }),
      dims: fc.integer({ min: 1, max: 6 }),
      seed: fc.nat(1e6),
      l2: fc.constantFrom(0.01, 1, 30),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ rows, dims, seed, l2 }) => {
        const { x, y } = problem(rows, dims, seed, coin);
        // Somebody must have said yes and somebody no, or the free intercept runs away.
        y[0] = 0;
        y[1] = 1;
        const fit = await fitLogistic(new Executor({ threads: 1 }), x, y, dims, l2);
        expect(fit.converged).toBe(true);
        const { gradient, logLoss } = gradientAt(x, y, fit.beta, l2);
        expect(fit.logLoss).toBeCloseTo(logLoss, 9);
        for (const g of gradient) expect(Math.abs(g)).toBeLessThan(1e-3 * Math.sqrt(rows));
      }),
      settings(80),
    );
  });

  it("finds the coefficients that the data were drawn from", async () => {
    const { x, y } = problem(100_000, 4, 7, coin);
    const { beta } = await fitLogistic(new Executor({ threads: 2 }), x, y, 4, 1);
    for (const [d, truth] of [-0.5, 0, 1, -1].entries()) expect(Math.abs(beta[d]! - truth)).toBeLessThan(0.05);
  });

  it("with one column it is the log-odds of the rate", async () => {
    const x = shared.f32(8).fill(1);
    const y = shared.u8(8);
    y.set([1, 1, 0, 0, 0, 0, 0, 0]);
    const { beta } = await fitLogistic(new Executor({ threads: 1 }), x, y, 1, 1);
    expect(beta[0]).toBeCloseTo(Math.log(2 / 6), 6);
  });

  it("the penalty keeps separable data finite, and does not touch the intercept", async () => {
    const { x, y } = problem(500, 3, 3, (z) => (z > 0 ? 1 : 0));
    for (const l2 of [1e-3, 1, 100]) {
      const fit = await fitLogistic(new Executor({ threads: 1 }), x, y, 3, l2);
      expect(fit.converged).toBe(true);
      expect(fit.beta.every(Number.isFinite)).toBe(true);
      const { gradient } = gradientAt(x, y, fit.beta, l2);
      for (const g of gradient) expect(Math.abs(g)).toBeLessThan(1e-2);
    }
    const heavy = await fitLogistic(new Executor({ threads: 1 }), x, y, 3, 1e9);
    const rate = y.reduce((sum, v) => sum + v, 0) / y.length;
    expect(heavy.beta[0]).toBeCloseTo(Math.log(rate / (1 - rate)), 4);
    expect(Math.abs(heavy.beta[1]!)).toBeLessThan(1e-5);
  });

  it("columns that are equal share the weight: the penalty makes the answer unique", async () => {
    const { x, y } = problem(400, 3, 5, coin);
    for (let i = 0; i < 400; i++) x[i * 3 + 2] = x[i * 3 + 1]!;
    const { beta } = await fitLogistic(new Executor({ threads: 1 }), x, y, 3, 1);
    expect(beta[1]).toBeCloseTo(beta[2]!, 9);
  });

  it("1, 2 and 3 threads give the same bytes, over several shards", async () => {
    const { x, y } = problem(90_000, 5, 13, coin);
    const [one, ...others] = await Promise.all(
      [1, 2, 3].map((threads) => fitLogistic(new Executor({ threads }), x, y, 5, 1)),
    );
    for (const other of others) expect(other).toEqual(one);
  });
});
