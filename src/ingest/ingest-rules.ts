/** What a request says of cleaning, checked; and whether what came of it can be believed. */
import { join } from "node:path";
import { parseInstant, timeZoneProblem } from "../campaign/instant.js";
import { type CouponcastError, invalidArgument } from "../errors.js";
import type { CleanedEvents } from "./clean-events.js";
import type { CleaningRules } from "./event-sql.js";
import { INGEST_FILES, type IngestRequest } from "./ingest-types.js";

export function cleaningRules(request: IngestRequest): CleaningRules {
  const problem = timeZoneProblem(request.timeZone);
  if (problem !== undefined) throw invalidArgument(`timeZone: ${problem}`, { field: "timeZone" });
  const behaviours = Object.keys(request.behaviours);
  if (behaviours.length === 0) throw invalidArgument("expected at least one behaviour", { field: "behaviours" });
  const minorPerMajor = request.minorPerMajor ?? 100;
  if (!Number.isInteger(minorPerMajor) || minorPerMajor < 1 || minorPerMajor > 9999) {
    throw invalidArgument(`expected a whole number from 1 to 9999 for minorPerMajor but received ${minorPerMajor}`);
  }
  let asOfMicros: bigint | undefined;
  if (request.asOf !== undefined) {
    const millis = parseInstant(request.asOf, request.timeZone);
    if (millis === undefined) {
      throw invalidArgument(`expected an ISO 8601 date or time for asOf but received ${JSON.stringify(request.asOf)}`, {
        field: "asOf",
        hint: "for example 2024-12-31 or 2024-12-31T23:59:59Z",
      });
    }
    asOfMicros = BigInt(millis) * 1000n;
  }
  return {
    behaviours,
    purchaseBehaviour: request.purchaseBehaviour,
    timeZone: request.timeZone,
    minorPerMajor,
    asOfMicros,
    windowDays: request.options.windowDays,
    lastOut: request.lastOut,
  };
}

export function ruleWarnings(rules: CleaningRules): string[] {
  if (rules.behaviours.includes(rules.purchaseBehaviour)) return [];
  return [
    `purchaseBehaviour ${JSON.stringify(rules.purchaseBehaviour)} is none of the behaviours ` +
      `${rules.behaviours.join(", ")}: frequency and monetary value are 0`,
  ];
}

/** The error to throw when nothing is left, or when more than the allowed share was rejected. */
export function rejectedShareError(
  cleaned: CleanedEvents,
  maxShare: number,
  outDir: string,
): CouponcastError | undefined {
  const { rowsRead, rowsAccepted, rejected } = cleaned;
  const worst = Object.entries(rejected)
    .slice(0, 5)
    .map(([reason, n]) => `${reason} ${n}`)
    .join(", ");
  const kept = `see ${join(outDir, INGEST_FILES.rejected)} for the rows`;
  if (rowsRead === 0)
    return invalidArgument("expected events, but the sources have no rows", { field: "inputs.events" });
  if (rowsAccepted === 0) {
    return invalidArgument(`none of ${rowsRead} event rows was accepted: ${worst}`, {
      field: "inputs.events",
      hint: `${kept}; check the column mapping, the time format and the behaviours`,
    });
  }
  const counted = rowsRead - rowsAccepted - (rejected.out_of_window ?? 0);
  if (counted <= maxShare * rowsRead) return undefined;
  return invalidArgument(
    `${counted} of ${rowsRead} event rows were rejected (${((100 * counted) / rowsRead).toFixed(1)} %), ` +
      `more than maxRejectedShare ${maxShare} allows: ${worst}`,
    { field: "ingest.maxRejectedShare", hint: `${kept}; fix the input or the mapping, or raise the limit` },
  );
}
