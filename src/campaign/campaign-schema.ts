import { z } from "zod";
import { couponSchema } from "./coupon-schema.js";
import { budgetSchema, capsSchema, explorationSchema, fairnessSchema, holdoutSchema } from "./schema/allocation.js";
import { moneyMinor, oneOrMore, share } from "./schema/basics.js";
import { rulesSchema, transitionsSchema } from "./schema/behaviour.js";
import { evaluationSchema } from "./schema/evaluation.js";
import { ingestSchema } from "./schema/ingest.js";
import { responseSchema } from "./schema/response.js";
import { scoringSchema } from "./schema/scoring.js";
import { segmentsSchema } from "./schema/segments.js";
import {
  eventsSourceSchema,
  itemsSourceSchema,
  predictionsSourceSchema,
  redemptionsSourceSchema,
  usersSourceSchema,
} from "./schema/sources.js";

export const campaignSchema = z.strictObject({
  $schema: z.string().optional().describe("address of the JSON Schema for editors; couponcast does not read it"),
  name: z.string().min(1).max(200).describe("name of the campaign, shown in the report"),
  asOf: z
    .string()
    .optional()
    .describe(
      "moment of the decision (ISO 8601); read in timeZone if it has no offset; default: time of the latest event",
    ),
  timeZone: z
    .string()
    .default("UTC")
    .describe("IANA time zone of every time that has no offset and no zone of its own"),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .default("EUR")
    .describe("ISO 4217 code, used in the report only"),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(1)
    .describe("seed of every random choice"),
  inputs: z.strictObject({
    events: z.union([eventsSourceSchema, z.array(eventsSourceSchema).min(1)]),
    users: usersSourceSchema.optional(),
    items: itemsSourceSchema.optional(),
    coupons: z.union([
      z.strictObject({ files: oneOrMore.describe("JSON, JSONL, YAML or CSV catalogues, also .gz") }),
      z.array(couponSchema).min(1).max(100_000),
    ]),
    redemptions: redemptionsSourceSchema.optional(),
    predictions: predictionsSourceSchema
      .optional()
      .describe(
        "predictions of another model, used instead of a fit; a pair of user and coupon without a row is no candidate",
      ),
  }),
  behaviours: z
    .record(z.string().min(1), z.number().min(0).max(1e6))
    .refine((b) => Object.keys(b).length > 0 && Object.keys(b).length <= 64, { message: "expected 1 to 64 behaviours" })
    .default({ browse: 1, search: 2, purchase: 5 })
    .describe("weight of each behaviour; a row with another behaviour is rejected as unknown_behaviour"),
  purchaseBehaviour: z.string().min(1).default("purchase").describe("the behaviour that is an order"),
  ingest: ingestSchema.prefault({}),
  scoring: scoringSchema.prefault({}),
  segments: segmentsSchema,
  transitions: transitionsSchema,
  rules: rulesSchema,
  response: responseSchema,
  economics: z
    .strictObject({
      marginRate: share
        .default(0.3)
        .describe("margin as a share of the price, for items without a margin of their own"),
      orderValueMinor: moneyMinor
        .optional()
        .describe("usual order value of users without purchases; default: the mean of all orders"),
    })
    .prefault({}),
  budget: budgetSchema,
  fairness: fairnessSchema,
  caps: capsSchema,
  holdout: holdoutSchema,
  exploration: explorationSchema,
  evaluation: evaluationSchema.optional().describe("an earlier campaign whose effect this report shows"),
  output: z
    .strictObject({
      exampleUsers: z.number().int().min(0).max(1000).default(12).describe("users that the report shows in detail"),
      frontierPoints: z
        .number()
        .int()
        .min(2)
        .max(50)
        .default(8)
        .describe("other budgets that the report compares with"),
    })
    .prefault({}),
});

/** A campaign with its defaults filled in. */
export type Campaign = z.output<typeof campaignSchema>;
/** A campaign as people write it. */
export type CampaignInput = z.input<typeof campaignSchema>;
