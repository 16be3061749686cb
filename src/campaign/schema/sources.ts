/** Where a campaign's tables come from, and what their columns are called. */
import { z } from "zod";
import { alsoWhenInvalid, exactlyOneOf } from "../exactly-one-of.js";
import { column, oneOrMore } from "./basics.js";

/** Where rows come from: files (globs, .gz, .zst) or a Postgres query. Relative paths start at the campaign file. */
export const fileSource = {
  files: oneOrMore.optional().describe("paths or globs, relative to the campaign file"),
  format: z
    .enum(["csv", "jsonl", "parquet"])
    .optional()
    .describe("format of the files; default: by the ending of their names"),
  delimiter: z.string().length(1).optional().describe("delimiter of CSV; default: detected"),
  postgres: z
    .strictObject({
      connectionEnv: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
        .describe("environment variable that holds the connection string"),
      query: z.string().min(1).describe("the query that gives the rows"),
    })
    .optional()
    .describe("a Postgres query instead of files"),
};

export const needsOneSource = exactlyOneOf("files", "postgres");
export const oneSourceMeta = { oneOf: [{ required: ["files"] }, { required: ["postgres"] }] };

const timeFormat = z.strictObject({
  format: z
    .string()
    .min(1)
    .default("iso")
    .describe("iso, epoch-seconds, epoch-millis, or a strptime pattern such as %d/%m/%Y %H:%M"),
  timeZone: z.string().optional().describe("IANA time zone of times without an offset; default: that of the campaign"),
});

/** A rejection rule on a raw column: the row is rejected with this reason when the test holds. */
const rejectRule = z
  .strictObject({
    reason: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,63}$/)
      .describe("name under which rejected rows are counted, e.g. cancelled"),
    column: column.describe("column of the file"),
    in: z
      .array(z.union([z.string(), z.number()]))
      .min(1)
      .max(10_000)
      .optional()
      .describe("rejects a row whose column holds one of these"),
    startsWith: z.string().min(1).optional().describe("rejects a row whose column starts with this text"),
    isNull: z.literal(true).optional().describe("rejects a row whose column is empty"),
  })
  .superRefine(exactlyOneOf("in", "startsWith", "isNull"), alsoWhenInvalid)
  .meta({ oneOf: [{ required: ["in"] }, { required: ["startsWith"] }, { required: ["isNull"] }] });

export const eventsSourceSchema = z
  .strictObject({
    ...fileSource,
    columns: z
      .strictObject({
        user: column.default("user_id").describe("id of the user"),
        item: column.default("item_id").describe("id of the item"),
        time: column.default("time").describe("when it happened"),
        behaviour: z
          .union([column, z.strictObject({ constant: z.string().min(1) })])
          .default("behaviour")
          .describe("what the user did; { constant: purchase } if every row is the same behaviour"),
        id: column
          .optional()
          .describe("id of the event, to find duplicates; default: same user, item, behaviour and time"),
        quantity: column.optional().describe("pieces of a purchase"),
        price: column.optional().describe("price of a purchase"),
        order: column.optional().describe("id of the order or invoice"),
      })
      .prefault({}),
    time: timeFormat.prefault({}),
    price: z
      .strictObject({
        unit: z.enum(["minor", "major"]).default("minor").describe("minor: cents; major: euros with a fraction"),
        per: z.enum(["unit", "line"]).default("unit").describe("price of one piece, or of the whole line"),
      })
      .prefault({}),
    reject: z
      .array(rejectRule)
      .max(100)
      .default([])
      .describe("rules that reject rows; the first one that holds names the reason"),
  })
  .superRefine(needsOneSource, alsoWhenInvalid)
  .meta(oneSourceMeta);

export const usersSourceSchema = z
  .strictObject({
    ...fileSource,
    columns: z
      .strictObject({
        id: column.default("user_id").describe("id of the user"),
        birthday: column.default("birthday").describe("birthday: a date, or MM-DD"),
        consent: column.default("consent").describe("whether the user agreed to get offers"),
        channel: column.default("channel").describe("where the user shops: online, offline or both"),
        store: column.default("store").describe("store of the user"),
        tier: column.default("tier").describe("membership; empty or none: not a member"),
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
        id: column.default("item_id").describe("id of the item"),
        category: column.default("category").describe("category of the item"),
        price: column.default("price_minor").describe("price of the item"),
        marginRate: column.default("margin_rate").describe("margin as a share of the price"),
        tags: contentColumn.describe("content: columns of tags, separated by commas, semicolons or bars"),
        text: contentColumn.describe("content: columns of words, such as name and description"),
        attributes: contentColumn.describe("content: columns of numbers, such as price or size"),
      })
      .prefault({}),
    priceUnit: z.enum(["minor", "major"]).default("minor").describe("minor: cents; major: euros with a fraction"),
  })
  .superRefine(needsOneSource, alsoWhenInvalid)
  .meta(oneSourceMeta);

export const redemptionsSourceSchema = z
  .strictObject({
    ...fileSource,
    columns: z
      .strictObject({
        user: column.default("user_id").describe("id of the user"),
        coupon: column.default("coupon_id").describe("id of the coupon"),
        offeredAt: column.default("offered_at").describe("when the user was chosen for the coupon"),
        redeemed: column.default("redeemed").describe("whether the coupon was used: true or 1, false or 0"),
        treated: column
          .default("treated")
          .describe(
            "whether the coupon was sent; false: withheld by lot (control group); without the column all were sent",
          ),
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
        user: column.default("user_id").describe("id of the user"),
        coupon: column.default("coupon_id").describe("id of the coupon"),
        pRedeem: column.default("p_redeem").describe("chance that the user redeems the coupon, 0 to 1"),
        uplift: column
          .optional()
          .describe("chance of an order that would not exist without the coupon, at most pRedeem"),
        pWithout: column
          .optional()
          .describe(
            "chance that the user buys in the coupon's scope without it; default: from the user's orders a day",
          ),
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
