/** What users do next, and what they buy together. */
import { z } from "zod";
import { share } from "./basics.js";

export const transitionsSchema = z
  .strictObject({
    smoothing: z.number().min(0).max(1e12).default(1).describe("number added to each count of transitions"),
    horizonDays: z.number().gt(0).max(3650).default(14).describe("days within which the next behaviour is predicted"),
    response: z
      .boolean()
      .default(false)
      .describe(
        "for logs without a control group: users who are likely to buy next count as buying anyway, so a coupon is worth less to them",
      ),
  })
  .prefault({});

export const rulesSchema = z
  .strictObject({
    by: z
      .enum(["order", "user-day", "user"])
      .default("order")
      .describe("what makes a basket: an order, a user's day, or all of a user's events"),
    behaviours: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe("behaviours that count in baskets; default: purchaseBehaviour, the only one possible by order"),
    minSupport: z.number().gt(0).max(1).default(0.002).describe("smallest share of the baskets that hold a set"),
    minConfidence: share
      .default(0.2)
      .describe("smallest share of the baskets with the antecedent that also hold the consequent"),
    minLift: z.number().min(0).default(1.1).describe("smallest lift; 1 is chance"),
    maxLength: z.number().int().min(2).max(31).default(3).describe("largest number of items in a set"),
    candidatesPerUser: z
      .number()
      .int()
      .min(0)
      .max(1000)
      .default(5)
      .describe(
        "coupons that a rule suggests for a user's latest basket, considered beside the best caps.candidatesPerUser",
      ),
    maxBasketItems: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(1000)
      .describe("largest number of items in a basket"),
    longBaskets: z
      .enum(["refuse", "leave-out"])
      .default("refuse")
      .describe("what happens to larger baskets: refuse ends the run, leave-out ignores them"),
    maxItemsets: z
      .number()
      .int()
      .min(1)
      .max(100_000_000)
      .default(1_000_000)
      .describe("largest number of sets; more end the run"),
    maxRules: z
      .number()
      .int()
      .min(1)
      .max(10_000_000)
      .default(100_000)
      .describe("largest number of rules; more end the run"),
  })
  .optional()
  .describe("finds what is bought together; rules then suggest coupons");
