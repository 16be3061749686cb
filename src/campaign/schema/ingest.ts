import { z } from "zod";
import { share } from "./basics.js";

export const ingestSchema = z.strictObject({
  halfLifeDays: z
    .number()
    .gt(0)
    .optional()
    .describe("days after which the weight of an event is halved; default: no decay"),
  normalise: z
    .enum(["none", "log1p", "min-max", "z-score", "l2"])
    .default("log1p")
    .describe("how cells of the matrix are normalised"),
  windowDays: z.number().gt(0).optional().describe("events that are older at asOf are rejected"),
  maxRejectedShare: share.default(0.5).describe("the run ends if more of the rows are rejected"),
  memoryLimitMb: z.number().int().min(128).default(4096).describe("memory of the reader, in megabytes"),
});

export type IngestOptions = z.output<typeof ingestSchema>;
