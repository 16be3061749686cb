/** Allocation by what somebody believes that each pair is worth. */
import { type Allocation, allocateTable } from "../allocate/allocate.js";
import type { Limits } from "../allocate/limits.js";
import { MILLI } from "../allocate/problem.js";
import { type Executor, shared } from "../executor/executor.js";
import { forEachYielding } from "../util/yield.js";
import type { Handouts } from "./play.js";

export interface Shape {
  numUsers: number;
  numCoupons: number;
}

/** What somebody believes of a pair. */
export interface Worth {
  valueMinor: number;
  /** Expected. */
  costMinor: number;
  /** When it is redeemed. */
  faceMinor: number;
}

export interface Allocated {
  /** The most valuable for their cost first. */
  handouts: Handouts;
  allocation: Allocation;
}

/** Allocates all pairs that may be and are worth something. */
export async function allocateBy(
  executor: Executor,
  { numUsers, numCoupons: width }: Shape,
  reasons: Uint8Array,
  limits: Limits,
  worthOf: (user: number, coupon: number) => Worth,
): Promise<Allocated> {
  const table = {
    numUsers,
    width,
    counts: shared.i32(numUsers),
    coupons: shared.i32(numUsers * width),
    value: shared.i64(numUsers * width),
    cost: shared.i64(numUsers * width),
    face: shared.i64(numUsers * width),
  };
  // A floor may ask for coupons that only cost money.
  const hasFloors = (limits.floors ?? []).length > 0;
  await forEachYielding(numUsers, (user) => {
    let at = user * width;
    for (let c = 0; c < width; c++) {
      if (reasons[user * width + c] !== 0) continue;
      const { valueMinor, costMinor, faceMinor } = worthOf(user, c);
      const value = Math.floor(valueMinor * MILLI);
      if (!(value > 0 || hasFloors)) continue;
      table.coupons[at] = c;
      table.value[at] = BigInt(value);
      table.face[at] = BigInt(Math.ceil(faceMinor * MILLI));
      table.cost[at++] = BigInt(Math.ceil(costMinor * MILLI));
    }
    table.counts[user] = at - user * width;
    table.coupons.fill(-1, at, (user + 1) * width);
  });
  const allocation = await allocateTable(executor, table, limits);
  const chosen = [...allocation.chosen.keys()].filter((at) => allocation.chosen[at] === 1);
  const ratio = (at: number) => Number(table.value[at]!) / Math.max(1, Number(table.cost[at]!));
  chosen.sort((a, b) => ratio(b) - ratio(a) || a - b);
  return {
    handouts: { users: chosen.map((at) => Math.floor(at / width)), coupons: chosen.map((at) => table.coupons[at]!) },
    allocation,
  };
}
