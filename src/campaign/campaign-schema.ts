import { z } from "zod";
import { couponSchema } from "./coupon-schema.js";
import { alsoWhenInvalid, exactlyOneOf } from "./exactly-one-of.js";
import { SCORING_METHODS } from "./method-names.js";

/** Money is a whole number of minor units (cents). */
const moneyMinor = z.number().int().min(0).max(1e13);
const column = z.string().min(1).max(256);
const share = z.number().min(0).max(1);
const oneOrMore = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);

/** Where rows come from: files (globs, .gz, .zst) or a Postgres query. Relative paths start at the campaign file. */
const fileSource = {
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

const needsOneSource = exactlyOneOf("files", "postgres");
const oneSourceMeta = { oneOf: [{ required: ["files"] }, { required: ["postgres"] }] };

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
/** Between five scores. */
const fourLimits = z
  .array(z.number().min(0))
  .length(4)
  .refine((list) => list.every((limit, i) => i === 0 || limit > list[i - 1]!), {
    message: "expected ascending limits",
  });

const countOfSegments = z.number().int().min(2).max(1000);

export const SEGMENT_FEATURES = ["behaviour_counts", "recency", "frequency", "monetary", "mean_gap"] as const;

const methodSettings = {
  similarity: z.enum(["cosine", "tfidf", "bm25"]).default("cosine").describe("of item-knn"),
  neighbours: z.number().int().min(1).max(10_000).default(100),
  lambda: z.number().gt(0).default(1).describe("of saturated: f(r) = r / (r + lambda)"),
  k1: z.number().min(0).default(1.2).describe("of bm25"),
  b: z.number().min(0).max(1).default(0.75).describe("of bm25"),
  als: z
    .strictObject({
      factors: z.number().int().min(1).max(512).default(64).describe("length of the vectors of users and items"),
      iterations: z.number().int().min(1).max(10_000).default(15),
      regularisation: z.number().min(0).max(1e9).default(0.01),
      alpha: z.number().min(0).max(1e9).default(1).describe("a cell of value r counts 1 + alpha r"),
      solver: z.enum(["cg", "cholesky"]).default("cg"),
      steps: z.number().int().min(1).max(10_000).default(2).describe("of cg"),
      seed: z
        .number()
        .int()
        .min(0)
        .max(2 ** 32 - 1)
        .default(1),
    })
    .prefault({})
    .describe("of als"),
  ease: z
    .strictObject({
      regularisation: z.number().gt(0).max(1e12).default(250).describe("the larger, the smaller all weights"),
    })
    .prefault({})
    .describe("of ease, for up to 20,000 items"),
  rp3beta: z
    .strictObject({
      alpha: z.number().min(0).max(10).default(1).describe("power of the walk's probabilities"),
      beta: z.number().min(0).max(10).default(0.6).describe("penalty of popular items"),
    })
    .prefault({})
    .describe("of rp3beta; neighbours as in item-knn"),
};

const fieldWeight = z.number().min(0).max(1e6).default(1);
const finiteNumbers = z.array(z.number()).min(1).max(10_000);

const blendPart = z.strictObject({
  method: z.enum(SCORING_METHODS).exclude(["blend"]),
  weight: z.number().min(0).max(1e6).default(1),
  curve: z.strictObject({ x: finiteNumbers, y: finiteNumbers }).optional().describe("of a blend by score"),
  ...methodSettings,
});

export const scoringSchema = z.strictObject({
  method: z.enum(SCORING_METHODS).default("item-knn"),
  ...methodSettings,
  content: z
    .strictObject({
      hashBits: z
        .number()
        .int()
        .min(1)
        .max(24)
        .default(18)
        .describe("tokens of a column fall into 2^hashBits features"),
      bins: z.number().int().min(2).max(1000).default(8).describe("quantiles that numbers are measured from"),
      weights: z
        .strictObject({ category: fieldWeight, tags: fieldWeight, text: fieldWeight, attribute: fieldWeight })
        .prefault({})
        .describe("how much the columns of a kind count beside the others"),
    })
    .prefault({})
    .describe("of content: how columns of the items become profiles"),
  parts: z.array(blendPart).max(16).default([]).describe("of blend: the methods, and how much each counts"),
  by: z.enum(["rank", "score"]).default("rank").describe("of blend: reciprocal ranks, or scores on calibrated curves"),
  rankOffset: z.number().min(0).max(1e9).default(60).describe("of blend by rank: weight / (rankOffset + rank)"),
  evaluate: z
    .strictObject({
      heldOutDays: z.number().gt(0).max(36_525).default(28).describe("at the end of the events"),
      n: z.number().int().min(1).max(1000).default(20).describe("places of each list"),
      chooseWeights: z
        .boolean()
        .default(false)
        .describe("of blend: weights that are best on the days before the held-out ones, instead of those given"),
    })
    .optional()
    .describe(
      "the method's quality on the last days, beside what everybody likes and the parts of a blend, in the report",
    ),
});

export const ingestSchema = z.strictObject({
  halfLifeDays: z.number().gt(0).optional().describe("an event's weight halves every so many days; none: no decay"),
  normalise: z.enum(["none", "log1p", "min-max", "z-score", "l2"]).default("log1p"),
  windowDays: z.number().gt(0).optional().describe("events older than this before asOf are rejected"),
  maxRejectedShare: share.default(0.5),
  memoryLimitMb: z.number().int().min(128).default(4096),
});

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

export const campaignSchema = z.strictObject({
  $schema: z.string().optional().describe("for editors; not read"),
  name: z.string().min(1).max(200).describe("shown in the report"),
  asOf: z
    .string()
    .optional()
    .describe("the moment of the decision, ISO 8601, without an offset in timeZone; default: the latest event"),
  timeZone: z.string().default("UTC").describe("IANA name, for every time that has no offset and no zone of its own"),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .default("EUR")
    .describe("ISO 4217 code, for the report only"),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(1)
    .describe("of every pseudo-random choice"),
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
      .describe("of another model, in place of this one's: a row a user and coupon; pairs without one get nothing"),
  }),
  behaviours: z
    .record(z.string().min(1), z.number().min(0).max(1e6))
    .refine((b) => Object.keys(b).length > 0 && Object.keys(b).length <= 64, { message: "expected 1 to 64 behaviours" })
    .default({ browse: 1, search: 2, purchase: 5 })
    .describe("weight of each behaviour; any other is rejected as unknown_behaviour"),
  purchaseBehaviour: z.string().min(1).default("purchase").describe("the one of behaviours that is an order"),
  ingest: ingestSchema.prefault({}),
  scoring: scoringSchema.prefault({}),
  segments: z
    .strictObject({
      method: z.enum(["kmeans", "dbscan", "rfm"]).default("kmeans"),
      rfm: z
        .strictObject({
          cut: z
            .enum(["quantile", "fixed"])
            .default("quantile")
            .describe("fifths of those who buy, or the limits below"),
          cuts: z
            .strictObject({
              recencyDays: fourLimits.default([7, 30, 90, 180]),
              frequency: fourLimits.default([2, 3, 5, 10]),
              monetary: fourLimits.default([5_000, 10_000, 25_000, 50_000]).describe("minor units"),
            })
            .prefault({}),
        })
        .prefault({})
        .describe("of rfm: scores of recency, frequency and monetary value, with the usual names"),
      eps: z
        .union([z.number().gt(0).max(1e100), z.literal("auto")])
        .default("auto")
        .describe(
          "of dbscan: users this near, in standard deviations, are neighbours; auto: from the k-distance curve",
        ),
      metric: z
        .enum(["euclidean", "cosine"])
        .default("euclidean")
        .describe(
          "of dbscan: between features, or 1 less the cosine of the users' items; the latter needs an eps below 1",
        ),
      minSamples: z
        .number()
        .int()
        .min(1)
        .max(2 ** 31 - 1)
        .default(5)
        .describe("of dbscan: neighbours, oneself included, that make a user the core of a segment"),
      k: z
        .union([z.number().int().min(1).max(1000), z.literal("auto")])
        .default(6)
        .describe("of kmeans: segments; auto: as many of kRange as kBy says"),
      kRange: z
        .tuple([countOfSegments, countOfSegments])
        .refine(([from, to]) => from <= to, { message: "expected from and to in ascending order" })
        .optional()
        .describe("of k auto: from and to; default: 2 to 12"),
      kBy: z
        .enum(["silhouette", "calinski-harabasz", "elbow"])
        .optional()
        .describe("of k auto: what decides; default: silhouette"),
      spherical: z
        .boolean()
        .optional()
        .describe("of kmeans: by the direction of the features, not by how large they are"),
      miniBatch: z
        .number()
        .int()
        .min(1)
        .max(1e9)
        .optional()
        .describe("of kmeans: centres move after each batch of so many users; default: after all"),
      weights: z
        .enum(["events", "frequency", "monetary"])
        .optional()
        .describe("of kmeans: what a user counts by; default: all alike"),
      emptyClusters: z
        .enum(["relocate", "keep"])
        .optional()
        .describe("of kmeans: a segment without users takes the farthest user, or stays empty; default: relocate"),
      model: z
        .string()
        .min(1)
        .optional()
        .describe(
          "segments.safetensors of an earlier run, relative to the campaign file: its segments instead of new ones",
        ),
      features: z
        .array(z.enum(SEGMENT_FEATURES))
        .min(1)
        .default([...SEGMENT_FEATURES]),
      init: z
        .enum(["k-means++", "k-means||", "random"])
        .optional()
        .describe("of kmeans: how the first centres are found; default: k-means++"),
      nInit: z
        .number()
        .int()
        .min(1)
        .max(1000)
        .optional()
        .describe("of kmeans: starts, of which the best is kept; default: 1"),
      maxIterations: z.number().int().min(1).max(10_000).default(100),
      tolerance: z.number().min(0).default(1e-4),
      baseline: z
        .string()
        .min(1)
        .optional()
        .describe(
          "folder of an earlier run's outputs, relative to the campaign file: how the users have changed since",
        ),
    })
    .prefault({}),
  transitions: z
    .strictObject({
      smoothing: z.number().min(0).max(1e12).default(1).describe("added to each count of one behaviour after another"),
      horizonDays: z.number().gt(0).max(3650).default(14).describe("how far ahead a user's next behaviour is expected"),
      response: z
        .boolean()
        .default(false)
        .describe("without a control group: lowers what a coupon is worth to those whose next behaviour is a purchase"),
    })
    .prefault({}),
  rules: z
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
    .describe("what is bought together; a coupon for what goes with a user's latest basket has the source rule"),
  response: z
    .strictObject({
      l2: z.number().min(0).default(10).describe("keeps coefficients small: l2 / 2 times their squares"),
      heldOutShare: z.number().gt(0).lt(1).default(0.2),
      calibration: z
        .enum(["none", "platt", "auto"])
        .default("auto")
        .describe("by half of the users held out; auto: where it makes the chances of the other half come true better"),
      minRedemptions: z.number().int().min(1).default(50).describe("fewer past redemptions: the prior is used"),
      maxTrainingOffers: z
        .number()
        .int()
        .min(100)
        .default(2_000_000)
        .describe("a longer history is sampled down to about this many offers, by whole users"),
      prior: share.default(0.02).describe("P(redeem) without a history"),
      model: z
        .string()
        .min(1)
        .optional()
        .describe("response.safetensors of an earlier run, relative to the campaign file; used instead of a new fit"),
      onnx: z
        .strictObject({
          file: z.string().min(1).describe("relative to the campaign file; needs the package onnxruntime-node"),
          features: z
            .array(z.string().min(1))
            .min(1)
            .max(10_000)
            .describe("columns of its input, in order: pair:, user:, trait:, kind: or coupon: and a name"),
          output: z.string().min(1).optional().describe("P(redeem); default: the last output"),
          uplift: z.string().min(1).optional().describe("output: chance of an order that would not be made without it"),
        })
        .optional()
        .describe("a model of another system, used instead of a fit"),
    })
    .prefault({}),
  economics: z
    .strictObject({
      marginRate: share.default(0.3).describe("margin as a share of the price where items give none"),
      orderValueMinor: moneyMinor.optional().describe("order value of users without purchases; default: the mean"),
    })
    .prefault({}),
  budget: z.strictObject({
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
  }),
  fairness: z
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
    .describe("floors: what segments or coupons get at least"),
  caps: z
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
    .prefault({}),
  holdout: z
    .strictObject({
      share: z
        .number()
        .min(0)
        .lt(1)
        .default(0.05)
        .describe("of the users, who get nothing so that uplift can be measured"),
      key: z.string().default("couponcast").describe("of the keyed hash; another key holds out other users"),
    })
    .prefault({}),
  exploration: z
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
    .describe("coupons drawn by lot around the best plan, with propensities; limits then hold in expectation"),
  evaluation: evaluationSchema.optional().describe("an earlier campaign to be measured in this one's report"),
  output: z
    .strictObject({
      exampleUsers: z.number().int().min(0).max(1000).default(12),
      frontierPoints: z.number().int().min(2).max(50).default(8),
    })
    .prefault({}),
});

/** A campaign with its defaults filled in. */
export type Campaign = z.output<typeof campaignSchema>;
/** A campaign as people write it. */
export type CampaignInput = z.input<typeof campaignSchema>;
export type EventsSource = z.output<typeof eventsSourceSchema>;
export type UsersSource = z.output<typeof usersSourceSchema>;
export type ItemsSource = z.output<typeof itemsSourceSchema>;
export type RedemptionsSource = z.output<typeof redemptionsSourceSchema>;
export type PredictionsSource = z.output<typeof predictionsSourceSchema>;
export type ScoringOptions = z.output<typeof scoringSchema>;
export type EvaluationOptions = z.output<typeof evaluationSchema>;
export type IngestOptions = z.output<typeof ingestSchema>;

/** The columns of an items table that profiles are made from; the category's default may be absent. */
export function contentColumns({ columns }: ItemsSource) {
  const { category, tags = [], text = [], attributes = [] } = columns;
  return { categories: [category], tags: [tags].flat(), text: [text].flat(), attributes: [attributes].flat() };
}
