import type { Allocation } from "./allocate.js";
import type { Limits } from "./limits.js";

/** A budget or floor of several coupons or of a segment, and what became of it. */
export interface ConstraintUse {
  name: string;
  kind: "budget" | "floor";
  counts: "money" | "pieces";
  /** Minor units, or pieces. */
  limit: number;
  used: number;
  /** Value of one more minor unit of a budget; what one more minor unit, or in minor units one more piece, of a floor costs. */
  multiplier: number;
}

/** limits.budgets and limits.floors, in their order. */
export function constraintUse(
  { budgets = [], floors = [], budgetMinor }: Limits,
  { multipliers, used }: Pick<Allocation, "multipliers" | "used">,
): ConstraintUse[] {
  return [
    ...budgets.map(({ name, limitMinor }, b) => ({
      name: name ?? `budgets[${b}]`,
      kind: "budget" as const,
      counts: "money" as const,
      limit: limitMinor,
      used: used.budgets[b]!,
      multiplier: multipliers.budgets[b]!,
    })),
    ...floors.map(({ name, leastPieces, leastSpendMinor, leastShare }, f) => ({
      name: name ?? `floors[${f}]`,
      kind: "floor" as const,
      counts: leastPieces === undefined ? ("money" as const) : ("pieces" as const),
      limit: leastPieces ?? leastSpendMinor ?? leastShare! * budgetMinor!,
      used: used.floors[f]!,
      multiplier: multipliers.floors[f]!,
    })),
  ];
}
