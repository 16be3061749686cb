import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Exploration, type ExploreOptions, exploreAllocation } from "../../src/allocate/explore.js";
import { evaluatePolicy } from "../../src/evaluate/off-policy.js";
import { Random } from "../../src/util/random.js";
import { expectCertified, type Instance, instances, recount } from "../support/allocation.js";
import { settings } from "../support/arbitraries.js";
import { expectSameBytes } from "../support/same-bytes.js";

/** What the propensities say is used of each limit of an instance, in thousandths: independent of the solver. */
function expectedUse({ candidates, limits }: Instance, { propensities }: Exploration) {
  const { width, counts, coupons, costMinor } = candidates;
  const pieces = limits.coupons.map(() => 0);
  const spent = limits.coupons.map(() => 0);
  let spend = 0;
  for (let user = 0; user < counts.length; user++) {
    for (let at = user * width; at < user * width + counts[user]!; at++) {
      const p = propensities[at]!;
      const cost = Math.ceil(costMinor[at]! * 1000 - 1e-6) * p;
      pieces[coupons[at]!]! += p;
      spent[coupons[at]!]! += cost;
      spend += cost;
    }
  }
  return { pieces, spent, spend };
}

function expectWithinLimits(instance: Instance, result: Exploration): void {
  const { pieces, spent, spend } = expectedUse(instance, result);
  const most = (limit: number) => limit * (1 + 1e-12) + 1e-9;
  const { budgetMinor, coupons } = instance.limits;
  if (budgetMinor !== undefined) expect(spend).toBeLessThanOrEqual(most(budgetMinor * 1000));
  coupons.forEach(({ stock, budgetMinor: own }, j) => {
    if (stock !== undefined) expect(pieces[j]).toBeLessThanOrEqual(most(stock));
    if (own !== undefined) expect(spent[j]).toBeLessThanOrEqual(most(own * 1000));
  });
  for (const { kind, limit, expected } of result.limits)
    if (kind === "limit") expect(expected).toBeLessThanOrEqual(most(limit));
}

/** Caps of every user, which hold in each draw. */
function expectCaps(instance: Instance, chosen: Uint8Array): void {
  const { perUser } = instance.limits;
  const coupons = instance.limits.coupons.map(({ exclusiveGroup }) => ({ exclusiveGroup }));
  expect(recount({ ...instance, limits: { perUser, coupons } }, chosen).broken).toEqual([]);
}

/** A shop of users of some tastes, in which a budget and a stock bind. */
function shop(numUsers: number): Instance {
  const random = new Random(3);
  const width = 4;
  const candidates = {
    width,
    counts: new Int32Array(numUsers).fill(width),
    coupons: Int32Array.from({ length: numUsers * width }, (_, at) => at % width),
    costMinor: Float64Array.from({ length: numUsers * width }, (_, at) => 20 + 10 * (at % width)),
    valueMinor: Float64Array.from({ length: numUsers * width }, () => random.next() * 100),
  };
  const limits = { budgetMinor: numUsers * 15, coupons: [{}, { stock: numUsers / 20 }, {}, {}] };
  return { candidates, limits };
}

const explored = fc.record({
  epsilon: fc.constantFrom(0, 0.1, 0.5, 1),
  temperatureMinor: fc.constantFrom(0, 0.05, 1, 10),
  seed: fc.integer({ min: 0, max: 1000 }),
  reserve: fc.constantFrom(undefined, 0.2),
});

