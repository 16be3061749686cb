import type { Limits } from "../allocate/limits.js";
import { Till } from "./till.js";
import type { Truth } from "./truth.js";

/** Coupons in the order in which they are handed out. */
export interface Handouts {
  users: Int32Array | number[];
  coupons: Int32Array | number[];
}

/** What a policy really earns. Expected numbers: nothing is drawn, so nothing is noise. */
export interface Played {
  /** Margin that would not have been, less discounts; minor units. */
  profitMinor: number;
  /** Discounts paid. */
  spendMinor: number;
  handedOut: number;
  redemptions: number;
  /** Of the redemptions, those of orders that would have been made anyway. */
  redeemedAnyway: number;
  /** Coupons that the limits, the budget or eligibility kept back. */
  keptBack: number;
  /** Floors that the policy does not reach. */
  floorsMissed: number;
}

/**
 * Hands coupons out in the given order and adds up what they earn. As at a till, money is counted as it is really spent:
 * a coupon goes out only while its true expected cost fits the budgets of expected cost and its true discount those of face
 * cost, a piece is in stock, the user may have it and is, with those of its identity, below all caps. A policy that
 * reckons costs too low so runs out of money before its end. What counts towards a floor goes out first.
 *
 * @param reasons uint8 [users * coupons] 0: the user may have the coupon
 * Cost: the handouts.
 */
export function play(truth: Truth, reasons: Uint8Array, limits: Limits, { users, coupons }: Handouts): Played {
  const till = new Till(truth, reasons, limits);
  const result: Played = {
    profitMinor: 0,
    spendMinor: 0,
    handedOut: 0,
    redemptions: 0,
    redeemedAnyway: 0,
    keptBack: 0,
    floorsMissed: 0,
  };
  const handOut = (user: number, coupon: number) => {
    if (!till.handOut(user, coupon)) {
      result.keptBack++;
      return;
    }
    const at = user * truth.numCoupons + coupon;
    result.handedOut++;
    result.profitMinor += truth.profitMinor[at]!;
    result.spendMinor += truth.costMinor[at]!;
    result.redemptions += truth.redeem[at]!;
    result.redeemedAnyway += Math.max(0, truth.redeem[at]! - truth.extra[at]!);
  };
  const later: number[] = [];
  for (let i = 0; i < users.length; i++) {
    if (till.helpsFloor(users[i]!, coupons[i]!)) handOut(users[i]!, coupons[i]!);
    else later.push(i);
  }
  for (const i of later) handOut(users[i]!, coupons[i]!);
  result.floorsMissed = till.floorsMissed;
  return result;
}
