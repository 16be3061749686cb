import { z } from "zod";
import { share } from "./basics.js";

export const responseSchema = z
  .strictObject({
    l2: z.number().min(0).default(100).describe("ridge penalty: l2 / 2 times the squares of the coefficients"),
    heldOutShare: z.number().gt(0).lt(1).default(0.2).describe("share of the users that calibrate and judge the model"),
    calibration: z
      .enum(["none", "platt", "auto"])
      .default("auto")
      .describe("Platt's scaling by half of the users held out; auto: kept only if it clearly helps the other half"),
    minRedemptions: z.number().int().min(1).default(50).describe("with fewer past redemptions the prior is used"),
    maxTrainingOffers: z
      .number()
      .int()
      .min(100)
      .default(2_000_000)
      .describe("a longer history is sampled to about so many offers, by whole users"),
    prior: share.default(0.02).describe("chance of redemption without a history"),
    model: z
      .string()
      .min(1)
      .optional()
      .describe("response.safetensors of an earlier run, relative to the campaign file; used instead of a fit"),
    onnx: z
      .strictObject({
        file: z
          .string()
          .min(1)
          .describe("the model, relative to the campaign file; needs the package onnxruntime-node"),
        features: z.array(z.string().min(1)).min(1).max(10_000).describe("columns of its input, in order"),
        output: z.string().min(1).optional().describe("output that is the chance of redemption; default: the last one"),
        uplift: z
          .string()
          .min(1)
          .optional()
          .describe("output that is the chance of an order that would not exist without the coupon"),
      })
      .optional()
      .describe("a model of another system, used instead of a fit"),
  })
  .prefault({});