describe("exploreAllocation", () => {
  it("keeps all limits in expectation and all caps in every draw, on random instances", async () => {
    await fc.assert(
      fc.asyncProperty(instances(30, 6), explored, async (instance, options) => {
        fc.pre(options.epsilon + options.temperatureMinor > 0);
        const result = await exploreAllocation(instance.candidates, instance.limits, options, { threads: 1 });
        expectCertified(instance, result.best);
        expectWithinLimits(instance, result);
        expectCaps(instance, result.chosen);
        const { value, spend, assigned } = recount(instance, result.chosen);
        expect([result.valueMinor, result.spendMinor, result.assigned]).toEqual([value / 1000, spend / 1000, assigned]);
        for (const [at, p] of result.propensities.entries()) {
          expect(p).toBeLessThanOrEqual(1 + 1e-12);
          if (result.chosen[at] === 1) expect(p).toBeGreaterThan(0);
        }
        for (const p of result.decisionPropensities) expect(p).toBeGreaterThan(0);
      }),
      settings(80),
    );
  });

  it("gives a coupon as often as its propensity says, over many seeds", async () => {
    const instance = shop(40);
    const held = new Float64Array(160);
    const seeds = 400;
    let propensities = new Float64Array();
    for (let seed = 1; seed <= seeds; seed++) {
      const options = { epsilon: 0.2, temperatureMinor: 15, seed };
      const result = await exploreAllocation(instance.candidates, { ...instance.limits, perUser: 2 }, options);
      for (const [at, c] of result.chosen.entries()) held[at]! += c;
      propensities = result.propensities as Float64Array<ArrayBuffer>;
    }
    for (const [at, p] of propensities.entries())
      expect(Math.abs(held[at]! / seeds - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / seeds) + 1e-9);
  });

  it("is the best allocation when it is cold, and even when it is hot", async () => {
    const instance = shop(2000);
    const cold = await exploreAllocation(instance.candidates, instance.limits, { temperatureMinor: 1e-3 });
    expect(cold.givenUpMinor / cold.best.valueMinor).toBeLessThan(1e-3);
    const free = { coupons: instance.limits.coupons.map(() => ({})) };
    const even = await exploreAllocation(instance.candidates, free, { epsilon: 1 });
    for (const p of even.propensities) expect(p).toBeCloseTo(1 / 5, 12);
    const warm = await exploreAllocation(instance.candidates, instance.limits, { temperatureMinor: 10 });
    expect(warm.givenUpMinor).toBeGreaterThan(cold.givenUpMinor);
  });

  it("is the same for any number of threads, and a user's draw for any place of its row", async () => {
    const instance = shop(40_000);
    const options = { epsilon: 0.1, temperatureMinor: 5, seed: 9 };
    const one = await exploreAllocation(instance.candidates, instance.limits, options, { threads: 1 });
    const two = await exploreAllocation(instance.candidates, instance.limits, options, { threads: 2 });
    expectSameBytes(two, one);
    const few = shop(100);
    const turned = {
      ...few.candidates,
      valueMinor: few.candidates.valueMinor.map((_, at, all) => all[(99 - Math.floor(at / 4)) * 4 + (at % 4)]!),
    };
    const keys = BigInt64Array.from({ length: 100 }, (_, user) => BigInt(user * 17));
    const there = await exploreAllocation(few.candidates, few.limits, { ...options, keys });
    const back = await exploreAllocation(turned, few.limits, { ...options, keys: keys.slice().reverse() });
    for (let user = 0; user < 100; user++)
      expect(back.chosen.subarray((99 - user) * 4, (100 - user) * 4)).toEqual(
        there.chosen.subarray(user * 4, user * 4 + 4),
      );
  });

  it("an identity draws as one: caps count for it as a whole, and its decision is one", async () => {
    const instance = shop(300);
    const identity = Int32Array.from({ length: 300 }, (_, user) => Math.floor(user / 3));
    const limits = { ...instance.limits, perUser: 2, identity };
    const result = await exploreAllocation(instance.candidates, limits, { epsilon: 0.5, temperatureMinor: 20 });
    for (let unit = 0; unit < 100; unit++) {
      const drawn = result.chosen.subarray(unit * 12, unit * 12 + 12);
      expect(drawn.reduce((sum, c) => sum + c, 0)).toBeLessThanOrEqual(2);
      for (let j = 0; j < 4; j++) expect(drawn[j]! + drawn[j + 4]! + drawn[j + 8]!).toBeLessThanOrEqual(1);
      const decisions = result.decisionPropensities.subarray(unit * 3, unit * 3 + 3);
      expect(new Set(decisions).size).toBe(1);
    }
  });

  it("floors hold in expectation, or are refused by name", async () => {
    const instance = shop(500);
    const floors = [{ name: "of the dear", coupons: [3], leastPieces: 60 }];
    const result = await exploreAllocation(
      instance.candidates,
      { ...instance.limits, floors },
      { epsilon: 0.1, temperatureMinor: 3 },
    );
    expect(result.limits.find(({ kind }) => kind === "floor")?.expected).toBeGreaterThanOrEqual(60 * (1 - 1e-9));
    const all = { coupons: instance.limits.coupons, floors: [{ name: "everybody", leastPieces: 500 }] };
    await expect(exploreAllocation(instance.candidates, all, { epsilon: 0.5 })).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INFEASIBLE",
      message: expect.stringContaining("everybody"),
    });
  });

  it("what it logs lets IPS, SNIPS and DR find the best policy's true value", async () => {
    const instance = shop(30_000);
    const { width, valueMinor } = instance.candidates;
    for (const explore of [
      { epsilon: 0.3 },
      { temperatureMinor: 15 },
      { epsilon: 0.1, temperatureMinor: 5 },
    ] satisfies ExploreOptions[]) {
      const result = await exploreAllocation(instance.candidates, instance.limits, { ...explore, seed: 5 });
      const random = new Random(17);
      const numUsers = 30_000;
      const held = (chosen: Uint8Array, user: number) => chosen.subarray(user * width, user * width + width).indexOf(1);
      // The truth: a reward that depends on the user and the coupon, or nothing.
      const mean = (user: number, place: number) => (place < 0 ? 5 : 5 + 0.7 * valueMinor[user * width + place]!);
      const users = Array.from({ length: numUsers }, (_, user) => user);
      const truth = users.reduce((sum, user) => sum + mean(user, held(result.best.chosen, user)), 0) / numUsers;
      const value = await evaluatePolicy({
        rewards: users.map((user) => mean(user, held(result.chosen, user)) + 20 * random.normal()),
        propensities: result.decisionPropensities,
        targetPropensities: result.isBest,
        // A poor model, to see that DR needs no good one.
        predictions: users.map((user) => 0.5 * mean(user, held(result.chosen, user))),
        targetPredictions: users.map((user) => 0.5 * mean(user, held(result.best.chosen, user))),
      });
      for (const estimate of [value.ips, value.snips!, value.dr!])
        expect(Math.abs(estimate.value - truth)).toBeLessThan(3.5 * estimate.error);
      expect(Math.abs(value.meanWeight - 1)).toBeLessThan(0.1);
      expect(value.snips!.error).toBeLessThan(truth / 20);
    }
  });

  it("refuses what it cannot do", async () => {
    const { candidates, limits } = shop(20);
    const refused = (explore: ExploreOptions) =>
      expect(exploreAllocation(candidates, limits, explore)).rejects.toMatchObject({
        code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      });
    await refused({});
    await refused({ epsilon: 1.1 });
    await refused({ epsilon: Number.NaN });
    await refused({ epsilon: 0.1, reserve: 1 });
    await refused({ temperatureMinor: -1 });
    await refused({ epsilon: 0.1, keys: new BigInt64Array(3) });
    await refused({ epsilon: 0.1, seed: 0.5 });
  });
});
