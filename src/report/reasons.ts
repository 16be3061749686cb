import { codeInWords, truncateMiddle } from "./text.js";

/**
 * Why a user got nothing, in one sentence each. Codes are compared without regard to case, `-` and `_`; a code that
 * is not listed is shown in its own words.
 */
const WITHHELD: Record<string, string> = {
  holdout: "Left without a coupon on purpose, by lot, so that the effect of the campaign can be measured later.",
  no_consent: "Has not agreed to be sent offers.",

  not_active: "The coupon is not valid at this time.",
  not_first_order: "The coupon is for a first order, and this shopper has ordered before.",
  not_birthday: "The coupon is for birthdays, and this shopper's is not near (or not known).",
  not_member: "The coupon is for members, and this shopper is none.",
  wrong_channel: "The coupon is for another channel than this shopper uses.",
  wrong_store: "The coupon is for other stores than this shopper's.",
  rule: "The coupon's own rule leaves this shopper out.",
  limit_reached: "Has used the fitting coupons as often as one shopper may.",

  no_eligible_coupon:
    "No coupon of the catalogue is meant for this shopper (date, tier, channel, store, rule or past use).",
  no_candidate_value:
    "No coupon is expected to bring extra margin with this shopper, who would buy anyway or not at all.",
  budget: "A coupon would bring extra margin, but the budget earns more with other shoppers.",
  coupon_budget: "The fitting coupon's own budget earns more with other shoppers.",
  stock: "The fitting coupon runs out, and its pieces earn more with other shoppers.",
  exclusive_group: "Coupons exclude each other, and none of the group was left for this shopper.",
  cap: "The limit of coupons for one shopper is reached.",
  lot: "Would have got a coupon, but drew none by lot, so that other plans can be evaluated later.",
  outbid: "A coupon would bring extra margin, but budget and stock earn more with other shoppers.",
};

/** Why a row of the input was not used. */
const REJECTED: Record<string, string> = {
  malformed_row: "row not readable",
  missing_user: "no user id",
  missing_item: "no item id",
  missing_id: "no id",
  missing_time: "no time",
  id_too_long: "id too long",
  unparsable_time: "time not readable",
  unknown_behaviour: "unknown behaviour",
  bad_quantity: "quantity not readable",
  bad_price: "price not readable or too large",
  negative_price: "negative price",
  non_positive_quantity: "quantity zero or negative",
  duplicate: "duplicate",
  other_part: "belongs to the other part of a split",
  future: "after the moment of the decision",
  out_of_window: "too old (outside the window)",
};

const normalised = (code: string) => code.toLowerCase().replaceAll("-", "_");

function lookUp(table: Record<string, string>, code: string): string | undefined {
  const key = normalised(code);
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

export function withheldSentence(code: string, own?: string): string {
  return (
    (own && truncateMiddle(own, 300)) ??
    lookUp(WITHHELD, code) ??
    `Withheld for the reason “${truncateMiddle(codeInWords(code), 60)}”.`
  );
}

export function rejectionInWords(reason: string): string {
  return lookUp(REJECTED, reason) ?? truncateMiddle(codeInWords(reason), 60);
}
