import type { ArgValue } from "../executor/call.js";
import { shared } from "../executor/executor.js";
import { integerBetween, numberBetween } from "../util/arguments.js";

/** Money inside allocation: thousandths of a minor unit, whole numbers, so that feasibility is exact. */
export const MILLI = 1000;

/** Candidates as kernels take them: fixed width, in shared memory or in a file. */
export interface CandidateTable {
  numUsers: number;
  width: number;
  /** I32 [users], I32 / I64 / I64 [users * width] (milli). */
  counts: ArgValue;
  coupons: ArgValue;
  value: ArgValue;
  cost: ArgValue;
}

/** What an assignment must keep to. Money in minor units; undefined is unlimited. */
export interface Limits {
  /** Total expected cost. */
  budgetMinor?: number | undefined;
  /** By coupon: pieces, expected cost, exclusive group. */
  coupons: readonly {
    stock?: number | undefined;
    budgetMinor?: number | undefined;
    exclusiveGroup?: string | undefined;
  }[];
  /** Coupons a user at most; default 1. */
  perUser?: number | undefined;
}

/** The constraint with a multiplier: the total budget, a coupon's budget or a coupon's stock. */
export interface Resource {
  kind: "budget" | "coupon-budget" | "stock";
  coupon: number;
  /** milli for budgets, pieces for stock. */
  limit: number;
}

/** Largest budget: in thousandths it is still a safe integer. */
const MAX_BUDGET_MINOR = 9e12;

/** A budget in thousandths, -1 for none. Rounded down, so that it is never exceeded, but for the error of its binary form. */
function milli(name: string, minor: number | undefined): number {
  return minor === undefined ? -1 : Math.floor(numberBetween(name, minor, 0, MAX_BUDGET_MINOR) * MILLI + 1e-6);
}

/** An allocation problem in the form of the kernels. */
export class Problem {
  readonly numUsers: number;
  readonly width: number;
  readonly numCoupons: number;
  readonly perUser: number;
  readonly budgetMilli: number;
  readonly stock: BigInt64Array;
  readonly couponBudget: BigInt64Array;
  readonly #group: Int32Array;
  readonly #table: CandidateTable;

  constructor(table: CandidateTable, limits: Limits) {
    const { coupons } = limits;
    this.#table = table;
    this.numUsers = table.numUsers;
    this.width = table.width;
    this.numCoupons = coupons.length;
    this.perUser = integerBetween("perUser", limits.perUser ?? 1, 1, 2 ** 31 - 1);
    this.budgetMilli = milli("budgetMinor", limits.budgetMinor);
    this.stock = shared.i64(coupons.length);
    this.couponBudget = shared.i64(coupons.length);
    this.#group = shared.i32(coupons.length);
    const groups = new Map<string, number>();
    for (const [j, coupon] of coupons.entries()) {
      const stock =
        coupon.stock === undefined
          ? -1
          : integerBetween(`stock of coupon ${j}`, coupon.stock, 0, Number.MAX_SAFE_INTEGER);
      this.stock[j] = BigInt(stock);
      this.couponBudget[j] = BigInt(milli(`budgetMinor of coupon ${j}`, coupon.budgetMinor));
      const group = coupon.exclusiveGroup;
      if (group !== undefined && !groups.has(group)) groups.set(group, groups.size);
      this.#group[j] = group === undefined ? -1 : groups.get(group)!;
    }
  }

  /** The constraints that can bind, each with a multiplier of the dual. */
  resources(): Resource[] {
    const resources: Resource[] = [];
    if (this.budgetMilli >= 0) resources.push({ kind: "budget", coupon: -1, limit: this.budgetMilli });
    for (let j = 0; j < this.numCoupons; j++) {
      if (this.couponBudget[j]! >= 0n)
        resources.push({ kind: "coupon-budget", coupon: j, limit: Number(this.couponBudget[j]) });
      // No user holds a coupon twice, so stock for everybody never binds.
      if (this.stock[j]! >= 0n && this.stock[j]! < BigInt(this.numUsers))
        resources.push({ kind: "stock", coupon: j, limit: Number(this.stock[j]) });
    }
    return resources;
  }

  /** Arguments of every allocation kernel. */
  args(): Record<string, ArgValue> {
    const { counts, coupons, value, cost } = this.#table;
    return {
      counts,
      coupons,
      value,
      cost,
      width: this.width,
      group: this.#group,
      stock: this.stock,
      couponBudget: this.couponBudget,
      budgetMilli: this.budgetMilli,
      perUser: this.perUser,
    };
  }
}
