/** Allocation problems for tests, and an independent count of what an assignment uses. */
import fc from "fast-check";
import { expect } from "vitest";
import type { Allocation } from "../../src/allocate/allocate.js";
import type { Limits } from "../../src/allocate/limits.js";
import type { Candidates } from "../../src/allocate/table-of.js";

export interface Instance {
  candidates: Candidates;
  limits: Limits;
}

export function instances(maxUsers: number, maxCoupons: number): fc.Arbitrary<Instance> {
  return fc
    .record({ users: fc.integer({ min: 1, max: maxUsers }), coupons: fc.integer({ min: 1, max: maxCoupons }) })
    .chain(({ users, coupons }) => {
      const places = users * coupons;
      // Thousandths of a minor unit, often whole, often equal, sometimes 0.
      const amount = fc
        .oneof(
          fc.integer({ min: 0, max: 12 }).map((x) => x * 1000),
          fc.integer({ min: 0, max: 9000 }),
        )
        .map((x) => x / 1000);
      return fc.record({
        offered: fc.array(fc.array(fc.boolean(), { minLength: coupons, maxLength: coupons }), {
          minLength: users,
          maxLength: users,
        }),
        values: fc.array(amount, { minLength: places, maxLength: places }),
        costs: fc.array(amount, { minLength: places, maxLength: places }),
        budgetMinor: fc.option(fc.integer({ min: 0, max: 4 * users }), { nil: undefined }),
        perUser: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
        limits: fc.array(
          fc.record({
            stock: fc.option(fc.integer({ min: 0, max: users }), { nil: undefined }),
            budgetMinor: fc.option(fc.integer({ min: 0, max: 3 * users }), { nil: undefined }),
            exclusiveGroup: fc.option(fc.constantFrom("a", "b"), { nil: undefined }),
          }),
          { minLength: coupons, maxLength: coupons },
        ),
      });
    })
    .map(({ offered, values, costs, budgetMinor, perUser, limits }) => {
      const numUsers = offered.length;
      const width = Math.max(1, ...offered.map((row) => row.filter(Boolean).length));
      const candidates: Candidates = {
        width,
        counts: new Int32Array(numUsers),
        coupons: new Int32Array(numUsers * width).fill(-1),
        valueMinor: new Float64Array(numUsers * width),
        costMinor: new Float64Array(numUsers * width),
      };
      offered.forEach((row, user) => {
        row.forEach((isOffered, coupon) => {
          if (!isOffered) return;
          const at = user * width + candidates.counts[user]!++;
          candidates.coupons[at] = coupon;
          candidates.valueMinor[at] = values[user * row.length + coupon]!;
          candidates.costMinor[at] = costs[user * row.length + coupon]!;
        });
      });
      return { candidates, limits: { budgetMinor, perUser, coupons: limits } };
    });
}

const milli = (minor: number) => Math.round(minor * 1000);
/** Costs are rounded up to thousandths. */
const costMilli = (minor: number) => Math.ceil(minor * 1000 - 1e-6);

export interface Usage {
  value: number;
  spend: number;
  assigned: number;
  /** What is broken, in words. */
  broken: string[];
}

/** Counts an assignment against every limit, in whole thousandths. */
export function recount({ candidates, limits }: Instance, chosen: ArrayLike<number>): Usage {
  const { width, counts, coupons, valueMinor, costMinor } = candidates;
  const pieces = limits.coupons.map(() => 0);
  const spent = limits.coupons.map(() => 0);
  const usage: Usage = { value: 0, spend: 0, assigned: 0, broken: [] };
  for (let user = 0; user < counts.length; user++) {
    const groups = new Set<string>();
    let held = 0;
    for (let place = 0; place < width; place++) {
      const at = user * width + place;
      if (chosen[at] === 0) continue;
      if (chosen[at] !== 1 || place >= counts[user]!)
        usage.broken.push(`user ${user}: place ${place} holds no candidate`);
      const coupon = coupons[at]!;
      held++;
      usage.assigned++;
      usage.value += milli(valueMinor[at]!);
      usage.spend += costMilli(costMinor[at]!);
      pieces[coupon]!++;
      spent[coupon]! += costMilli(costMinor[at]!);
      const group = limits.coupons[coupon]!.exclusiveGroup;
      if (group !== undefined && groups.has(group)) usage.broken.push(`user ${user}: two coupons of group ${group}`);
      if (group !== undefined) groups.add(group);
    }
    if (held > (limits.perUser ?? 1)) usage.broken.push(`user ${user}: ${held} coupons`);
  }
  if (limits.budgetMinor !== undefined && usage.spend > milli(limits.budgetMinor))
    usage.broken.push(`budget: ${usage.spend}`);
  limits.coupons.forEach(({ stock, budgetMinor }, j) => {
    if (stock !== undefined && pieces[j]! > stock) usage.broken.push(`stock of ${j}: ${pieces[j]}`);
    if (budgetMinor !== undefined && spent[j]! > milli(budgetMinor)) usage.broken.push(`budget of ${j}: ${spent[j]}`);
  });
  return usage;
}

