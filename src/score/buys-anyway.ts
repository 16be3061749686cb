/** What the next behaviour says about a user's response: as inputs of the model, and as orders that need no coupon. */
import { shared } from "../executor/executor.js";
import type { UserFeatures } from "../profile/user-features.js";
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
 * The features with one more for each behaviour: the chance of being the user's next, standardised over the users with
 * events (0 for the others, and where it is the same for all). Sums run in row order in float64.
 */
export async function withNextBehaviour(features: UserFeatures, next: NextBehaviourChances): Promise<UserFeatures> {
  const { numUsers, dims, points, hasEvents } = features;
  const { behaviours, chances } = next;
  const n = behaviours.length;
  const sums = new Float64Array(n);
  const squares = new Float64Array(n);
  let active = 0;
  const eachActive = (visit: (at: number, value: number) => void) =>
    forEachYielding(numUsers, (user) => {
      if (hasEvents[user] === 1) for (let b = 0; b < n; b++) visit(b, chances[user * n + b]!);
    });
  await forEachYielding(numUsers, (user) => {
    active += hasEvents[user]!;
  });
  await eachActive((b, value) => {
    sums[b]! += value;
  });
  const means = sums.map((sum) => sum / Math.max(active, 1));
  await eachActive((b, value) => {
    squares[b]! += (value - means[b]!) ** 2;
  });
  const deviations = squares.map((square) => Math.sqrt(square / Math.max(active, 1)));
  const width = dims + n;
  const wider = shared.f32(numUsers * width);
  await forEachYielding(numUsers, (user) => {
    for (let d = 0; d < dims; d++) wider[user * width + d] = points[user * dims + d]!;
    if (hasEvents[user] === 0) return;
    for (let b = 0; b < n; b++) {
      if (deviations[b]! > 1e-12) {
        wider[user * width + dims + b] = (chances[user * n + b]! - means[b]!) / deviations[b]!;
      }
    }
  });
  const names = [...features.names, ...behaviours.map((name) => `next_${name}`)];
  return { ...features, names, dims: width, points: wider };
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
