import { afterAll, describe, expect, it } from "vitest";
import { evaluatePolicy } from "../../src/evaluate/off-policy.js";
import { upliftMetrics } from "../../src/evaluate/uplift-metrics.js";
import { closeExecutors } from "../../src/executor/executor.js";

afterAll(closeExecutors);

describe("formulas.md, off-policy evaluation", () => {
  it("gives IPS, SNIPS, DR and the effective sample size", async () => {
    const value = await evaluatePolicy({
      rewards: [1, 0, 1, 0],
      propensities: [0.5, 0.25, 0.25, 0.5],
      targetPropensities: [0.8, 0.1, 0.1, 0.8],
      predictions: [0.6, 0.2, 0.3, 0.5],
      targetPredictions: [0.55, 0.4, 0.35, 0.5],
    });
    expect(value.ips.value).toBeCloseTo(0.5, 12);
    expect(value.snips?.value).toBeCloseTo(0.5, 12);
    expect(value.dr?.value).toBeCloseTo(0.46, 12);
    expect(value.effectiveSampleSize).toBeCloseTo(2.941176, 6);
    expect(value.numClipped).toBe(0);
  });
});

describe("formulas.md, uplift metrics", () => {
  it("gives Qini and AUUC in both conventions", async () => {
    const digits = (text: string) => [...text].map(Number);
    const metrics = await upliftMetrics({
      scores: digits("1234567890").map((_, i) => -i),
      treated: digits("1101001010"),
      outcomes: digits("1100011000"),
    });
    expect(metrics.scikitUplift?.qini).toBeCloseTo(0.427778, 6);
    expect(metrics.scikitUplift?.qiniWithoutNegativeEffects).toBeCloseTo(0.802083, 6);
    expect(metrics.scikitUplift?.auuc).toBeCloseTo(0.280864, 6);
    expect(metrics.causalml.qini).toBeCloseTo(0.246212, 6);
    expect(metrics.causalml.auuc).toBeCloseTo(0.607576, 6);
  });
});
