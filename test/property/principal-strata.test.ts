import { describe, expect, it } from "vitest";
import { Executor } from "../../src/executor/executor.js";
import { logisticRegression } from "../../src/index.js";
import { DENSE_STRIDE, type DesignRows, denseAt, designRows, designShards } from "../../src/learn/design-rows.js";
import { type CouponLog, fitRedemption, fitStrata, strataScores } from "../../src/learn/principal-strata.js";
import { OUTCOME, StrataObjective } from "../../src/learn/strata-objective.js";
import { Random } from "../../src/util/random.js";

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

/** A randomised log of `dense` numbers and one of five classes a row, with planted effects. */
function logOf(rows: number, dense: number, seed: number): { x: DesignRows; log: CouponLog } {
  const random = new Random(seed);
  const x = designRows(rows, dense, dense + 5, Float32Array.of(0.5));
  const log = { treated: new Uint8Array(rows), redeemed: new Uint8Array(rows), converted: new Uint8Array(rows) };
  const effects = Array.from({ length: 3 }, () => Array.from({ length: dense + 5 }, () => 0.5 * random.normal()));
  for (let i = 0; i < rows; i++) {
    const z = [-1, 0.5, -1.5];
    for (let c = 0; c < dense; c++) {
      const value = Math.fround(random.normal());
      x.dense[denseAt(x, i) + c * DENSE_STRIDE] = value;
      for (const p of z.keys()) z[p]! += effects[p]![c]! * value;
    }
    x.indices[i] = dense + Math.floor(5 * random.next());
    for (const p of z.keys()) z[p]! += 0.5 * effects[p]![x.indices[i]!]!;
    const [a, u, s] = z.map((logit) => (random.next() < sigmoid(logit) ? 1 : 0));
    log.treated[i] = random.next() < 0.7 ? 1 : 0;
    log.redeemed[i] = log.treated[i]! * (a === 1 ? u! : s!);
    log.converted[i] = Math.max(a!, log.redeemed[i]!);
  }
  return { x, log };
}

/** The rows as lists of column and value. */
function listsOf(x: DesignRows): [number, number][][] {
  return Array.from({ length: x.rows }, (_, i) => [
    ...Array.from({ length: x.denseCols }, (__, c): [number, number] => [
      c,
      x.dense[denseAt(x, i) + c * DENSE_STRIDE]!,
    ]),
    [x.indices[i]!, x.values[0]!] as [number, number],
  ]);
}

function objectiveOf(x: DesignRows, log: CouponLog, betas: readonly Float64Array[], l2: number): number {
  let sum = 0;
  for (const beta of betas) for (let d = 0; d < x.cols; d++) sum += (l2 / 2) * beta[d]! ** 2;
  for (const [i, row] of listsOf(x).entries()) {
    const [a, u, s] = betas.map((beta) => sigmoid(row.reduce((z, [c, v]) => z + v * beta[c]!, beta[x.cols]!)));
    let chance = log.converted[i] === 1 ? a! : 1 - a!;
    if (log.redeemed[i] === 1) chance = a! * u! + (1 - a!) * s!;
    else if (log.treated[i] === 1) chance *= log.converted[i] === 1 ? 1 - u! : 1 - s!;
    sum -= Math.log(chance);
  }
  return sum;
}

