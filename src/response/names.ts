/** Names of a response model's coefficients. */
import { CHANNELS, COUPON_KINDS } from "../campaign/coupon-schema.js";
import { KNOTS, PAIR_FEATURE_NAMES, PAIR_KNOTS, type UserAttribute } from "./model.js";
import { USER_FEATURES } from "./moments.js";
import { SEASONS } from "./season.js";

/** Of each attribute that with no value or another, then one a value. */
export function traitNames(attributes: readonly UserAttribute[]): string[] {
  return attributes.flatMap(({ column, values }) => [column, ...values.map((value) => `${column}=${value}`)]);
}

function piecesOf(features: readonly string[], knots: number): string[] {
  return features.flatMap((name) => Array.from({ length: knots }, (_, k) => `${name}/${k}`));
}

/** Of one part, in the order in which its coefficients are kept. */
export function namesOf(attributes: readonly UserAttribute[], coupons: readonly string[]) {
  const names = {
    pair: piecesOf(PAIR_FEATURE_NAMES, PAIR_KNOTS),
    user: piecesOf(USER_FEATURES, KNOTS),
    season: [...SEASONS],
    trait: traitNames(attributes),
    kind: [...COUPON_KINDS],
    channel: [...CHANNELS],
    coupon: coupons,
  };
  return Object.entries(names).flatMap(([group, list]) => list.map((name) => `${group}:${name}`));
}
