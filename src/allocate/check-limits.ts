import { arrayOf, textOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import type { Budget, Cap, Floor, Limits, Scope } from "./limits.js";

type Coupon = Limits["coupons"][number];

const LIMITS = {
  budgetMinor: true,
  coupons: true,
  perUser: true,
  budgets: true,
  floors: true,
  caps: true,
  segments: true,
  identity: true,
  riskAversion: true,
};
const COUPON = { stock: true, budgetMinor: true, exclusiveGroup: true };
const SCOPE = { name: true, coupons: true, segments: true };
const BUDGET = { ...SCOPE, limitMinor: true, cost: true };
const FLOOR = { ...SCOPE, leastPieces: true, leastSpendMinor: true, leastShare: true };
const CAP = { name: true, coupons: true, perUser: true };

/**
 * Refuses limits that are not of their shape, or that nothing would keep to for their names, as callers without types may
 * pass them; what is in them is checked where it is read.
 */
export function checkLimits(limits: Limits): void {
  const { coupons, budgets = [], floors = [], caps = [] } = knownOptions("limits", limits, LIMITS);
  for (const [i, coupon] of arrayOf("limits.coupons", coupons).entries()) {
    const { exclusiveGroup = "" } = knownOptions<Coupon, typeof COUPON>(`limits.coupons[${i}]`, coupon, COUPON);
    textOf(`limits.coupons[${i}].exclusiveGroup`, exclusiveGroup);
  }
  for (const [i, budget] of arrayOf("limits.budgets", budgets).entries())
    checkScope(`limits.budgets[${i}]`, knownOptions<Budget, typeof BUDGET>(`limits.budgets[${i}]`, budget, BUDGET));
  for (const [i, floor] of arrayOf("limits.floors", floors).entries())
    checkScope(`limits.floors[${i}]`, knownOptions<Floor, typeof FLOOR>(`limits.floors[${i}]`, floor, FLOOR));
  for (const [i, cap] of arrayOf("limits.caps", caps).entries())
    arrayOf(`limits.caps[${i}].coupons`, knownOptions<Cap, typeof CAP>(`limits.caps[${i}]`, cap, CAP).coupons);
}

function checkScope(name: string, { coupons, segments }: Scope): void {
  if (coupons !== undefined) arrayOf(`${name}.coupons`, coupons);
  if (segments !== undefined) arrayOf(`${name}.segments`, segments);
}
