import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Allocation, allocate } from "../../src/allocate/allocate.js";
import { allocationFrontier, frontierOf } from "../../src/allocate/frontier.js";
import { Executor, shared } from "../../src/executor/executor.js";
import { Random } from "../../src/util/random.js";
import { dualBound, exhaustiveOptimum, expectCertified, type Instance, instances } from "../support/allocation.js";
import { settings } from "../support/arbitraries.js";
import { expectSameBytes } from "../support/same-bytes.js";

/** A middling instance in which budget, stock and groups all bind. */
function shopful(numUsers: number, seed: number): Instance {
  const random = new Random(seed);
  const numCoupons = 12;
  const width = 5;
  const places = numUsers * width;
  const coupons = new Int32Array(places);
  const valueMinor = new Float64Array(places);
  const costMinor = new Float64Array(places);
  for (let user = 0; user < numUsers; user++) {
    const first = random.int(numCoupons - width + 1);
    for (let place = 0; place < width; place++) {
      const at = user * width + place;
      coupons[at] = first + place;
      costMinor[at] = 10 + random.next() * 200;
      valueMinor[at] = costMinor[at]! * random.next() * 3;
    }
  }
  return {
    candidates: { width, counts: new Int32Array(numUsers).fill(width), coupons, valueMinor, costMinor },
    limits: {
      budgetMinor: numUsers * 20,
      perUser: 2,
      coupons: Array.from({ length: numCoupons }, (_, j) => ({
        stock: j % 3 === 0 ? Math.floor(numUsers / 40) : undefined,
        budgetMinor: j % 4 === 1 ? numUsers : undefined,
        exclusiveGroup: j % 2 === 0 ? "even" : undefined,
      })),
    },
  };
}

