import { z } from "zod";
import { alsoWhenInvalid } from "../exactly-one-of.js";
import { column } from "./basics.js";
import { fileSource, needsOneSource, oneSourceMeta } from "./sources.js";

const evaluationSource = <T extends z.ZodType>(columns: T) =>
  z
    .strictObject({ ...fileSource, columns })
    .superRefine(needsOneSource, alsoWhenInvalid)
    .meta(oneSourceMeta);
const userColumn = column.default("user_id");

/** An earlier campaign, measured in this one's report. Columns without a default are optional. */
export const evaluationSchema = z.strictObject({
  result: z.string().min(1).describe("folder of the earlier run's outputs, relative to the campaign file"),
  orders: evaluationSource(
    z
      .strictObject({
        user: userColumn,
        sales: column.default("sales_minor").describe("of one order, minor units"),
        margin: column.optional().describe("before discounts; default: sales times the earlier run's margin rate"),
      })
      .prefault({}),
  ).describe("orders since the earlier decision"),
  redemptions: evaluationSource(
    z
      .strictObject({
        user: userColumn,
        discount: column.optional().describe("minor units; default: what the earlier run expected"),
      })
      .prefault({}),
  )
    .optional()
    .describe("its coupons that were redeemed: coupon_id, and redeemed where not every row is one"),
  survey: evaluationSource(z.strictObject({ user: userColumn }).prefault({}))
    .optional()
    .describe("answers: score, 0 to 10"),
  confidence: z.number().min(0.5).max(0.9999).default(0.95).describe("of the intervals"),
  replicates: z
    .union([z.literal(0), z.number().int().min(100).max(100_000)])
    .default(1000)
    .describe("of the bootstrap; 0: none"),
});

export type EvaluationOptions = z.output<typeof evaluationSchema>;
