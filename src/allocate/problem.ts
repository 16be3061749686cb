import type { ArgValue } from "../executor/call.js";
import { invalidArgument } from "../errors.js";
import { shared } from "../executor/executor.js";

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
  coupons: readonly { stock?: number | undefined; budgetMinor?: number | undefined; exclusiveGroup?: string | undefined }[];
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

function milli(minor: number | undefined): number {
  if (minor === undefined) return -1;
  if (!(minor >= 0) || minor > 9e12) throw invalidArgument(`expected a budget between 0 and 9e12 minor units but received ${minor}`);
  return Math.round(minor * MILLI);
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
    this.perUser = limits.perUser ?? 1;
    this.budgetMilli = milli(limits.budgetMinor);
    this.stock = shared.i64(coupons.length);
    this.couponBudget = shared.i64(coupons.length);
    this.#group = shared.i32(coupons.length);
    const groups = new Map<string, number>();
    for (const [j, coupon] of coupons.entries()) {
      this.stock[j] = BigInt(coupon.stock ?? -1);
      this.couponBudget[j] = BigInt(milli(coupon.budgetMinor));
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
      if (this.couponBudget[j]! >= 0n) resources.push({ kind: "coupon-budget", coupon: j, limit: Number(this.couponBudget[j]) });
      // No user holds a coupon twice, so stock for everybody never binds.
      if (this.stock[j]! >= 0n && this.stock[j]! < BigInt(this.numUsers)) resources.push({ kind: "stock", coupon: j, limit: Number(this.stock[j]) });
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
