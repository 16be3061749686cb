import { afterAll, describe, expect, it } from "vitest";
import { upliftMetrics } from "../../src/evaluate/uplift-metrics.js";
import { closeExecutors } from "../../src/executor/executor.js";
import { Random } from "../../src/util/random.js";

afterAll(closeExecutors);

/** Users of whom those with a high x are moved by the treatment. */
function test(users: number, seed: number) {
  const random = new Random(seed, 0);
  const x = Array.from({ length: users }, () => random.next());
  const treated = x.map(() => (random.next() < 0.5 ? 1 : 0));
  const outcomes = x.map((value, i) => (random.next() < 0.1 + 0.4 * value * treated[i]! ? 1 : 0));
  const costs = x.map((_, i) => treated[i]! * outcomes[i]! * 100);
  const noise = x.map(() => random.next());
  return { x, treated, outcomes, costs, noise };
}

describe("upliftMetrics", () => {
  it("puts a score that knows the effect above one that does not, and that above its opposite", async () => {
    const { x, treated, outcomes, costs, noise } = test(20_000, 1);
    const [good, random, bad] = await Promise.all(
      [x, noise, x.map((value) => -value)].map((scores) => upliftMetrics({ scores, treated, outcomes, costs })),
    );
    for (const of of [
      (m: typeof good) => m!.scikitUplift!.qini,
      (m: typeof good) => m!.scikitUplift!.qiniWithoutNegativeEffects,
      (m: typeof good) => m!.scikitUplift!.auuc,
      (m: typeof good) => m!.causalml.qini!,
      (m: typeof good) => m!.causalml.auuc!,
    ]) {
      expect(of(good)).toBeGreaterThan(of(random));
      expect(of(random)).toBeGreaterThan(of(bad));
    }
    expect(good!.effect.value).toBeCloseTo(0.2, 1);
    expect(random!.aucc).toBeCloseTo(0.5, 1);
    expect(good!.curve[0]).toEqual({ share: 0, gain: 0 });
    expect(good!.curve.at(-1)!.share).toBe(1);
    expect(good!.curve.at(-1)!.gain).toBeCloseTo(good!.effect.value * 20_000, 6);
  });

  it("takes users of one score together: the order of the rows does not show", async () => {
    const { x, treated, outcomes, costs } = test(2000, 2);
    const scores = x.map((value) => Math.floor(value * 5));
    const a = await upliftMetrics({ scores, treated, outcomes, costs }, { threads: 1 });
    const turned = [scores, treated, outcomes, costs].map((column) => [...column].reverse());
    const b = await upliftMetrics(
      { scores: turned[0]!, treated: turned[1]!, outcomes: turned[2]!, costs: turned[3] },
      { threads: 2 },
    );
    expect(b.scikitUplift).toEqual(a.scikitUplift);
    expect(b.aucc).toBe(a.aucc);
    expect(b.curve).toEqual(a.curve);
    expect(a.curve.length).toBe(6);
  });

  it("takes amounts, and leaves undefined what needs 0 and 1", async () => {
    const amounts = await upliftMetrics({ scores: [3, 2, 1, 0], treated: [1, 0, 1, 0], outcomes: [5, 2.5, 1, 1] });
    expect(amounts.scikitUplift).toBeUndefined();
    expect(Number.isFinite(amounts.causalml.auuc)).toBe(true);
    const nothing = await upliftMetrics({ scores: [1, 1], treated: [1, 0], outcomes: [0, 0], costs: [0, 0] });
    expect(nothing).toMatchObject({ scikitUplift: undefined, aucc: undefined, causalml: { auuc: undefined } });
  });

  it("refuses what cannot be measured", async () => {
    const good = { scores: [1, 2], treated: [0, 1], outcomes: [0, 1] };
    await expect(upliftMetrics({ scores: [], treated: [], outcomes: [] })).rejects.toThrow("at least one user");
    await expect(upliftMetrics({ ...good, treated: [1, 1] })).rejects.toThrow("treated and control");
    await expect(upliftMetrics({ ...good, treated: [0, 2] })).rejects.toThrow("0 or 1 in treated[1]");
    await expect(upliftMetrics({ ...good, scores: [1, Number.NaN] })).rejects.toThrow("scores[1]");
    await expect(upliftMetrics({ ...good, outcomes: [1] })).rejects.toThrow("expected 2 elements in outcomes");
  });
});
