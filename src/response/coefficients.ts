/** A response model in words, for the report. */
import { CHANNELS, COUPON_KINDS } from "../campaign/coupon-schema.js";
import { type Curves, NO_KNOT } from "./curves.js";
import type { DesignLayout } from "./design.js";
import { KNOTS, PAIR_FEATURES, PAIR_KNOTS, type ResponseModel, type ResponsePart } from "./model.js";
import { USER_FEATURES } from "./moments.js";
import { SEASONS } from "./season.js";

const QUARTERS = ["", ", above the lower quarter", ", above the middle", ", in the upper quarter"];
const FIFTHS = ["", ", above the lowest fifth", ", above two fifths", ", above three fifths", ", in the upper fifth"];

type Coefficient = ResponseModel["coefficients"][number];

/**
 * Of one part.
 *
 * @param beta with the design's columns
 * @param labels of the traits
 */
export function coefficientsOf(
  beta: Float64Array,
  { traitBeta }: Pick<ResponsePart, "traitBeta">,
  layout: DesignLayout,
  labels: readonly string[],
  pairs: Curves,
  basis: Curves,
): Coefficient[] {
  const curve = (features: readonly string[], where: readonly string[], knots: readonly number[], at: number) =>
    features.flatMap((name, d) =>
      where.flatMap((piece, k): Coefficient[] => {
        const column = d * where.length + k;
        if (knots[column] === NO_KNOT) return [];
        return [{ label: `${name}${piece}`, coefficient: beta[at + column]!, per: "standard-deviation" }];
      }),
    );
  const yes = (list: readonly string[], at: number, of: ArrayLike<number> = beta) =>
    list.map((label, k): Coefficient => ({ label, coefficient: of[at + k]!, per: "yes" }));
  const users = USER_FEATURES.map((name) => `user: ${name}`);
  return [
    ...curve(PAIR_FEATURES, FIFTHS.slice(0, PAIR_KNOTS), pairs.knots, 0),
    ...curve(users, QUARTERS.slice(0, KNOTS), basis.knots, layout.userAt),
    ...yes(
      SEASONS.map((name) => `season: ${name}`),
      layout.seasonAt,
    ),
    ...yes(
      labels.map((label) => `user: ${label}`),
      0,
      traitBeta,
    ),
    ...yes(
      COUPON_KINDS.map((kind) => `coupon kind: ${kind}`),
      layout.kindAt,
    ),
    ...yes(
      CHANNELS.map((channel) => `coupon channel: ${channel}`),
      layout.channelAt,
    ),
  ];
}
