import { z } from "zod";
import { alsoWhenInvalid, exactlyOneOf, isFields } from "./exactly-one-of.js";

/** Money is a whole number of minor units (cents). */
const moneyMinor = z.number().int().min(0).max(1e13);
const id = z.string().min(1).max(512);

/** Deepest nesting of and / or / not, and most comparisons, of one rule. Deeper is no rule that a person wrote. */
export const MAX_RULE_DEPTH = 32;
export const MAX_RULE_COMPARISONS = 1000;

const ORDER_OPS: readonly unknown[] = ["lt", "le", "gt", "ge"];
const LIST_OPS: readonly unknown[] = ["in", "not-in"];

/** Attribute comparison of an eligibility rule. The attribute is a column of the users table. */
const comparison = z
  .strictObject({
    attribute: z.string().min(1).max(256).describe("column of the users table"),
    op: z.enum(["eq", "ne", "lt", "le", "gt", "ge", "in", "not-in", "exists"]).default("eq"),
    value: z
      .union([
        z.string(),
        z.number(),
        z.boolean(),
        z
          .array(z.union([z.string(), z.number()]))
          .min(1)
          .max(10_000),
      ])
      .optional()
      .describe("a list for in and not-in, nothing for exists"),
  })
  .superRefine((raw: unknown, ctx) => {
    if (!isFields(raw)) return;
    const { op = "eq", value } = raw;
    const isList = Array.isArray(value);
    let expected: string | undefined;
    if (op === "exists") expected = value === undefined ? undefined : "no value";
    else if (LIST_OPS.includes(op)) expected = isList ? undefined : "a list of values";
    else if (value === undefined || isList) expected = "one value";
    else if (ORDER_OPS.includes(op) && typeof value === "boolean") expected = "a number or text";
    if (expected === undefined) return;
    const came = value === undefined ? "nothing" : isList ? "a list" : JSON.stringify(value);
    ctx.addIssue({
      code: "custom",
      path: ["value"],
      message: `op ${String(op)}: expected ${expected} but received ${came}`,
    });
  }, alsoWhenInvalid);

export type Rule = z.infer<typeof comparison> | { and: Rule[] } | { or: Rule[] } | { not: Rule };

/**
 * and / or / not over user attributes. A missing attribute makes a comparison false (also `ne`, `not-in`), so that
 * `not` of it is true. A text that is no number counts as missing when it is compared with a number.
 */
const ruleSchema: z.ZodType<Rule> = z
  .lazy(() =>
    z.union([
      comparison,
      z.strictObject({ and: z.array(ruleSchema).min(1).max(100) }),
      z.strictObject({ or: z.array(ruleSchema).min(1).max(100) }),
      z.strictObject({ not: ruleSchema }),
    ]),
  )
  .meta({ id: "rule", title: "a rule { attribute, op, value }, { and: [...] }, { or: [...] } or { not: ... }" });

export const COUPON_KINDS = [
  "first-order",
  "full-reduction",
  "percent",
  "amount",
  "limited-time",
  "gift-card",
  "birthday",
  "member-only",
] as const;
export type CouponKind = (typeof COUPON_KINDS)[number];

export const CHANNELS = ["online", "offline", "both"] as const;

/**
 * What the shopper gets off an order. Exactly one of amountMinor, percent, tiers.
 * Of several tiers the best one whose threshold the order meets counts (full reduction).
 */
const benefit = {
  amountMinor: moneyMinor.optional().describe("fixed amount off, in minor units"),
  percent: z.number().gt(0).max(100).optional().describe("percent off, at most 4 decimals"),
  tiers: z
    .array(
      z.strictObject({
        thresholdMinor: moneyMinor.describe("order value from which this tier counts"),
        amountMinor: moneyMinor.describe("amount off"),
      }),
    )
    .min(1)
    .max(16)
    .optional()
    .describe("several thresholds, each with an amount off; the best one that the order reaches counts"),
  thresholdMinor: moneyMinor.default(0).describe("smallest order value, counting items in scope, in minor units"),
  maxDiscountMinor: moneyMinor.optional().describe("largest discount, in minor units"),
};

