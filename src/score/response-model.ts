/** What a response model is made of. */
import { USER_FEATURES } from "./moments.js";
import type { OrderValueModel } from "./order-value.js";

/** A column of the users' table, and those of its values that have an effect of their own. */
export interface UserAttribute {
  column: string;
  values: string[];
}

/** What else is known of a user, as yes or no: one value of each attribute. */
export interface UserTraits {
  attributes: UserAttribute[];
  /** int32 [users * attributes] position in `traitLabels` */
  values: Int32Array;
}

/** What the users table's other columns are called. */
export const ATTRIBUTE = /^attr_/;

/** Of each attribute "none or other" and its values, in words. */
export function traitLabels(attributes: readonly UserAttribute[]): string[] {
  return attributes.flatMap(({ column, values }) => {
    const name = column.replace(ATTRIBUTE, "");
    return [`${name}: none or other`, ...values.map((value) => `${name}: ${value}`)];
  });
}

/** Names of the pair features, in the order of native/include/couponcast/response.h. */
export const PAIR_FEATURES = [
  "taste for the coupon's items",
  "share of the user's taste that falls on them",
  "that share relative to everybody's",
  "depth of the discount",
  "how far the threshold lies above the usual order",
  "that share, what more of it adds shrinking",
  "orders expected in scope within the coupon's time",
] as const;

/** Short names of the pair features, for files. */
export const PAIR_FEATURE_NAMES = [
  "affinity",
  "affinity_share",
  "relative_share",
  "discount_depth",
  "order_stretch",
  "share_saturation",
  "expected_orders",
] as const;

/** A user feature x as max(0, x - knot) for each of its knots, the first of which lies below all: a curve of straight pieces. */
export interface UserBasis {
  /** [USER_FEATURES * KNOTS] */
  knots: number[];
  mean: number[];
  deviation: number[];
}

/** Minimum, quartiles. */
export const KNOTS = 4;

export const USER_COLUMNS = USER_FEATURES.length * KNOTS;

/** A logit of user and coupon. */
export interface ResponsePart {
  /** [PAIR_FEATURES] on the raw features; standardisation is folded in. */
  pairBeta: number[];
  intercept: number;
  /** One coefficient a standardised column of the basis, a trait's value, a coupon kind and a coupon. */
  userBeta: number[];
  traitBeta: number[];
  kindBeta: number[];
  couponBeta: number[];
}

/** Chances that do not come from this package's own model. */
export interface GivenChances {
  /** Such as a table of predictions. */
  from: string;
  /** Of a table; null of a model file. */
  pairs: { count: number; meanPRedeem: number } | null;
  /** Rows of users or coupons that the campaign does not know; of a model file, names that it does not have. */
  numUnknown: number;
  /** Whether they say who would buy without the coupon. */
  hasUplift: boolean;
}

/**
 * What a coupon does: the prior where the history is too thin; else P(redeem), one part, or, learned from a log with a
 * control group, three parts: who buys anyway, who of them uses the coupon, whom it persuades.
 */
export interface ResponseModel {
  kind: "prior" | "model" | "given";
  numOffers: number;
  /** Chosen for an offer, but withheld by lot. */
  numControls: number;
  numRedemptions: number;
  parts: ResponsePart[];
  basis: UserBasis;
  /** What `traitBeta` is of. */
  attributes: UserAttribute[];
  orderValue: OrderValueModel;
  quality: ResponseQuality | null;
  /** Of the kind "given". */
  given?: GivenChances;
  /** In words, for the report: of P(redeem), or of whom the coupon persuades. */
  coefficients: { label: string; coefficient: number; per: "standard-deviation" | "yes" }[];
}

export interface ResponseQuality {
  numTrainOffers: number;
  numHeldOutOffers: number;
  baseRate: number;
  trainLogLoss: number;
  heldOutLogLoss: number;
  baseRateLogLoss: number;
  calibration: { meanPredicted: number; observedRate: number; numOffers: number }[];
  /** Of the held-out log, by predicted extra orders an offer: what the control group says. Null without one. */
  uplift: { meanPredicted: number; observed: number; standardError: number; numOffers: number }[] | null;
}

export interface ResponseOptions {
  l2: number;
  heldOutShare: number;
  minRedemptions: number;
  prior: number;
  maxTrainingOffers: number;
  seed: number;
  /** What the model must do without, to see what it is good for; "all": everybody redeems alike. */
  without: "nothing" | "affinity" | "uplift" | "all";
}
