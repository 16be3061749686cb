import { z } from "zod";
import { alsoWhenInvalid } from "../exactly-one-of.js";
import { column } from "./basics.js";
import { fileSource, needsOneSource, oneSourceMeta } from "./sources.js";

const evaluationSource = <T extends z.ZodType>(columns: T) =>
  z
    .strictObject({ ...fileSource, columns })
    .superRefine(needsOneSource, alsoWhenInvalid)
    .meta(oneSourceMeta);
const userColumn = column.default("user_id").describe("id of the user");

/** An earlier campaign, measured in this one's report. Columns without a default are optional. */
export const evaluationSchema = z.strictObject({
  result: z.string().min(1).describe("folder of the earlier run's outputs, relative to the campaign file"),
  orders: evaluationSource(
    z
      .strictObject({
        user: userColumn,
        sales: column.default("sales_minor").describe("sales of one order, in minor units"),
        margin: column
          .optional()
          .describe(
            "margin of one order before discounts, in minor units; default: sales times the earlier run's margin rate",
          ),
      })
      .prefault({}),
  ).describe("orders since the earlier decision"),
  redemptions: evaluationSource(
    z
      .strictObject({
        user: userColumn,
        discount: column
          .optional()
          .describe("discount of one redemption, in minor units; default: what the earlier run expected"),
      })
      .prefault({}),
  )
    .optional()
    .describe(
      "coupons of the earlier run that were redeemed: coupon_id, and redeemed if not every row is a redemption",
    ),
  survey: evaluationSource(z.strictObject({ user: userColumn }).prefault({}))
    .optional()
    .describe("answers of users: a column score, 0 to 10"),
  confidence: z.number().min(0.5).max(0.9999).default(0.95).describe("confidence of the intervals"),
  replicates: z
    .union([z.literal(0), z.number().int().min(100).max(100_000)])
    .default(1000)
    .describe("replicates of the bootstrap; 0: no bootstrap"),
});

export type EvaluationOptions = z.output<typeof evaluationSchema>;
