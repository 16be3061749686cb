import { z } from "zod";
import { SCORING_METHODS } from "../method-names.js";

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

export type ScoringOptions = z.output<typeof scoringSchema>;
