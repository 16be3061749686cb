import { describe, expect, it } from "vitest";
import { LEARNERS, predictUplift, type SparseRows, upliftModel } from "../../src/index.js";
import { Random } from "../../src/util/random.js";

/** Two numbers a row; the first makes people buy, the second makes the treatment work. */
function experiment(rows: number, seed: number, share: (x: number) => number) {
  const random = new Random(seed);
  const values = new Float32Array(rows * 2);
  const treated = new Uint8Array(rows);
  const y = new Float32Array(rows);
  const propensity = new Float32Array(rows);
  const effect = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const [a, b] = [random.normal(), random.normal()];
    values.set([a, b], 2 * i);
    propensity[i] = share(a);
    treated[i] = random.next() < propensity[i]! ? 1 : 0;
    const p = (t: number) => 1 / (1 + Math.exp(-(-1.5 + 0.8 * a + t * (0.5 + 0.7 * b))));
    effect[i] = p(1) - p(0);
    y[i] = random.next() < p(treated[i]!) ? 1 : 0;
  }
  const x: SparseRows = {
    cols: 2,
    indptr: BigInt64Array.from({ length: rows + 1 }, (_, i) => BigInt(2 * i)),
    indices: Int32Array.from({ length: 2 * rows }, (_, i) => i % 2),
    values,
  };
  return { x, treated, y, propensity, effect };
}

function correlation(a: Float64Array, b: Float64Array): number {
  const mean = (v: Float64Array) => v.reduce((s, x) => s + x, 0) / v.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += (a[i]! - ma) * (b[i]! - mb);
    aa += (a[i]! - ma) ** 2;
    bb += (b[i]! - mb) ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

describe("uplift learners", () => {
  const even = experiment(12_000, 1, () => 0.5);
  const uneven = experiment(12_000, 2, (a) => (a > 0 ? 0.8 : 0.3));

  it.each(LEARNERS)("%s finds whom the treatment moves, also where it was not given evenly", async (learner) => {
    for (const { x, treated, y, propensity, effect } of [even, uneven]) {
      const fit = await upliftModel(x, treated, y, { learner, propensity, folds: 3 });
      expect(correlation(fit.uplift, effect)).toBeGreaterThan(0.85);
      const mean = (v: Float64Array) => v.reduce((s, e) => s + e, 0) / v.length;
      expect(Math.abs(mean(fit.uplift) - mean(effect))).toBeLessThan(0.025);
      expect(correlation(await predictUplift(fit.model, x), effect)).toBeGreaterThan(0.85);
    }
  });

  it.each(LEARNERS)("%s gives the same bytes for any number of threads", async (learner) => {
    const { x, treated, y } = experiment(500, 3, () => 0.5);
    const one = await upliftModel(x, treated, y, { learner, threads: 1, folds: 2 });
    expect(await upliftModel(x, treated, y, { learner, threads: 2, folds: 2 })).toEqual(one);
  });

  it("keeps a group's rows in one fold: no row of it helps to predict another", async () => {
    const { x, treated, y } = experiment(400, 4, () => 0.5);
    const groups = Int32Array.from({ length: 400 }, (_, i) => i % 2);
    const options = { learner: "T", folds: 2, groups, seed: 3 } as const;
    const before = await upliftModel(x, treated, y, options);
    // Both groups may share a fold by chance of the seed; of this one they do not.
    const changed = y.map((v, i) => (groups[i] === 0 ? 1 - v : v));
    const after = await upliftModel(x, treated, changed, options);
    const same = before.uplift.filter((u, i) => groups[i] === 0 && u === after.uplift[i]).length;
    expect([0, 200]).toContain(same);
  });

  it("refuses logs without a control, and odd propensities", async () => {
    const { x, treated, y } = experiment(50, 5, () => 0.5);
    const fails = (promise: Promise<unknown>) =>
      expect(promise).rejects.toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT" });
    await fails(upliftModel(x, new Uint8Array(50), y));
    await fails(upliftModel(x, treated, y, { propensity: 1 }));
    await fails(upliftModel(x, treated, y, { propensity: new Float32Array(50) }));
    await fails(upliftModel(x, treated, y, { learner: "Z" as "X" }));
    await fails(upliftModel(x, treated.subarray(1), y));
  });
});
