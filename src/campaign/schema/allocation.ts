/** Under which limits coupons are handed out. */
import { z } from "zod";
import { alsoWhenInvalid, exactlyOneOf } from "../exactly-one-of.js";
import { column, moneyMinor, share } from "./basics.js";

const couponIds = z.array(z.string().min(1)).min(1).max(100_000).describe("ids of coupons");
/** What a budget or a floor is about. */
const allocationScope = {
  name: z.string().min(1).max(200).describe("name, shown in messages and in the report"),
  coupons: couponIds.optional().describe("ids of the coupons; default: all"),
  segments: z
    .array(z.number().int().min(0).max(999))
    .min(1)
    .optional()
    .describe("numbers of the segments, from 0; default: all users"),
};

export const budgetSchema = z.strictObject({
  totalMinor: moneyMinor.describe("largest expected discount of the whole run, in minor units"),
  perCouponMinor: z
    .record(z.string(), moneyMinor)
    .default({})
    .describe("by coupon id: largest expected discount of this coupon, in minor units"),
  scopes: z
    .array(
      z.strictObject({
        ...allocationScope,
        limitMinor: moneyMinor.describe("largest discount of these coupons and users, in minor units"),
        cost: z
          .enum(["expected", "face"])
          .optional()
          .describe(
            "expected: the expected discount counts; face: the discount if everybody redeems; default: expected",
          ),
      }),
    )
    .max(1000)
    .default([])
    .describe("further budgets, each for some coupons or some segments"),
});

export const fairnessSchema = z
  .array(
    z
      .strictObject({
        ...allocationScope,
        leastPieces: z.number().int().min(0).optional().describe("smallest number of coupons that these get"),
        leastShare: share.optional().describe("smallest share of budget.totalMinor that these get"),
      })
      .superRefine(exactlyOneOf("leastPieces", "leastShare"), alsoWhenInvalid)
      .meta({ oneOf: [{ required: ["leastPieces"] }, { required: ["leastShare"] }] }),
  )
  .max(1000)
  .default([])
  .describe("floors: what some segments or coupons get at least");

export const capsSchema = z
  .strictObject({
    perUser: z.number().int().min(1).max(100).default(1).describe("largest number of coupons a user gets"),
    groups: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(200).describe("name, shown in messages and in the report"),
          coupons: couponIds,
          perUser: z.number().int().min(0).max(100).describe("largest number of these coupons that a user gets"),
        }),
      )
      .max(1000)
      .default([])
      .describe("caps of groups of coupons; of two groups one lies within the other, or they share no coupon"),
    identity: z
      .array(column)
      .min(1)
      .max(16)
      .optional()
      .describe(
        "columns of the users table; accounts that share a value, directly or through other accounts, count as one user",
      ),
    candidatesPerUser: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(20)
      .describe("coupons of a user that the allocation considers: the best ones"),
  })
  .prefault({});

export const holdoutSchema = z
  .strictObject({
    share: z
      .number()
      .min(0)
      .lt(1)
      .default(0.05)
      .describe("share of the users who get nothing, so that the effect can be measured"),
    key: z
      .string()
      .default("couponcast")
      .describe("key of the hash that draws the holdout; another key holds out other users"),
  })
  .prefault({});

export const explorationSchema = z
  .strictObject({
    epsilon: share.default(0).describe("share of the users whose coupons are drawn as evenly as the limits allow"),
    temperatureMinor: z
      .number()
      .min(0)
      .max(1e8)
      .default(0)
      .describe("temperature of the draw, in minor units: a set that is worth so much less is e times rarer"),
    reserve: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe("share of every limit that is set aside, because draws scatter around what is expected"),
  })
  .refine(({ epsilon, temperatureMinor }) => epsilon > 0 || temperatureMinor > 0, {
    message: "expected epsilon or temperatureMinor above 0: without them nothing is drawn by lot",
  })
  .optional()
  .describe("draws coupons by lot around the best plan and records the probabilities; limits then hold in expectation");