/** Expectation and maximisation, by weighted logistic regressions of each row as both a yes and a no. */
async function byExpectation(x: DesignRows, log: CouponLog, l2: number, rounds: number): Promise<Float64Array[]> {
  const rows = listsOf(x);
  const twice = [...rows, ...rows].flat();
  const size = x.denseCols + 1;
  const csr = {
    cols: x.cols,
    indptr: BigInt64Array.from({ length: 2 * x.rows + 1 }, (_, i) => BigInt(i * size)),
    indices: Int32Array.from(twice, ([c]) => c),
    values: Float32Array.from(twice, ([, v]) => v),
  };
  const y = Float32Array.from({ length: 2 * x.rows }, (_, i) => (i < x.rows ? 1 : 0));
  let betas = [-3, -1, -4].map((start) => new Float64Array(x.cols + 1).fill(start, x.cols));
  for (let round = 0; round < rounds; round++) {
    const weights = betas.map(() => new Float32Array(2 * x.rows));
    for (const [i, row] of rows.entries()) {
      const [a, u, s] = betas.map((beta) => sigmoid(row.reduce((z, [c, v]) => z + v * beta[c]!, beta[x.cols]!)));
      const share = log.redeemed[i] === 1 ? (a! * u!) / (a! * u! + (1 - a!) * s!) : log.converted[i]!;
      const parts = [
        [share, 1 - share],
        [share * log.redeemed[i]!, log.treated[i]! * share * (1 - log.redeemed[i]!)],
        [(1 - share) * log.redeemed[i]!, log.treated[i]! * (1 - share) * (1 - log.redeemed[i]!)],
      ];
      for (const [p, [yes, no]] of parts.entries()) {
        weights[p]![i] = yes!;
        weights[p]![x.rows + i] = no!;
      }
    }
    betas = await Promise.all(
      weights.map(async (w) => {
        const { beta, intercept } = await logisticRegression(csr, y, { l2, weights: w });
        return Float64Array.of(...beta, intercept);
      }),
    );
  }
  return betas;
}

describe("fitStrata", () => {
  it.each([1, 2, 3])("reaches a maximum of the likelihood of what was seen, no lower than EM's (%i)", async (seed) => {
    const { x, log } = logOf(1500, 4, seed);
    const { betas, objective } = await fitStrata(new Executor(), x, log, 2);
    expect(Math.abs(objective / objectiveOf(x, log, betas, 2) - 1)).toBeLessThan(1e-10);
    for (const [p, beta] of betas.entries()) {
      for (let d = 0; d <= x.cols; d++) {
        const moved = (by: number) =>
          objectiveOf(
            x,
            log,
            betas.map((b, q) => (p === q ? b.with(d, beta[d]! + by) : b)),
            2,
          );
        expect(Math.abs(moved(1e-4) - moved(-1e-4)) / 2e-4).toBeLessThan(0.05);
      }
    }
    expect(objective).toBeLessThan(objectiveOf(x, log, await byExpectation(x, log, 2, 40), 2) + 1e-3);
  });

  it("does so on a log so long that a sample leads the way, the same for any number of threads", async () => {
    const { x, log } = logOf(530_000, 2, 4);
    const one = await fitStrata(new Executor({ threads: 1 }), x, log, 1);
    const two = await fitStrata(new Executor({ threads: 2 }), x, log, 1);
    expect(two).toEqual(one);
    const outcomes = Uint8Array.from(log.treated, (treated, i) => {
      if (treated === 0) return log.converted[i] === 1 ? OUTCOME.controlBought : OUTCOME.controlIdle;
      if (log.redeemed[i] === 1) return OUTCOME.redeemed;
      return log.converted[i] === 1 ? OUTCOME.bought : OUTCOME.idle;
    });
    const whole = new StrataObjective(new Executor(), x, outcomes, 3, designShards(x.rows), 1);
    const beta = Float64Array.from(one.betas.flatMap((b) => [...b]));
    const { gradient } = await whole.at(beta, false);
    expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(20); // of 530,000 rows
  });
});

describe("fitRedemption", () => {
  it("is logistic regression", async () => {
    const { x, log } = logOf(2000, 3, 5);
    const { betas } = await fitRedemption(new Executor(), x, log.redeemed, 1.5);
    const rows = listsOf(x);
    const csr = {
      cols: x.cols,
      indptr: BigInt64Array.from({ length: x.rows + 1 }, (_, i) => BigInt(i * 4)),
      indices: Int32Array.from(rows.flat(), ([c]) => c),
      values: Float32Array.from(rows.flat(), ([, v]) => v),
    };
    const { beta, intercept } = await logisticRegression(csr, Float32Array.from(log.redeemed), {
      l2: 1.5,
      tolerance: 1e-14,
    });
    for (let d = 0; d < x.cols; d++) expect(betas[0]![d]).toBeCloseTo(beta[d]!, 3);
    expect(betas[0]![x.cols]).toBeCloseTo(intercept, 3);
    const scores = await strataScores(new Executor(), x, betas);
    for (const [i, row] of rows.entries()) {
      expect(scores[i]).toBeCloseTo(
        row.reduce((z, [c, v]) => z + v * betas[0]![c]!, betas[0]![x.cols]!),
        9,
      );
    }
  });
});