describe("allocate", () => {
  it("is feasible, counts right and is bounded from above, on random instances", async () => {
    await fc.assert(
      fc.asyncProperty(instances(30, 6), async (instance) => {
        const result = await allocate(instance.candidates, instance.limits, { threads: 1 });
        expectCertified(instance, result);
        const bound = dualBound(instance, result);
        // The bound is the dual function at the reported prices, unless the value itself stands in for its rounding.
        expect(result.upperBoundMinor).toBeCloseTo(Math.max(bound, result.valueMinor), 6);
      }),
      settings(120),
    );
  });

  it("value <= exhaustive optimum <= bound on tiny instances, and nearly always the optimum", async () => {
    let optimal = 0;
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(instances(4, 3), async (instance) => {
        const result = await allocate(instance.candidates, instance.limits, { threads: 1 });
        expectCertified(instance, result);
        const best = exhaustiveOptimum(instance);
        const value = Math.round(result.valueMinor * 1000);
        expect(value).toBeLessThanOrEqual(best);
        expect(result.upperBoundMinor * 1000).toBeGreaterThanOrEqual(best - 1e-6 * best - 1e-6);
        runs++;
        if (value === best) optimal++;
      }),
      settings(150),
    );
    expect(optimal / runs).toBeGreaterThan(0.9);
  });

  it("without limits everybody gets the best, with gap 0", async () => {
    const { candidates } = shopful(500, 4);
    const result = await allocate(candidates, { coupons: new Array(12).fill({}), perUser: 5 }, { threads: 1 });
    expect(result.assigned).toBe([...candidates.valueMinor].filter((value) => value > 0).length);
    expect(result.gap).toBeLessThan(1e-12);
  });

  it("with a budget of 0 only what is free is given; with stock 0 nothing", async () => {
    const candidates = {
      width: 2,
      counts: Int32Array.of(2),
      coupons: Int32Array.of(0, 1),
      valueMinor: Float64Array.of(5, 9),
      costMinor: Float64Array.of(0, 1),
    };
    const free = await allocate(candidates, { budgetMinor: 0, coupons: [{}, {}] });
    expect([...free.chosen]).toEqual([1, 0]);
    const none = await allocate(candidates, { coupons: [{ stock: 0 }, { stock: 0 }] });
    expect([...none.chosen]).toEqual([0, 0]);
    expect([none.valueMinor, none.spendMinor, none.assigned, none.gap]).toEqual([0, 0, 0, 0]);
  });

  it("a budget that is no whole thousandth is not exceeded", async () => {
    const candidates = {
      width: 1,
      counts: Int32Array.of(1),
      coupons: Int32Array.of(0),
      valueMinor: Float64Array.of(5),
      costMinor: Float64Array.of(1),
    };
    expect((await allocate(candidates, { budgetMinor: 0.9996, coupons: [{}] })).assigned).toBe(0);
    expect((await allocate(candidates, { budgetMinor: 1, coupons: [{}] })).assigned).toBe(1);
    // 0.1 + 0.2 is a little more than 0.3, but only in binary.
    const third = { ...candidates, costMinor: Float64Array.of(0.1 + 0.2) };
    expect((await allocate(third, { budgetMinor: 0.3, coupons: [{}] })).assigned).toBe(1);
  });

  it("is near its bound on a larger instance, the same for 1, 2 and 3 threads", async () => {
    const instance = shopful(40_000, 11);
    const results: Allocation[] = [];
    for (const threads of [1, 2, 3]) results.push(await allocate(instance.candidates, instance.limits, { threads }));
    expectCertified(instance, results[0]!);
    expect(results[0]!.gap).toBeLessThan(1e-3);
    expectSameBytes(results[1], results[0]);
    expectSameBytes(results[2], results[0]);
  });

  it("no users, and users without candidates", async () => {
    const empty = {
      width: 1,
      counts: new Int32Array(0),
      coupons: new Int32Array(0),
      valueMinor: new Float64Array(0),
      costMinor: new Float64Array(0),
    };
    expect(await allocate(empty, { budgetMinor: 5, coupons: [{ stock: 1 }] })).toMatchObject({
      valueMinor: 0,
      assigned: 0,
      gap: 0,
    });
    const idle = {
      width: 1,
      counts: new Int32Array(3),
      coupons: new Int32Array(3).fill(-1),
      valueMinor: new Float64Array(3).fill(Number.NaN),
      costMinor: new Float64Array(3),
    };
    expect(await allocate(idle, { budgetMinor: 5, coupons: [{}] })).toMatchObject({ valueMinor: 0, assigned: 0 });
  });

  it("a larger budget buys no less, and the frontier agrees with fresh solutions", async () => {
    const { candidates, limits } = shopful(3000, 5);
    const places = candidates.coupons.length;
    const table = {
      numUsers: 3000,
      width: candidates.width,
      counts: shared.i32(3000),
      coupons: shared.i32(places),
      value: shared.i64(places),
      cost: shared.i64(places),
    };
    table.counts.set(candidates.counts);
    table.coupons.set(candidates.coupons);
    candidates.valueMinor.forEach((value, at) => {
      table.value[at] = BigInt(Math.round(value * 1000));
      table.cost[at] = BigInt(Math.ceil(candidates.costMinor[at]! * 1000 - 1e-6));
    });
    const first = await allocate(candidates, limits, { threads: 1 });
    const budgets = [10_000, 30_000, 60_000, 120_000];
    const points = await frontierOf(new Executor({ threads: 1 }), table, limits, budgets, first.prices);
    for (const [index, point] of points.entries()) {
      const fresh = await allocate(candidates, { ...limits, budgetMinor: budgets[index]! }, { threads: 1 });
      expect(point.spendMinor).toBeLessThanOrEqual(budgets[index]!);
      expect(point.valueMinor).toBeLessThanOrEqual(point.upperBoundMinor);
      // Two valid bounds of one problem: each is above the other's value, and both are tight.
      expect(point.upperBoundMinor).toBeGreaterThanOrEqual(fresh.valueMinor);
      expect(Math.abs(point.upperBoundMinor - fresh.upperBoundMinor)).toBeLessThan(1e-4 * fresh.upperBoundMinor);
      if (index > 0) expect(point.upperBoundMinor).toBeGreaterThanOrEqual(points[index - 1]!.valueMinor);
    }
  });

  it("the recommended budget is where one more unit brings the target", async () => {
    const { candidates, limits } = shopful(2000, 6);
    const budgets = [600_000, 20_000, 80_000, 200_000];
    const options = { threads: 1, target: 1 };
    const { points, recommendedBudgetMinor } = await allocationFrontier(candidates, limits, budgets, options);
    expect(points.map(({ budgetMinor }) => budgetMinor)).toEqual([20_000, 80_000, 200_000, 600_000]);
    for (const [i, { valueMinor, spendMinor, roi, marginalValue }] of points.entries()) {
      expect(roi).toBe(valueMinor / spendMinor);
      if (i > 0) expect(marginalValue).toBeLessThanOrEqual(points[i - 1]!.marginalValue + 1e-3);
    }
    const at = async (budgetMinor: number) =>
      (await allocate(candidates, { ...limits, budgetMinor }, { threads: 1 })).multipliers.budget;
    expect(await at(recommendedBudgetMinor!)).toBeGreaterThanOrEqual(1 - 1e-2);
    await expect(allocationFrontier(candidates, limits, [])).rejects.toThrow(/at least one budget/);
    await expect(allocationFrontier(candidates, limits, [1], { target: -1 })).rejects.toThrow(/target/);
  });

  it("refuses what makes no sense, naming it", async () => {
    const good = {
      width: 1,
      counts: Int32Array.of(1),
      coupons: Int32Array.of(0),
      valueMinor: Float64Array.of(5),
      costMinor: Float64Array.of(1),
    };
    const one = { coupons: [{}] };
    const wrong: [() => Promise<unknown>, RegExp][] = [
      [() => allocate({ ...good, width: 2 }, one), /width 2/],
      [() => allocate({ ...good, width: 0 }, one), /width 0/],
      [() => allocate({ ...good, counts: [1] as never }, one), /Int32Array/],
      [() => allocate({ ...good, counts: Int32Array.of(2) }, one), /2/],
      [() => allocate({ ...good, counts: Int32Array.of(-1) }, one), /-1/],
      [() => allocate({ ...good, coupons: Int32Array.of(1) }, one), /coupon/],
      [() => allocate({ ...good, valueMinor: Float64Array.of(-1) }, one), /valueMinor/],
      [() => allocate({ ...good, valueMinor: Float64Array.of(Number.NaN) }, one), /valueMinor/],
      [() => allocate({ ...good, costMinor: Float64Array.of(1e12) }, one), /costMinor/],
      [() => allocate(good, {} as never), /limits.coupons/],
      [() => allocate(good, { coupons: [{ stock: 1.5 }] }), /stock of coupon 0/],
      [() => allocate(good, { coupons: [{ stock: -1 }] }), /stock of coupon 0/],
      [() => allocate(good, { coupons: [{ budgetMinor: -1 }] }), /budgetMinor of coupon 0/],
      [() => allocate(good, { ...one, budgetMinor: Number.NaN }), /budgetMinor/],
      [() => allocate(good, { ...one, perUser: 0 }), /perUser/],
    ];
    for (const [call, message] of wrong) {
      await expect(call(), String(message)).rejects.toMatchObject({
        code: "ERR_COUPONCAST_INVALID_ARGUMENT",
        message: expect.stringMatching(message),
      });
    }
    const twice = {
      width: 2,
      counts: Int32Array.of(2),
      coupons: Int32Array.of(0, 0),
      valueMinor: new Float64Array(2),
      costMinor: new Float64Array(2),
    };
    await expect(allocate(twice, one)).rejects.toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT" });
  });
});
