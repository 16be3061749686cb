import { z } from "zod";
import { share } from "./basics.js";

export const responseSchema = z
  .strictObject({
    l2: z.number().min(0).default(100).describe("keeps coefficients small: l2 / 2 times their squares"),
    heldOutShare: z.number().gt(0).lt(1).default(0.2),
    calibration: z
      .enum(["none", "platt", "auto"])
      .default("auto")
      .describe(
        "by half of the users held out; auto: where it makes the chances of the other half come true clearly better",
      ),
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
  .prefault({});
