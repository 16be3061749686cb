import type { Finding } from "./document.js";
import { isFields } from "./exactly-one-of.js";
import { parseInstant, timeZoneProblem } from "./instant.js";
import { showValue } from "./issue-list.js";

/** The zone when it is usable, else the fallback (its own finding says why). */
export function usableZone(zone: unknown, fallback: string): string {
  return typeof zone === "string" && timeZoneProblem(zone) === undefined ? zone : fallback;
}

export function zoneFinding(zone: unknown, path: PropertyKey[]): Finding[] {
  const problem = typeof zone === "string" ? timeZoneProblem(zone) : undefined;
  return problem === undefined ? [] : [{ path, message: () => problem }];
}

export function instantFinding(text: unknown, zone: string, path: PropertyKey[]): Finding[] {
  if (typeof text !== "string" || parseInstant(text, zone) !== undefined) return [];
  return [
    {
      path,
      message: () =>
        `expected an ISO 8601 date or time such as 2026-11-11, 2026-11-11T09:30 or 2026-11-11T09:30:00+01:00 but received ${showValue(text)}`,
    },
  ];
}

/** The campaign's own zone, for reading times; UTC when it has none or a wrong one. */
export function campaignZoneOf(campaign: unknown): string {
  return usableZone(isFields(campaign) ? campaign.timeZone : undefined, "UTC");
}
