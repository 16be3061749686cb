/** Policies to compare with: what a shop could do without this program, and what it could do if it knew everything. */
import type { Limits } from "../allocate/limits.js";
import type { Executor } from "../executor/executor.js";
import { Random } from "../util/random.js";
import { type Allocated, allocateBy, type Shape } from "./allocate-by.js";
import { type Handouts, type Played, play } from "./play.js";
import type { Truth } from "./truth.js";

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
export function oracle(executor: Executor, truth: Truth, reasons: Uint8Array, limits: Limits): Promise<Allocated> {
  return allocateBy(executor, truth, reasons, limits, (user, c) => {
    const pair = user * truth.numCoupons + c;
    return {
      valueMinor: truth.profitMinor[pair]!,
      costMinor: truth.costMinor[pair]!,
      faceMinor: truth.faceMinor[pair]!,
    };
  });
}
