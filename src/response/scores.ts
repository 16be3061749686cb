/** A response model's numbers for the users and coupons of a run. */
import { CHANNELS, COUPON_KINDS, type Coupon } from "../campaign/coupon-schema.js";
import { shared } from "../executor/executor.js";
import { forEachYielding } from "../util/yield.js";
import { columnsOf } from "./curves.js";
import { FARTHEST } from "./design.js";
import { type ResponseModel, USER_COLUMNS, type UserTraits } from "./model.js";
import { USER_FEATURES } from "./moments.js";

/** float64 [parts * users] the user's part of each logit, intercept included; of the users' features as they are now. `season`: of now. */
export async function userScores(
  model: ResponseModel,
  features: Float32Array,
  traits: UserTraits,
  season: readonly number[],
): Promise<Float64Array> {
  const numUsers = features.length / USER_FEATURES.length;
  const width = traits.attributes.length;
  const scores = shared.f64(model.parts.length * numUsers);
  const columns = new Float64Array(USER_COLUMNS);
  const parts = model.parts.map(({ userBeta, traitBeta, seasonBeta, intercept }) => ({
    userBeta: Float64Array.from(userBeta),
    traitBeta: Float64Array.from(traitBeta),
    start: seasonBeta.reduce((sum, b, k) => sum + b * season[k]!, intercept),
  }));
  await forEachYielding(numUsers, (user) => {
    columnsOf(model.basis, features, USER_FEATURES.length, user, FARTHEST, columns);
    for (let m = 0; m < parts.length; m++) {
      const { userBeta, traitBeta, start } = parts[m]!;
      let z = start;
      for (let column = 0; column < USER_COLUMNS; column++) z += userBeta[column]! * columns[column]!;
      for (let t = 0; t < width; t++) z += traitBeta[traits.values[user * width + t]!]!;
      scores[m * numUsers + user] = z;
    }
  });
  return scores;
}

/** float64 [parts * coupons] the coupon's part of each logit. */
export function couponScores(model: ResponseModel, coupons: readonly Coupon[]): Float64Array {
  const scores = shared.f64(model.parts.length * coupons.length);
  for (const [m, { kindBeta, channelBeta, couponBeta }] of model.parts.entries()) {
    for (const [j, { kind, channel }] of coupons.entries())
      scores[m * coupons.length + j] =
        kindBeta[COUPON_KINDS.indexOf(kind)]! + channelBeta[CHANNELS.indexOf(channel)]! + couponBeta[j]!;
  }
  return scores;
}
