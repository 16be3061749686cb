/** What users are about to do, for the response model: who buys anyway needs no coupon. */
import type { Executor } from "../executor/executor.js";
import { nextBehaviourAt, type WaitingTimes } from "../profile/next-behaviour.js";
import type { Sequences } from "../store/sequences.js";
import { logit } from "../util/sigmoid.js";
import { forEachYielding } from "../util/yield.js";

/** What chances of a next behaviour are made of. */
export interface NextBehaviours {
  sequences: Sequences;
  /** Of all users: the same for every moment, so it tells none from another. */
  waiting: WaitingTimes;
  /** How far ahead. */
  horizonDays: number;
  /** Position of the purchase; none: -1. */
  purchase: number;
}

/** float32 [moments * behaviours] chance that the next behaviour is this one and comes within the horizon; in shared memory */
export function chancesAt(
  executor: Executor,
  { sequences, waiting, horizonDays }: NextBehaviours,
  users: Int32Array,
  moments: BigInt64Array,
): Promise<Float32Array> {
  return nextBehaviourAt(executor, sequences, waiting, horizonDays, users, moments);
}

/** Of USER_FEATURES, those of what comes next: a purchase, or anything else. */
export const NEXT_FEATURES = 2;
/** Nobody buys for certain, or certainly not. */
const LEAST_CHANCE = 0.001;

/** Log-odds. `chances`: of `chancesAt` */
export function nextFeatures(
  { sequences, purchase }: Pick<NextBehaviours, "sequences" | "purchase">,
  chances: Float32Array,
  moment: number,
  into: Float32Array,
  at: number,
): void {
  const n = sequences.behaviours.length;
  let all = 0;
  for (let b = 0; b < n; b++) all += chances[moment * n + b]!;
  const buys = purchase < 0 ? 0 : chances[moment * n + purchase]!;
  into[at] = logit(buys, LEAST_CHANCE);
  into[at + 1] = logit(all - buys, LEAST_CHANCE);
}

/**
 * Raises the orders a day of users who are about to buy anyway: a user whose next behaviour is a purchase within the
 * horizon with chance q buys at a rate of at least -ln(1 - q) / horizon. So a coupon is worth less to them.
 *
 * @param chances float32 [users * behaviours] of `chancesAt`
 * @param purchase position of the purchase
 */
export async function raisePurchaseRate(
  purchaseRate: Float64Array,
  chances: Float32Array,
  purchase: number,
  horizonDays: number,
): Promise<void> {
  const n = chances.length / purchaseRate.length;
  await forEachYielding(purchaseRate.length, (user) => {
    const q = Math.min(chances[user * n + purchase]!, 1 - LEAST_CHANCE);
    purchaseRate[user] = Math.max(purchaseRate[user]!, -Math.log1p(-q) / horizonDays);
  });
}
