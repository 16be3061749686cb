/**
 * Why a user does not get a coupon, or no coupon at all: the stable code of files and reports for each number that
 * SQL and kernels use. Smaller numbers are decided earlier; where several apply, the first decides. Numbers are never
 * reused.
 */
export const REASONS = {
  0: "eligible",

  // of the user
  1: "holdout",
  2: "no_consent",

  // of a user and a coupon, in the order of the checks
  10: "not_active",
  11: "not_first_order",
  12: "not_birthday",
  13: "not_member",
  14: "wrong_channel",
  15: "wrong_store",
  16: "rule",
  17: "limit_reached",

  // of the user, from scoring and allocation
  30: "no_eligible_coupon",
  31: "no_candidate_value",
  32: "budget",
  33: "coupon_budget",
  34: "stock",
  35: "exclusive_group",
  36: "cap",
  37: "outbid",
  38: "lot",
} as const;

export type ReasonCode = keyof typeof REASONS;
export type Reason = (typeof REASONS)[ReasonCode];

const CODE_BY_REASON = new Map<Reason, ReasonCode>(
  Object.entries(REASONS).map(([code, reason]) => [reason, Number(code) as ReasonCode]),
);

/** The number of a reason. */
export function reasonCode(reason: Reason): ReasonCode {
  return CODE_BY_REASON.get(reason)!;
}
