import { describe, expect, it } from "vitest";
import { normalQuantile } from "../../src/evaluate/interval.js";
import { evaluatePolicy } from "../../src/evaluate/off-policy.js";
import { Random } from "../../src/util/random.js";

/** Logs of a policy over `arms` with known rewards. */
function logged(rows: number, seed: number) {
  const random = new Random(seed, 0);
  const propensity = [0.6, 0.3, 0.1];
  const target = [0.1, 0.3, 0.6];
  const rate = [0.1, 0.3, 0.5];
  const log = { rewards: [] as number[], propensities: [] as number[], targetPropensities: [] as number[] };
  const predictions: number[] = [];
  for (let i = 0; i < rows; i++) {
    const u = random.next();
    const arm = u < 0.6 ? 0 : u < 0.9 ? 1 : 2;
    log.rewards.push(random.next() < rate[arm]! ? 1 : 0);
    log.propensities.push(propensity[arm]!);
    log.targetPropensities.push(target[arm]!);
    predictions.push(rate[arm]!);
  }
  const value = target.reduce((sum, p, arm) => sum + p * rate[arm]!, 0);
  return { log, predictions, targetPredictions: new Array<number>(rows).fill(value), value };
}

describe("evaluatePolicy", () => {
  it("finds the value of a policy from another's log, doubly robust with the least error", async () => {
    const { log, predictions, targetPredictions, value } = logged(20_000, 1);
    const result = await evaluatePolicy({ ...log, predictions, targetPredictions });
    for (const estimate of [result.ips, result.snips!, result.dr!])
      expect(Math.abs(estimate.value - value)).toBeLessThan(4 * estimate.error);
    expect(result.dr!.error).toBeLessThan(result.ips.error);
    expect(result.meanWeight).toBeCloseTo(1, 1);
  });

  it("covers the value about as often as it says", async () => {
    const covered = { ips: 0, snips: 0 };
    for (let seed = 1; seed <= 100; seed++) {
      const { log, value } = logged(800, seed);
      const result = await evaluatePolicy(log, { confidence: 0.9 });
      if (result.ips.low <= value && value <= result.ips.high) covered.ips++;
      if (result.snips!.low <= value && value <= result.snips!.high) covered.snips++;
    }
    for (const times of Object.values(covered)) expect(Math.abs(times - 90)).toBeLessThanOrEqual(12);
  });

  it("cuts weights and counts them", async () => {
    const { log } = logged(500, 2);
    const result = await evaluatePolicy(log, { clip: 2 });
    expect(result.numClipped).toBe(log.propensities.filter((p) => p === 0.1).length);
    expect(result.largestWeight).toBe(2);
  });

  it("has no SNIPS where the policy never does what the log holds", async () => {
    const result = await evaluatePolicy({ rewards: [1], propensities: [1], targetPropensities: [0] });
    expect(result.snips).toBeUndefined();
    expect(result.ips.value).toBe(0);
    expect(result.effectiveSampleSize).toBe(0);
  });

  it("refuses a log that cannot be evaluated", async () => {
    const log = { rewards: [1, 0], propensities: [0.5, 0.5], targetPropensities: [1, 0] };
    await expect(evaluatePolicy({ ...log, rewards: [] })).rejects.toThrow("at least one row");
    for (const wrong of [0, -0.1, 1.1, Number.NaN, undefined as never]) {
      const error = await evaluatePolicy({ ...log, propensities: [0.5, wrong] }).catch((thrown) => thrown);
      expect(error.code).toBe("ERR_COUPONCAST_INVALID_ARGUMENT");
      expect(error.message).toContain("expected a number in (0, 1] in propensities[1]");
    }
    await expect(evaluatePolicy({ ...log, targetPropensities: [1.5, 0] })).rejects.toThrow("targetPropensities[0]");
    await expect(evaluatePolicy({ ...log, propensities: [0.5] })).rejects.toThrow("expected 2 elements");
    await expect(evaluatePolicy({ ...log, predictions: [1, 1] })).rejects.toThrow("together");
    await expect(evaluatePolicy(log, { clip: 0 })).rejects.toThrow("clip");
    await expect(evaluatePolicy(log, { confidence: 1 })).rejects.toThrow("confidence");
  });

  it("has the quantiles of the normal distribution", () => {
    for (const [p, z] of [
      [0.975, 1.959963985],
      [0.995, 2.575829304],
      [0.5, 0],
      [0.05, -1.644853627],
      [0.001, -3.090232306],
    ])
      expect(normalQuantile(p!)).toBeCloseTo(z!, 8);
  });
});
