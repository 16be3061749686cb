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
    method: z.enum(["kmeans", "dbscan", "rfm"]).default("kmeans"),
    by: z
      .enum(["features", "items"])
      .default("features")
      .describe(
        "of kmeans and dbscan: users are compared by the features below, or by the items they have to do with; features then only describe the segments",
      ),
    rfm: z
      .strictObject({
        cut: z.enum(RFM_CUT_RULES).default("quantile").describe("fifths of those who buy, or the limits below"),
        cuts: z
          .strictObject({
            recencyDays: limits.default([...DEFAULT_CUTS.recencyDays]),
            frequency: limits.default([...DEFAULT_CUTS.frequency]),
            monetary: limits.default([...DEFAULT_CUTS.monetary]).describe("minor units"),
          })
          .prefault({}),
      })
      .prefault({})
      .describe("of rfm: scores of recency, frequency and monetary value, with the usual names"),
    eps: z
      .union([z.number().gt(0).max(1e100), z.literal("auto")])
      .default("auto")
      .describe(
        "of dbscan: users this near are neighbours, in standard deviations, auto: from the k-distance curve; by items 1 less their cosine, a number below 1",
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
      .describe("of kmeans: by the direction of the features or of the items, not by how large they are"),
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
    warmStart: z
      .boolean()
      .optional()
      .describe("beside model: K-means goes on from its centres, which move with these users; default: they stay"),
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
      .describe("folder of an earlier run's outputs, relative to the campaign file: how the users have changed since"),
  })
  .prefault({});
