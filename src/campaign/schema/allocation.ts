/** Under which limits coupons are handed out. */
import { z } from "zod";
import { alsoWhenInvalid, exactlyOneOf } from "../exactly-one-of.js";
import { column, moneyMinor, share } from "./basics.js";

const couponIds = z.array(z.string().min(1)).min(1).max(100_000).describe("ids of coupons");
/** What a budget or a floor is about. */
const allocationScope = {
  name: z.string().min(1).max(200).describe("shown in messages and in the report"),
  coupons: couponIds.optional().describe("ids of coupons; default: all"),
  segments: z
    .array(z.number().int().min(0).max(999))
    .min(1)
    .optional()
    .describe("numbers of segments, from 0; default: all users"),
};

export const budgetSchema = z.strictObject({
  totalMinor: moneyMinor.describe("most expected discount of the whole run"),
  perCouponMinor: z
    .record(z.string(), moneyMinor)
    .default({})
    .describe("coupon id: most expected discount of this coupon"),
  scopes: z
    .array(
      z.strictObject({
        ...allocationScope,
        limitMinor: moneyMinor.describe("most discount of these"),
        cost: z
          .enum(["expected", "face"])
          .optional()
          .describe("expected discount (default), or face: what is due when everybody redeems"),
      }),
    )
    .max(1000)
    .default([])
    .describe("further budgets: of a campaign's or channel's coupons, of segments"),
});

export const fairnessSchema = z
  .array(
    z
      .strictObject({
        ...allocationScope,
        leastPieces: z.number().int().min(0).optional().describe("fewest coupons that these get"),
        leastShare: share.optional().describe("least share of budget.totalMinor that these get"),
      })
      .superRefine(exactlyOneOf("leastPieces", "leastShare"), alsoWhenInvalid)
      .meta({ oneOf: [{ required: ["leastPieces"] }, { required: ["leastShare"] }] }),
  )
  .max(1000)
  .default([])
  .describe("floors: what segments or coupons get at least");

export const capsSchema = z
  .strictObject({
    perUser: z.number().int().min(1).max(100).default(1).describe("most coupons a user gets"),
    groups: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(200),
          coupons: couponIds,
          perUser: z.number().int().min(0).max(100).describe("most of these coupons that a user gets"),
        }),
      )
      .max(1000)
      .default([])
      .describe("caps of groups of coupons: any two are nested or apart"),
    identity: z
      .array(column)
      .min(1)
      .max(16)
      .optional()
      .describe(
        "columns of the users: accounts that share a value of one, directly or through others, count as one user",
      ),
    candidatesPerUser: z.number().int().min(1).max(1000).default(20).describe("best coupons a user is weighed for"),
  })
  .prefault({});

export const holdoutSchema = z
  .strictObject({
    share: z
      .number()
      .min(0)
      .lt(1)
      .default(0.05)
      .describe("of the users, who get nothing so that uplift can be measured"),
    key: z.string().default("couponcast").describe("of the keyed hash; another key holds out other users"),
  })
  .prefault({});

export const explorationSchema = z
  .strictObject({
    epsilon: share.default(0).describe("of the users, who draw by lot, as evenly as the limits allow"),
    temperatureMinor: z
      .number()
      .min(0)
      .max(1e8)
      .default(0)
      .describe("draws among what is worth nearly the same: e times rarer for each so many minor units less"),
    reserve: z.number().min(0).lt(1).default(0).describe("share of every limit that is set aside, as draws scatter"),
  })
  .refine(({ epsilon, temperatureMinor }) => epsilon > 0 || temperatureMinor > 0, {
    message: "expected epsilon or temperatureMinor above 0: without them nothing is drawn by lot",
  })
  .optional()
  .describe("coupons drawn by lot around the best plan, with propensities; limits then hold in expectation");
