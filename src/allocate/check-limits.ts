import { arrayOf, fieldsOf } from "../util/arguments.js";
import type { Limits } from "./limits.js";

/** Refuses limits that are not of their shape, as callers without types may pass them; what is in them is checked where it is read. */
export function checkLimits(limits: Limits): void {
  const entries = <T>(name: string, list: readonly T[] | undefined): [string, T][] =>
    (list === undefined ? [] : [...arrayOf(name, list).entries()]).map(([i, entry]) => [
      `${name}[${i}]`,
      fieldsOf(`${name}[${i}]`, entry),
    ]);
  const { coupons, budgets, floors, caps } = fieldsOf("limits", limits);
  entries("limits.coupons", arrayOf("limits.coupons", coupons));
  for (const [name, scope] of [...entries("limits.budgets", budgets), ...entries("limits.floors", floors)]) {
    if (scope.coupons !== undefined) arrayOf(`${name}.coupons`, scope.coupons);
    if (scope.segments !== undefined) arrayOf(`${name}.segments`, scope.segments);
  }
  for (const [name, cap] of entries("limits.caps", caps)) arrayOf(`${name}.coupons`, cap.coupons);
}
