/** Where a campaign's tables come from, and what their columns are called. */
import { z } from "zod";
import { alsoWhenInvalid, exactlyOneOf } from "../exactly-one-of.js";
import { column, oneOrMore } from "./basics.js";

/** Where rows come from: files (globs, .gz, .zst) or a Postgres query. Relative paths start at the campaign file. */
export const fileSource = {
  files: oneOrMore.optional().describe("paths or globs, relative to the campaign file"),
  format: z.enum(["csv", "jsonl", "parquet"]).optional().describe("default: by the file's ending"),
  delimiter: z.string().length(1).optional().describe("CSV only; default: detected"),
  postgres: z
    .strictObject({
      connectionEnv: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
        .describe("environment variable that holds the connection string"),
      query: z.string().min(1),
    })
    .optional(),
};

export const needsOneSource = exactlyOneOf("files", "postgres");
export const oneSourceMeta = { oneOf: [{ required: ["files"] }, { required: ["postgres"] }] };

const timeFormat = z.strictObject({
  format: z
    .string()
    .min(1)
    .default("iso")
    .describe("iso, epoch-seconds, epoch-millis, or a strptime pattern such as %d/%m/%Y %H:%M"),
  timeZone: z.string().optional().describe("IANA name for times without an offset; default: the campaign's"),
});

/** A rejection rule on a raw column: the row is rejected with this reason when the test holds. */
const rejectRule = z
  .strictObject({
    reason: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,63}$/)
      .describe("name that rejected rows are counted under, e.g. cancelled"),
    column: column.describe("column of the raw file"),
    in: z
      .array(z.union([z.string(), z.number()]))
      .min(1)
      .max(10_000)
      .optional()
      .describe("the row is rejected when the column holds one of these"),
    startsWith: z.string().min(1).optional().describe("... when its text starts with this"),
    isNull: z.literal(true).optional().describe("... when it is empty"),
  })
  .superRefine(exactlyOneOf("in", "startsWith", "isNull"), alsoWhenInvalid)
  .meta({ oneOf: [{ required: ["in"] }, { required: ["startsWith"] }, { required: ["isNull"] }] });

export const eventsSourceSchema = z
  .strictObject({
    ...fileSource,
    columns: z
      .strictObject({
        user: column.default("user_id"),
        item: column.default("item_id"),
        time: column.default("time"),
        behaviour: z
          .union([column, z.strictObject({ constant: z.string().min(1) })])
          .default("behaviour")
          .describe("column, or { constant: purchase } when every row is the same behaviour"),
        id: column.optional().describe("event id, for duplicates"),
        quantity: column.optional(),
        price: column.optional(),
        order: column.optional().describe("order or invoice id, for order values"),
      })
      .prefault({}),
    time: timeFormat.prefault({}),
    price: z
      .strictObject({
        unit: z.enum(["minor", "major"]).default("minor").describe("major: euros with a fraction, minor: cents"),
        per: z.enum(["unit", "line"]).default("unit").describe("price of one piece, or of the whole line"),
      })
      .prefault({}),
    reject: z.array(rejectRule).max(100).default([]),
  })
  .superRefine(needsOneSource, alsoWhenInvalid)
  .meta(oneSourceMeta);

export const usersSourceSchema = z
  .strictObject({
    ...fileSource,
    columns: z
      .strictObject({
        id: column.default("user_id"),
        birthday: column.default("birthday").describe("a date, or MM-DD"),
        consent: column.default("consent").describe("true: may be sent offers"),
        channel: column.default("channel").describe("online, offline or both"),
        store: column.default("store"),
        tier: column.default("tier").describe("membership; null or 'none' is no member"),
      })
      .prefault({}),
  })
  .superRefine(needsOneSource, alsoWhenInvalid)
  .meta(oneSourceMeta);

const contentColumn = oneOrMore.optional();

export const itemsSourceSchema = z
  .strictObject({
    ...fileSource,
    columns: z
      .strictObject({
        id: column.default("item_id"),
        category: column.default("category"),
        price: column.default("price_minor"),
        marginRate: column.default("margin_rate").describe("margin as a share of the price"),
        tags: contentColumn.describe(
          "of content-based scoring: columns of tags, separated by commas, semicolons or bars",
        ),
        text: contentColumn.describe("of content-based scoring: columns of words, such as name and description"),
        attributes: contentColumn.describe("of content-based scoring: columns of numbers, such as price or size"),
      })
      .prefault({}),
    priceUnit: z.enum(["minor", "major"]).default("minor"),
  })
  .superRefine(needsOneSource, alsoWhenInvalid)
  .meta(oneSourceMeta);

export const redemptionsSourceSchema = z
  .strictObject({
    ...fileSource,
    columns: z
      .strictObject({
        user: column.default("user_id"),
        coupon: column.default("coupon_id"),
        offeredAt: column.default("offered_at"),
        redeemed: column.default("redeemed").describe("true or 1, false or 0"),
        treated: column
          .default("treated")
          .describe("whether it was sent; false: chosen but withheld by lot (control). No such column: all were sent"),
        converted: column
          .default("converted")
          .describe("whether the user bought in the coupon's scope in its time, with or without it; needed for uplift"),
      })
      .prefault({}),
    time: timeFormat.prefault({}),
  })
  .superRefine(needsOneSource, alsoWhenInvalid)
  .meta(oneSourceMeta);

export const predictionsSourceSchema = z
  .strictObject({
    ...fileSource,
    columns: z
      .strictObject({
        user: column.default("user_id"),
        coupon: column.default("coupon_id"),
        pRedeem: column.default("p_redeem").describe("chance that the user redeems the coupon, 0 to 1"),
        uplift: column
          .optional()
          .describe("chance of an order that would not be made without the coupon, at most pRedeem"),
        pWithout: column
          .optional()
          .describe("chance that the user buys in the coupon's scope without it; default: from its orders a day"),
      })
      .refine(({ uplift, pWithout }) => uplift === undefined || pWithout === undefined, {
        message: "expected one of uplift and pWithout: each follows from the other",
      })
      .prefault({}),
  })
  .superRefine(needsOneSource, alsoWhenInvalid)
  .meta(oneSourceMeta);

export type EventsSource = z.output<typeof eventsSourceSchema>;
export type UsersSource = z.output<typeof usersSourceSchema>;
export type ItemsSource = z.output<typeof itemsSourceSchema>;
export type RedemptionsSource = z.output<typeof redemptionsSourceSchema>;
export type PredictionsSource = z.output<typeof predictionsSourceSchema>;

/** The columns of an items table that profiles are made from; the category's default may be absent. */
export function contentColumns({ columns }: ItemsSource) {
  const { category, tags = [], text = [], attributes = [] } = columns;
  return { categories: [category], tags: [tags].flat(), text: [text].flat(), attributes: [attributes].flat() };
}
