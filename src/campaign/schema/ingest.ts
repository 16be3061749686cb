import { z } from "zod";
import { share } from "./basics.js";

export const ingestSchema = z.strictObject({
  halfLifeDays: z.number().gt(0).optional().describe("an event's weight halves every so many days; none: no decay"),
  normalise: z.enum(["none", "log1p", "min-max", "z-score", "l2"]).default("log1p"),
  windowDays: z.number().gt(0).optional().describe("events older than this before asOf are rejected"),
  maxRejectedShare: share.default(0.5),
  memoryLimitMb: z.number().int().min(128).default(4096),
});

export type IngestOptions = z.output<typeof ingestSchema>;