const scopeSchema = z
  .strictObject({
    all: z.boolean().default(false).describe("every item except the exclusions"),
    items: z.array(id).max(1_000_000).default([]).describe("item ids, in addition to categories"),
    categories: z.array(z.string().min(1)).max(100_000).default([]).describe("categories of items, exact text"),
    excludeItems: z
      .array(id)
      .max(1_000_000)
      .default([])
      .describe("items that are never in scope; exclusions win over inclusions"),
    excludeCategories: z
      .array(z.string().min(1))
      .max(100_000)
      .default([])
      .describe("categories that are never in scope"),
  })
  .refine((s) => s.all || s.items.length > 0 || s.categories.length > 0, {
    message: "expected all: true, items or categories: the scope is empty",
  })
  .meta({
    anyOf: [
      { required: ["all"], properties: { all: { const: true } } },
      { required: ["items"], properties: { items: { minItems: 1 } } },
      { required: ["categories"], properties: { categories: { minItems: 1 } } },
    ],
  });

/** JSON Schema of what a kind needs, so that editors say it too. */
function ifKind(kind: CouponKind, then: object): object {
  return { if: { properties: { kind: { const: kind } }, required: ["kind"] }, then };
}

export const couponSchema = z
  .strictObject({
    id: id.describe("unique in the catalogue"),
    kind: z.enum(COUPON_KINDS).describe("kind of the coupon; some kinds need further keys"),
    ...benefit,
    stock: z
      .number()
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .optional()
      .describe("pieces that can be handed out; default: unlimited"),
    budgetMinor: moneyMinor.optional().describe("largest expected discount of this coupon, in minor units"),
    validFrom: z
      .string()
      .optional()
      .describe("first moment of validity (ISO 8601); read in timeZone if it has no offset"),
    validUntil: z.string().optional().describe("end of validity (ISO 8601); this moment itself is too late"),
    timeZone: z.string().optional().describe("IANA time zone of the times above; default: that of the campaign"),
    ttlDays: z
      .number()
      .gt(0)
      .max(3660)
      .optional()
      .describe("days for which a user can redeem the coupon after getting it"),
    channel: z.enum(CHANNELS).default("both").describe("where it can be redeemed"),
    stores: z
      .array(z.string().min(1))
      .max(100_000)
      .default([])
      .describe("only for users of these stores; empty: all stores"),
    scope: scopeSchema.prefault({ all: true }).describe("the items that the coupon is for"),
    eligibility: ruleSchema.optional().describe("rule on attributes of the user: who may get the coupon"),
    limitPerUser: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe("times that a user may redeem it, past redemptions included"),
    exclusiveGroup: z.string().min(1).optional().describe("a user gets at most one coupon of a group"),
  })
  .superRefine(exactlyOneOf("amountMinor", "percent", "tiers"), alsoWhenInvalid)
  .superRefine((c: unknown, ctx) => {
    if (!isFields(c)) return;
    const need = (field: string, message: string): void => {
      ctx.addIssue({ code: "custom", path: [field], message });
    };
    if (c.kind === "full-reduction" && c.tiers === undefined) need("tiers", "kind full-reduction needs tiers");
    if (c.kind === "gift-card" && c.amountMinor === undefined) need("amountMinor", "kind gift-card needs amountMinor");
    if (c.kind === "limited-time" && c.validUntil === undefined && c.ttlDays === undefined) {
      need("validUntil", "kind limited-time needs validUntil or ttlDays");
    }
    // Discounts are computed in whole ten-thousandths of a percent, so that they are exact.
    if (typeof c.percent === "number" && Math.abs(c.percent * 1e4 - Math.round(c.percent * 1e4)) > 1e-6) {
      need("percent", `expected at most 4 decimals but received ${c.percent}`);
    }
  }, alsoWhenInvalid)
  .meta({
    oneOf: [{ required: ["amountMinor"] }, { required: ["percent"] }, { required: ["tiers"] }],
    allOf: [
      ifKind("full-reduction", { required: ["tiers"] }),
      ifKind("gift-card", { required: ["amountMinor"] }),
      ifKind("limited-time", { anyOf: [{ required: ["validUntil"] }, { required: ["ttlDays"] }] }),
    ],
  });

/** A coupon of the catalogue, defaults filled in. */
export type Coupon = z.output<typeof couponSchema>;
/** A coupon as people write it. */
export type CouponInput = z.input<typeof couponSchema>;
