/** What a response model is made of. */
import type { Curves } from "./curves.js";
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
  "share of the user's taste that falls on the coupon's items",
  "that share relative to everybody's",
  "depth of the discount",
  "how far the threshold lies above the usual order",
  "orders expected in scope within the coupon's time",
  "share of the user's channels that the coupon counts in",
] as const;

/** Short names of the pair features, for files. */
export const PAIR_FEATURE_NAMES = [
  "affinity_share",
  "relative_share",
  "discount_depth",
  "order_stretch",
  "expected_orders",
  "channel_share",
] as const;

/** Of a user feature: at the minimum and the quartiles of the training rows. */
export const KNOTS = 4;
export const USER_COLUMNS = USER_FEATURES.length * KNOTS;
/** Of a pair feature: at the minimum and the fifths. kPairKnots of response.h. */
export const PAIR_KNOTS = 5;
export const PAIR_COLUMNS = PAIR_FEATURES.length * PAIR_KNOTS;

/** A logit of user and coupon. */
export interface ResponsePart {
  /** [PAIR_COLUMNS] on max(0, feature - knot); standardisation is folded in. */
  pairBeta: number[];
  intercept: number;
  /** One coefficient a standardised column of the basis, a season, a trait's value, a coupon's kind, channel and a coupon. */
  userBeta: number[];
  seasonBeta: number[];
  traitBeta: number[];
  kindBeta: number[];
  channelBeta: number[];
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
  /** [PAIR_COLUMNS] */
  pairKnots: number[];
  /** Of the users' features. */
  basis: Curves;
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
  /** What was tried to make the chances come true; null: nothing. */
  platt: {
    /** Offers that it was fitted to: neither trained on nor judged by. */
    numOffers: number;
    /** Of each logit z of the model: slope z + shift. */
    slopes: number[];
    shifts: number[];
    /** Whether the model has it. */
    isApplied: boolean;
    /** Of the held-out offers, without it and with it. */
    logLossBefore: number;
    logLossAfter: number;
    /** Without it. */
    calibrationBefore: ResponseQuality["calibration"];
  } | null;
  /** Of the held-out log, by predicted extra orders an offer: what the control group says. Null without one. */
  uplift: { meanPredicted: number; observed: number; standardError: number; numOffers: number }[] | null;
}

export interface ResponseOptions {
  l2: number;
  heldOutShare: number;
  minRedemptions: number;
  prior: number;
  maxTrainingOffers: number;
  /** auto: where it lowers the log loss of the held-out offers clearly. */
  calibration: "none" | "platt" | "auto";
  seed: number;
  /** What the model must do without, to see what it is good for; "all": everybody redeems alike. */
  without: "nothing" | "affinity" | "next behaviour" | "uplift" | "all";
}