/** What must hold of every answer. */
export function expectCertified(instance: Instance, result: Allocation): void {
  const { value, spend, assigned, broken } = recount(instance, result.chosen);
  expect(broken).toEqual([]);
  expect(milli(result.valueMinor)).toBe(value);
  expect(milli(result.spendMinor)).toBe(spend);
  expect(result.assigned).toBe(assigned);
  expect(result.upperBoundMinor).toBeGreaterThanOrEqual(result.valueMinor);
  const { upperBoundMinor: bound } = result;
  expect(result.gap).toBeCloseTo(bound > 0 ? (bound - result.valueMinor) / bound : 0, 12);
  expect(result.multipliers.budget).toBeGreaterThanOrEqual(0);
  for (const price of [...result.multipliers.stock, ...result.multipliers.couponBudget])
    expect(price).toBeGreaterThanOrEqual(0);
}

/** The largest value of any feasible assignment, by trying all; thousandths. Few candidates only. */
export function exhaustiveOptimum(instance: Instance): number {
  const { width, counts } = instance.candidates;
  const places = Array.from(counts).flatMap((count, user) =>
    Array.from({ length: count }, (_, place) => user * width + place),
  );
  const chosen = new Uint8Array(counts.length * width);
  let best = 0;
  const visit = (index: number): void => {
    if (index === places.length) {
      const { value, broken } = recount(instance, chosen);
      if (broken.length === 0 && value > best) best = value;
      return;
    }
    visit(index + 1);
    chosen[places[index]!] = 1;
    // All limits are upper limits: what is broken stays broken.
    if (recount(instance, chosen).broken.length === 0) visit(index + 1);
    chosen[places[index]!] = 0;
  };
  visit(0);
  return best;
}

/** The dual function at the reported prices, in float64 minor units: an upper bound that needs no trust in the solver. */
export function dualBound({ candidates, limits }: Instance, { multipliers }: Allocation): number {
  const { width, counts, coupons, valueMinor, costMinor } = candidates;
  let bound = limits.budgetMinor === undefined ? 0 : limits.budgetMinor * multipliers.budget;
  limits.coupons.forEach(({ stock, budgetMinor }, j) => {
    if (stock !== undefined) bound += stock * multipliers.stock[j]!;
    if (budgetMinor !== undefined) bound += budgetMinor * multipliers.couponBudget[j]!;
  });
  for (let user = 0; user < counts.length; user++) {
    const worth = Array.from({ length: counts[user]! }, (_, place) => {
      const at = user * width + place;
      const coupon = coupons[at]!;
      const reduced =
        valueMinor[at]! -
        (multipliers.budget + multipliers.couponBudget[coupon]!) * costMinor[at]! -
        multipliers.stock[coupon]!;
      return { reduced, group: limits.coupons[coupon]!.exclusiveGroup };
    }).sort((a, b) => b.reduced - a.reduced);
    const groups = new Set<string>();
    let held = 0;
    for (const { reduced, group } of worth) {
      if (reduced <= 0 || held === (limits.perUser ?? 1)) break;
      if (group !== undefined && groups.has(group)) continue;
      if (group !== undefined) groups.add(group);
      bound += reduced;
      held++;
    }
  }
  return bound;
}
