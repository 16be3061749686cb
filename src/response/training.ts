/** What a model file says of its training. */
import { z } from "zod";
import type { ResponseQuality } from "./model.js";

/** What was trained on what: enough to do it again. */
export interface ResponseTraining {
  seed: number;
  /** Share of the users whose offers only judge the model. */
  heldOutShare: number;
  maxTrainingOffers: number;
  l2: number;
  offers: number;
  redemptions: number;
  /** Offers withheld by lot. */
  controls: number;
  /** What the held-out users say of it; null: too few offers, the prior stands for everybody. */
  quality: ResponseQuality | null;
}

const count = z.number().int().min(0);
const calibrationSchema = z.array(
  z.strictObject({ meanPredicted: z.number(), observedRate: z.number(), numOffers: count }),
);
const qualitySchema = z.strictObject({
  numTrainOffers: count,
  numHeldOutOffers: count,
  baseRate: z.number(),
  trainLogLoss: z.number(),
  heldOutLogLoss: z.number(),
  baseRateLogLoss: z.number(),
  calibration: calibrationSchema,
  uplift: z
    .array(
      z.strictObject({ meanPredicted: z.number(), observed: z.number(), standardError: z.number(), numOffers: count }),
    )
    .nullable(),
  platt: z
    .strictObject({
      numOffers: count,
      slopes: z.array(z.number()),
      shifts: z.array(z.number()),
      isApplied: z.boolean(),
      logLossBefore: z.number(),
      logLossAfter: z.number(),
      calibrationBefore: calibrationSchema,
    })
    .nullable(),
});
export const trainingSchema = z.strictObject({
  seed: z.number(),
  heldOutShare: z.number(),
  maxTrainingOffers: z.number(),
  l2: z.number(),
  offers: count,
  redemptions: count,
  controls: count,
  quality: qualitySchema.nullable(),
});
