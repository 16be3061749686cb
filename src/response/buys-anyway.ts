/** What the next behaviour says about orders that need no coupon. */
import { forEachYielding } from "../util/yield.js";

export interface NextBehaviourChances {
  behaviours: readonly string[];
  /** Position of the purchase. */
  purchase: number;
  /** float32 [users * behaviours] chance that the next behaviour is this one and comes within the horizon. */
  chances: Float32Array;
  horizonDays: number;
}

/**
 * Raises the orders a day of users who are about to buy anyway: a user whose next behaviour is a purchase within the
 * horizon with chance q buys at a rate of at least -ln(1 - q) / horizon. So a coupon is worth less to them.
 */
export async function raisePurchaseRate(purchaseRate: Float64Array, next: NextBehaviourChances): Promise<void> {
  const { behaviours, purchase, chances, horizonDays } = next;
  const n = behaviours.length;
  await forEachYielding(purchaseRate.length, (user) => {
    const q = Math.min(chances[user * n + purchase]!, MOST_CERTAIN);
    purchaseRate[user] = Math.max(purchaseRate[user]!, -Math.log1p(-q) / horizonDays);
  });
}

/** Nobody buys for certain. */
const MOST_CERTAIN = 0.999;
