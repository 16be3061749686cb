import { z } from "zod";
import { SCORING_METHODS } from "../method-names.js";

const methodSettings = {
  similarity: z.enum(["cosine", "tfidf", "bm25"]).default("cosine").describe("item-knn: similarity of items"),
  neighbours: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe("item-knn, user-knn, rp3beta: neighbours kept of each row"),
  lambda: z.number().gt(0).default(1).describe("saturated: a cell r counts r / (r + lambda)"),
  k1: z.number().min(0).default(1.2).describe("bm25: saturation of terms"),
  b: z.number().min(0).max(1).default(0.75).describe("bm25: normalisation by length"),
  als: z
    .strictObject({
      factors: z.number().int().min(1).max(512).default(64).describe("length of the vectors of users and items"),
      iterations: z.number().int().min(1).max(10_000).default(15).describe("rounds over users and items"),
      regularisation: z.number().min(0).max(1e9).default(0.01).describe("the larger, the smaller the vectors"),
      alpha: z.number().min(0).max(1e9).default(1).describe("a cell of value r has the confidence 1 + alpha r"),
      solver: z.enum(["cg", "cholesky"]).default("cg").describe("conjugate gradient, or exact"),
      steps: z.number().int().min(1).max(10_000).default(2).describe("cg: steps in each round"),
      seed: z
        .number()
        .int()
        .min(0)
        .max(2 ** 32 - 1)
        .default(1)
        .describe("seed of the first vectors"),
    })
    .prefault({})
    .describe("settings of als"),
  ease: z
    .strictObject({
      regularisation: z.number().gt(0).max(1e12).default(250).describe("the larger, the smaller the weights"),
    })
    .prefault({})
    .describe("settings of ease, for up to 20,000 items"),
  rp3beta: z
    .strictObject({
      alpha: z.number().min(0).max(10).default(1).describe("power of the walk's probabilities"),
      beta: z.number().min(0).max(10).default(0.6).describe("penalty of popular items"),
    })
    .prefault({})
    .describe("settings of rp3beta"),
};

const fieldWeight = (what: string) => z.number().min(0).max(1e6).default(1).describe(`weight of ${what}`);
const finiteNumbers = z.array(z.number()).min(1).max(10_000);

const blendPart = z.strictObject({
  method: z.enum(SCORING_METHODS).exclude(["blend"]).describe("a method of scoring"),
  weight: z.number().min(0).max(1e6).default(1).describe("how much the method counts"),
  curve: z
    .strictObject({
      x: finiteNumbers.describe("scores, ascending"),
      y: finiteNumbers.describe("share bought at each score"),
    })
    .optional()
    .describe("blend by score: points (x, y) of the rising curve from score to share bought"),
  ...methodSettings,
});

export const scoringSchema = z.strictObject({
  method: z.enum(SCORING_METHODS).default("item-knn").describe("how items are scored"),
  ...methodSettings,
  content: z
    .strictObject({
      hashBits: z.number().int().min(1).max(24).default(18).describe("tokens of a column become 2^hashBits features"),
      bins: z.number().int().min(2).max(1000).default(8).describe("quantiles that a number is compared with"),
      weights: z
        .strictObject({
          category: fieldWeight("categories"),
          tags: fieldWeight("tags"),
          text: fieldWeight("words"),
          attribute: fieldWeight("numbers"),
        })
        .prefault({})
        .describe("weights of the kinds of columns"),
    })
    .prefault({})
    .describe("settings of content: how columns of the items become profiles"),
  parts: z.array(blendPart).max(16).default([]).describe("blend: its methods, each with its own settings"),
  by: z
    .enum(["rank", "score"])
    .default("rank")
    .describe("blend: adds reciprocal ranks, or scores on calibrated curves"),
  rankOffset: z
    .number()
    .min(0)
    .max(1e9)
    .default(60)
    .describe("blend by rank: an item gets weight / (rankOffset + rank)"),
  evaluate: z
    .strictObject({
      heldOutDays: z.number().gt(0).max(36_525).default(28).describe("days at the end of the events"),
      n: z.number().int().min(1).max(1000).default(20).describe("length of each list"),
      chooseWeights: z
        .boolean()
        .default(false)
        .describe("blend: chooses the weights that are best on the days before the held-out ones"),
    })
    .optional()
    .describe("measures the method on the last days and shows the quality in the report"),
});

export type ScoringOptions = z.output<typeof scoringSchema>;
