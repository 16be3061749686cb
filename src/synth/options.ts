import { availableParallelism } from "node:os";
import { COUPON_KINDS } from "../campaign/coupon-schema.js";
import { parseInstant } from "../campaign/instant.js";
import { invalidArgument } from "../errors.js";

export type SynthFormat = "csv" | "parquet";

export interface SynthProgress {
  /** Events written so far, and in all. */
  done: number;
  total: number;
}

export interface SynthOptions {
  /** 2 to 50 000 000 */
  users: number;
  /** 20 to 10 000 000 */
  items: number;
  /** exact number of events, 1 to 10^10 */
  events: number;
  /** 8 (one of each kind) to 5000 */
  coupons: number;
  /** 0 to 2^32 - 1 */
  seed: number;
  /** folder to make; may exist if it is empty */
  outDir: string;
  /** of the events; default csv */
  format?: SynthFormat;
  /** length of the events' history, 60 to 3650; default 365 */
  days?: number;
  /** ISO 8601, end of the history and moment of the campaign; default 2025-07-01T00:00:00Z */
  asOf?: string;
  /** 1 to 256; default: those of the machine, at most 8. The bytes written do not depend on it. */
  threads?: number;
  signal?: AbortSignal;
  onProgress?: (progress: SynthProgress) => void;
}

/** Checked options, without what only the calling thread uses. Can be sent to a worker. */
export interface SynthPlan {
  users: number;
  items: number;
  events: number;
  coupons: number;
  seed: number;
  days: number;
  asOfMs: number;
  format: SynthFormat;
}

const DEFAULT_AS_OF = "2025-07-01T00:00:00Z";
const MAX_THREADS = 256;
const DAY_MS = 86_400_000;

function wholeNumber(name: string, value: unknown, min: number, max: number, hint?: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    const came = typeof value === "number" ? String(value) : `${JSON.stringify(value)} of type ${typeof value}`;
    throw invalidArgument(`Expected a whole number between ${min} and ${max} for ${name} but received ${came}`, {
      field: name,
      hint,
    });
  }
  return value;
}

/**
 * Checks the options and fills in the defaults.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, with the option's name as `field`.
 */
export function checkOptions(options: SynthOptions): { plan: SynthPlan; outDir: string; threads: number } {
  const users = wholeNumber("users", options.users, 2, 50_000_000);
  const items = wholeNumber("items", options.items, 20, 10_000_000);
  const events = wholeNumber("events", options.events, 1, 1e10);
  const coupons = wholeNumber(
    "coupons",
    options.coupons,
    COUPON_KINDS.length,
    5000,
    `There are ${COUPON_KINDS.length} kinds of coupons and the shop has at least one of each.`,
  );
  const seed = wholeNumber("seed", options.seed, 0, 2 ** 32 - 1);
  const days = wholeNumber("days", options.days ?? 365, 60, 3650);
  const threads = wholeNumber("threads", options.threads ?? Math.min(availableParallelism(), 8), 1, MAX_THREADS);
  const format = options.format ?? "csv";
  if (format !== "csv" && format !== "parquet") {
    throw invalidArgument(`Expected csv or parquet for format but received ${JSON.stringify(format)}`, {
      field: "format",
    });
  }
  const asOf = options.asOf ?? DEFAULT_AS_OF;
  const asOfMs = typeof asOf === "string" ? parseInstant(asOf, "UTC") : undefined;
  if (
    asOfMs === undefined ||
    asOfMs % 1000 !== 0 ||
    asOfMs < Date.UTC(1971, 0, 1) + days * DAY_MS ||
    asOfMs >= Date.UTC(2100, 0, 1)
  ) {
    throw invalidArgument(
      `Expected an ISO 8601 time in whole seconds before 2100, with ${days} days after 1970 before it, for asOf but received ${JSON.stringify(asOf)}`,
      { field: "asOf", hint: `For example ${DEFAULT_AS_OF}.` },
    );
  }
  if (typeof options.outDir !== "string" || options.outDir === "" || options.outDir.includes("\0")) {
    throw invalidArgument(`Expected the path of a folder for outDir but received ${JSON.stringify(options.outDir)}`, {
      field: "outDir",
    });
  }
  return { plan: { users, items, events, coupons, seed, days, asOfMs, format }, outDir: options.outDir, threads };
}
