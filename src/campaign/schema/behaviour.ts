/** What users do next, and what they buy together. */
import { z } from "zod";
import { share } from "./basics.js";

export const transitionsSchema = z
  .strictObject({
    smoothing: z.number().min(0).max(1e12).default(1).describe("added to each count of one behaviour after another"),
    horizonDays: z.number().gt(0).max(3650).default(14).describe("how far ahead a user's next behaviour is expected"),
    response: z
      .boolean()
      .default(false)
      .describe(
        "without a control group: takes those whose next behaviour is a purchase to buy anyway, so that a coupon is worth less to them; the response model sees their chances in any case",
      ),
  })
  .prefault({});

export const rulesSchema = z
  .strictObject({
    by: z.enum(["order", "user-day", "user"]).default("order").describe("what makes a basket"),
    behaviours: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe("that count in baskets; default: purchaseBehaviour; by order no other is possible"),
    minSupport: z.number().gt(0).max(1).default(0.002).describe("share of the baskets that hold a set"),
    minConfidence: share.default(0.2).describe("share of the baskets with the antecedent that hold the consequent"),
    minLift: z.number().min(0).default(1.1),
    maxLength: z.number().int().min(2).max(31).default(3).describe("most items in a set"),
    candidatesPerUser: z
      .number()
      .int()
      .min(0)
      .max(1000)
      .default(5)
      .describe(
        "coupons for what goes with the user's latest basket that are considered even if they are not among the best caps.candidatesPerUser",
      ),
    maxBasketItems: z.number().int().min(1).max(1_000_000).default(1000),
    longBaskets: z.enum(["refuse", "leave-out"]).default("refuse").describe("of more than maxBasketItems"),
    maxItemsets: z.number().int().min(1).max(100_000_000).default(1_000_000).describe("more are refused"),
    maxRules: z.number().int().min(1).max(10_000_000).default(100_000).describe("more are refused"),
  })
  .optional()
  .describe("what is bought together; a coupon for what goes with a user's latest basket has the source rule");
