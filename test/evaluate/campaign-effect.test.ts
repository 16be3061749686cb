import { afterAll, describe, expect, it } from "vitest";
import { type CampaignOutcomes, campaignEffect } from "../../src/evaluate/campaign-effect.js";
import { closeExecutors } from "../../src/executor/executor.js";
import { Random } from "../../src/util/random.js";

afterAll(closeExecutors);

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const variance = (values: readonly number[]) =>
  values.reduce((sum, x) => sum + (x - mean(values)) ** 2, 0) / (values.length - 1);

/** A test with a known effect: treated users buy more often, and cost. */
function shop(users: number, seed: number, lift: number): { [K in keyof CampaignOutcomes]-?: number[] } {
  const random = new Random(seed, 0);
  const rows = Array.from({ length: users }, () => {
    const treated = random.next() < 0.8 ? 1 : 0;
    const buys = random.next() < 0.3 + lift * treated;
    const sales = buys ? Math.round(2000 + 3000 * random.next()) : 0;
    return {
      treated,
      orders: buys ? 1 : 0,
      salesMinor: sales,
      marginMinor: sales * 0.3,
      discountMinor: treated === 1 && buys && random.next() < 0.5 ? 200 : 0,
      groups: Math.floor(random.next() * 4) - 1,
    };
  });
  const column = (key: keyof (typeof rows)[0]) => rows.map((row) => row[key]);
  return {
    treated: column("treated"),
    orders: column("orders"),
    salesMinor: column("salesMinor"),
    marginMinor: column("marginMinor"),
    discountMinor: column("discountMinor"),
    groups: column("groups"),
  };
}

describe("campaignEffect", () => {
  it("equals means, variances and ratios worked out plainly", async () => {
    const outcomes = shop(500, 3, 0.1);
    const { all, groups } = await campaignEffect(outcomes, { numGroups: 3, replicates: 0 });
    const rowsOf = (arm: number, group?: number) =>
      outcomes.treated.flatMap((t, i) =>
        t === arm && (group === undefined || outcomes.groups[i] === group) ? [i] : [],
      );
    for (const [g, effect] of [[undefined, all] as const, ...groups.map((group, at) => [at, group] as const)]) {
      const [holdout, treated] = [rowsOf(0, g), rowsOf(1, g)];
      const of = (rows: readonly number[], key: keyof typeof outcomes) => rows.map((i) => outcomes[key][i]!);
      expect(effect?.treated.numUsers).toBe(treated.length);
      expect(effect?.holdout.numBuyers).toBe(of(holdout, "orders").filter((n) => n > 0).length);
      const difference = mean(of(treated, "marginMinor")) - mean(of(holdout, "marginMinor"));
      const error = Math.sqrt(
        variance(of(treated, "marginMinor")) / treated.length + variance(of(holdout, "marginMinor")) / holdout.length,
      );
      expect(effect?.marginPerUserMinor.value).toBeCloseTo(difference, 8);
      expect(effect?.marginPerUserMinor.error).toBeCloseTo(error, 8);
      expect(effect?.marginPerUserMinor.high).toBeCloseTo(difference + 1.959963985 * error, 5);
      const discounts = of(treated, "discountMinor").reduce((sum, x) => sum + x, 0);
      expect(effect?.incrementalRoi?.value).toBeCloseTo((difference * treated.length - discounts) / discounts, 8);
      expect(effect?.incrementalProfitMinor.value).toBeCloseTo(difference * treated.length - discounts, 5);
    }
  });

  it("covers the planted effect about as often as it says, by both intervals", async () => {
    let delta = 0;
    let bootstrap = 0;
    const rounds = 40;
    for (let seed = 1; seed <= rounds; seed++) {
      const { all } = await campaignEffect(shop(1500, seed, 0.1), { numGroups: 3, replicates: 200, confidence: 0.9 });
      const planted = 0.1;
      if (all.conversion.low <= planted && planted <= all.conversion.high) delta++;
      if (all.conversion.bootstrap!.low <= planted && planted <= all.conversion.bootstrap!.high) bootstrap++;
    }
    // 36 of 40 expected, standard deviation 1.9.
    for (const covered of [delta, bootstrap]) {
      expect(covered).toBeGreaterThanOrEqual(29);
      expect(covered).toBeLessThanOrEqual(40);
    }
  });

  it("does not depend on threads", async () => {
    const outcomes = shop(3000, 9, 0.05);
    const one = await campaignEffect(outcomes, { numGroups: 3, threads: 1 });
    expect(await campaignEffect(outcomes, { numGroups: 3, threads: 3 })).toEqual(one);
    expect(await campaignEffect(outcomes, { numGroups: 3, seed: 2 })).not.toEqual(one);
  });

  it("leaves undefined what cannot be said", async () => {
    const one = { orders: [0, 0], salesMinor: [0, 0], marginMinor: [0, 0], discountMinor: [0, 0] };
    const { all, groups } = await campaignEffect({ treated: [0, 1], groups: [0, 1], ...one }, { numGroups: 2 });
    expect(all.incrementalRoi).toBeNull();
    expect(groups).toEqual([null, null]);
    await expect(campaignEffect({ treated: [1, 1], ...one })).rejects.toThrow("users in the holdout");
    await expect(campaignEffect({ treated: [1, 2], ...one })).rejects.toThrow("expected 0 or 1 in treated[1]");
    await expect(campaignEffect({ treated: [1], ...one })).rejects.toThrow("expected 1 elements in orders");
    await expect(campaignEffect({ treated: [0, 1], ...one, orders: [Number.NaN, 0] })).rejects.toThrow("orders[0]");
    await expect(campaignEffect({ treated: [0, 1], groups: [0, 5], ...one }, { numGroups: 2 })).rejects.toThrow(
      "groups[1]",
    );
    await expect(campaignEffect({ treated: [0, 1], ...one }, { replicates: 5 })).rejects.toThrow("at least 100");
  });
});
