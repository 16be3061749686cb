import { z } from "zod";
import { DEFAULT_CUTS, NUM_CUTS, RFM_CUT_RULES } from "../rfm-rules.js";

const limits = z
  .array(z.number().min(0))
  .length(NUM_CUTS)
  .refine((list) => list.every((limit, i) => i === 0 || limit > list[i - 1]!), {
    message: "expected ascending limits",
  });

const countOfSegments = z.number().int().min(2).max(1000);

export const SEGMENT_FEATURES = ["behaviour_counts", "recency", "frequency", "monetary", "mean_gap"] as const;

export const segmentsSchema = z
  .strictObject({
    method: z.enum(["kmeans", "dbscan", "rfm"]).default("kmeans").describe("how segments are found"),
    by: z
      .enum(["features", "items"])
      .default("features")
      .describe(
        "kmeans, dbscan: compares users by the features below, or by their items; features then only describe the segments",
      ),
    rfm: z
      .strictObject({
        cut: z
          .enum(RFM_CUT_RULES)
          .default("quantile")
          .describe("scores by fifths of the users who order, or by the limits below"),
        cuts: z
          .strictObject({
            recencyDays: limits.default([...DEFAULT_CUTS.recencyDays]).describe("days since the last order"),
            frequency: limits.default([...DEFAULT_CUTS.frequency]).describe("number of orders"),
            monetary: limits.default([...DEFAULT_CUTS.monetary]).describe("money spent, in minor units"),
          })
          .prefault({})
          .describe("limits of cut fixed: four ascending numbers each"),
      })
      .prefault({})
      .describe("settings of rfm"),
    eps: z
      .union([z.number().gt(0).max(1e100), z.literal("auto")])
      .default("auto")
      .describe(
        "dbscan: distance up to which users are neighbours, in standard deviations; by items it is 1 - cosine, below 1; auto: from the k-distance curve",
      ),
    minSamples: z
      .number()
      .int()
      .min(1)
      .max(2 ** 31 - 1)
      .default(5)
      .describe("dbscan: neighbours that make a user a core, the user included"),
    k: z
      .union([z.number().int().min(1).max(1000), z.literal("auto")])
      .default(6)
      .describe("kmeans: number of segments; auto: chosen from kRange by kBy"),
    kRange: z
      .tuple([countOfSegments, countOfSegments])
      .refine(([from, to]) => from <= to, { message: "expected from and to in ascending order" })
      .optional()
      .describe("k auto: smallest and largest number of segments; default: 2 to 12"),
    kBy: z
      .enum(["silhouette", "calinski-harabasz", "elbow"])
      .optional()
      .describe("k auto: criterion that decides; default: silhouette"),
    spherical: z.boolean().optional().describe("kmeans: compares directions, not sizes (cosine)"),
    miniBatch: z
      .number()
      .int()
      .min(1)
      .max(1e9)
      .optional()
      .describe("kmeans: centres move after each batch of so many users; default: after all users"),
    weights: z
      .enum(["events", "frequency", "monetary"])
      .optional()
      .describe("kmeans: weight of a user; default: all users count the same"),
    emptyClusters: z
      .enum(["relocate", "keep"])
      .optional()
      .describe("kmeans: a segment without users takes the farthest user, or stays empty; default: relocate"),
    model: z
      .string()
      .min(1)
      .optional()
      .describe("segments.safetensors of an earlier run, relative to the campaign file; its segments are used again"),
    warmStart: z
      .boolean()
      .optional()
      .describe("with model: K-means starts at its centres and moves them; default: the centres stay"),
    features: z
      .array(z.enum(SEGMENT_FEATURES))
      .min(1)
      .default([...SEGMENT_FEATURES])
      .describe("features that users are compared by"),
    init: z
      .enum(["k-means++", "k-means||", "random"])
      .optional()
      .describe("kmeans: how the first centres are found; default: k-means++"),
    nInit: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe("kmeans: number of starts, of which the best is kept; default: 1"),
    maxIterations: z.number().int().min(1).max(10_000).default(100).describe("kmeans: largest number of rounds"),
    tolerance: z
      .number()
      .min(0)
      .default(1e-4)
      .describe("kmeans: stops if centres move less than this share of the variance"),
    baseline: z
      .string()
      .min(1)
      .optional()
      .describe(
        "folder of an earlier run's outputs, relative to the campaign file; the report shows how users changed since",
      ),
  })
  .prefault({});
