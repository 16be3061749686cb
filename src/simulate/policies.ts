/** Policies to compare with: what a shop could do without this program, and what it could do if it knew everything. */
import { type Allocation, allocateTable } from "../allocate/allocate.js";
import type { Limits } from "../allocate/limits.js";
import { MILLI } from "../allocate/problem.js";
import { type Executor, shared } from "../executor/executor.js";
import { Random } from "../util/random.js";
import { forEachYielding } from "../util/yield.js";
import { type Handouts, type Played, play } from "./play.js";
import type { Truth } from "./truth.js";

interface Shape {
  numUsers: number;
  numCoupons: number;
}

/** Users in random order, each with a coupon drawn from those that it may have. */
export function randomPolicy({ numUsers, numCoupons }: Shape, reasons: Uint8Array, seed: number): Handouts {
  const random = new Random(seed);
  const order = random.shuffle(Int32Array.from({ length: numUsers }, (_, user) => user));
  const handouts = { users: [] as number[], coupons: [] as number[] };
  for (const user of order) {
    const may: number[] = [];
    for (let c = 0; c < numCoupons; c++) if (reasons[user * numCoupons + c] === 0) may.push(c);
    if (may.length === 0) continue;
    handouts.users.push(user);
    handouts.coupons.push(may[random.int(may.length)]!);
  }
  return handouts;
}

/** Each user gets the coupon with the highest score among those that it may have, highest scores first. */
export function topScorePolicy(
  { numUsers, numCoupons }: Shape,
  reasons: Uint8Array,
  score: (user: number, coupon: number) => number,
): Handouts {
  const best: { user: number; coupon: number; score: number }[] = [];
  for (let user = 0; user < numUsers; user++) {
    let coupon = -1;
    let most = 0;
    for (let c = 0; c < numCoupons; c++) {
      if (reasons[user * numCoupons + c] !== 0) continue;
      const value = score(user, c);
      if (value > most) {
        most = value;
        coupon = c;
      }
    }
    if (coupon >= 0) best.push({ user, coupon, score: most });
  }
  best.sort((a, b) => b.score - a.score || a.user - b.user);
  return { users: best.map(({ user }) => user), coupons: best.map(({ coupon }) => coupon) };
}

/** One coupon for everybody: of all coupons the one that earns most, in hindsight. */
export function bestForAll(truth: Truth, reasons: Uint8Array, limits: Limits): Played {
  const users = Int32Array.from({ length: truth.numUsers }, (_, user) => user);
  let best: Played | undefined;
  for (let c = 0; c < truth.numCoupons; c++) {
    const played = play(truth, reasons, limits, { users, coupons: new Int32Array(users.length).fill(c) });
    if (best === undefined || played.profitMinor > best.profitMinor) best = { ...played, keptBack: 0 };
  }
  return best!;
}

export interface Rfm {
  /** Days since the last event; NaN: none. */
  recency: Float64Array;
  frequency: Float64Array;
  monetary: Float64Array;
}

/**
 * Rules as they are written by hand: good customers who have not come for long get the deepest coupon that they may have,
 * good customers who come get the shallowest, others who have bought one in the middle, newcomers the deepest; the
 * lapsed without much spending get none. Good: among the upper half by orders and by money.
 */
export function rfmPolicy(
  { numUsers, numCoupons }: Shape,
  reasons: Uint8Array,
  { recency, frequency, monetary }: Rfm,
  depth: readonly number[],
): Handouts {
  const middle = (values: Float64Array) => {
    const known = values.filter((value) => value > 0).sort();
    return known[known.length >> 1] ?? 0;
  };
  const late = middle(recency);
  const often = middle(frequency);
  const much = middle(monetary);
  const ranked = Array.from({ length: numCoupons }, (_, c) => c).sort((a, b) => depth[a]! - depth[b]! || a - b);
  const handouts = { users: [] as number[], coupons: [] as number[] };
  for (let user = 0; user < numUsers; user++) {
    const may = ranked.filter((c) => reasons[user * numCoupons + c] === 0);
    if (may.length === 0) continue;
    const isGood = frequency[user]! >= often && monetary[user]! >= much;
    const isLate = recency[user]! > late;
    const isNew = !(frequency[user]! > 0);
    if (isLate && !isGood && !isNew) continue;
    const place = isNew || (isGood && isLate) ? may.length - 1 : isGood ? 0 : may.length >> 1;
    handouts.users.push(user);
    handouts.coupons.push(may[place]!);
  }
  return handouts;
}

/** The best that can be done within the limits by whoever knows the truth; certified. */
export async function oracle(
  executor: Executor,
  truth: Truth,
  reasons: Uint8Array,
  limits: Limits,
): Promise<{ handouts: Handouts; allocation: Allocation }> {
  const { numUsers, numCoupons: width } = truth;
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
      const pair = user * width + c;
      const value = Math.floor(truth.profitMinor[pair]! * MILLI);
      if (reasons[pair] !== 0 || !(value > 0 || hasFloors)) continue;
      table.coupons[at] = c;
      table.value[at] = BigInt(value);
      table.face[at] = BigInt(Math.ceil(truth.faceMinor[pair]! * MILLI));
      table.cost[at++] = BigInt(Math.ceil(truth.costMinor[pair]! * MILLI));
    }
    table.counts[user] = at - user * width;
    table.coupons.fill(-1, at, (user + 1) * width);
  });
  const allocation = await allocateTable(executor, table, limits);
  const handouts = { users: [] as number[], coupons: [] as number[] };
  for (let at = 0; at < allocation.chosen.length; at++) {
    if (allocation.chosen[at] !== 1) continue;
    handouts.users.push(Math.floor(at / width));
    handouts.coupons.push(table.coupons[at]!);
  }
  return { handouts, allocation };
}
