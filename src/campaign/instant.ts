import { nearestName } from "../util/nearest-name.js";

/**
 * Instants and time zones by the platform's own tz data (Intl), without a library.
 *
 * A local time that a clock change skips or repeats is resolved as ISO calendars usually do (Temporal's
 * "compatible"): a skipped time is moved forward by the length of the gap, a repeated time is its first occurrence.
 */

/** Validity dates such as 9999-12-31 mean "for ever"; before 1900 zones have no civil offsets worth trusting. */
type SixNumbers = [number, number, number, number, number, number];

const MIN_YEAR = 1900;
const DAY_MS = 86_400_000;

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?[ ]?([Zz]|[+-]\d{2}(?::?\d{2})?)?)?$/;

/** Most entries of each cache below: their keys come from files. There are about 600 zone names. */
const MAX_CACHED = 4096;

const formatters = new Map<string, Intl.DateTimeFormat>();
const zoneProblems = new Map<string, string | undefined>();
const instants = new Map<string, number>();

function remember<V>(cache: Map<string, V>, key: string, value: V): V {
  if (cache.size >= MAX_CACHED) cache.clear();
  cache.set(key, value);
  return value;
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    remember(formatters, zone, formatter);
  }
  return formatter;
}

/** Why `zone` is no IANA time zone name, as the end of a message, or undefined when it is one. */
export function timeZoneProblem(zone: string): string | undefined {
  if (zoneProblems.has(zone)) return zoneProblems.get(zone);
  return remember(zoneProblems, zone, findZoneProblem(zone));
}

function findZoneProblem(zone: string): string | undefined {
  const expected = `expected an IANA time zone such as Europe/Berlin or UTC but received ${JSON.stringify(zone.slice(0, 80))}`;
  let canonical: string;
  try {
    // "+02:00" is accepted by newer engines, but names no zone and DuckDB refuses it.
    if (!/^[A-Za-z][A-Za-z0-9_+\-/]{0,63}$/.test(zone)) throw new RangeError("no zone name");
    canonical = new Intl.DateTimeFormat("en-US", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    const near = nearestName(zone, ["UTC", ...Intl.supportedValuesOf("timeZone")]);
    return near === undefined ? expected : `${expected}; did you mean ${JSON.stringify(near)}?`;
  }
  // Intl ignores case, other readers of the same name (DuckDB) do not.
  if (canonical !== zone && canonical.toLowerCase() === zone.toLowerCase()) {
    return `${expected}; did you mean ${JSON.stringify(canonical)}?`;
  }
  return undefined;
}

/** Wall clock of an instant in a zone, as milliseconds of the same digits in UTC (whole seconds). */
function wallClockMs(zone: string, utcMs: number): number {
  // The locale's order: month, day, year, hour, minute, second. formatToParts would take three times as long.
  const digits = formatterOf(zone).format(utcMs).match(/\d+/g)!.map(Number) as SixNumbers;
  const [month, day, year, hour, minute, second] = digits;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Offset from UTC in milliseconds of a zone at an instant: wall clock minus UTC. Cost: one Intl format. */
export function zoneOffsetMs(zone: string, utcMs: number): number {
  if (zone === "UTC") return 0;
  return wallClockMs(zone, utcMs) - Math.floor(utcMs / 1000) * 1000;
}

/** The instant of a wall clock (given as milliseconds of the same digits in UTC) in a zone; see the rule above. */
export function localToUtcMs(localMs: number, zone: string): number {
  // A day on either side is beyond any offset (at most 14 h) and before or after a change near the wall clock.
  const before = localMs - zoneOffsetMs(zone, localMs - DAY_MS);
  const after = localMs - zoneOffsetMs(zone, localMs + DAY_MS);
  const [first, second] = before <= after ? [before, after] : [after, before];
  if (first + zoneOffsetMs(zone, first) === localMs) return first;
  if (second + zoneOffsetMs(zone, second) === localMs) return second;
  return before; // skipped: read with the offset from before the change, so it lands after the gap
}

/**
 * Milliseconds since 1970 of an ISO 8601 date or date-time, or undefined when the text is none.
 * Without an offset it is wall clock in `zone`; a date alone is the start of that day. Years 1900 to 9999.
 */
export function parseInstant(text: string, zone: string): number | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((digits) => Number(digits ?? 0)) as SixNumbers;
  const millis = Math.floor(Number(`0.${match[7] ?? "0"}`) * 1000);
  const localMs = Date.UTC(year, month - 1, day, hour, minute, second, millis);
  const check = new Date(localMs);
  const exists =
    year >= MIN_YEAR &&
    check.getUTCMonth() === month - 1 &&
    check.getUTCDate() === day &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59;
  if (!exists) return undefined;
  const offset = match[8];
  if (offset === undefined) {
    // Catalogues repeat the same few days, and asking Intl is slow.
    const key = `${zone} ${localMs}`;
    return instants.get(key) ?? remember(instants, key, localToUtcMs(localMs, zone));
  }
  if (offset === "Z" || offset === "z") return localMs;
  const digits = offset.replace(":", "");
  const offsetHours = Number(digits.slice(1, 3));
  const offsetMinutes = Number(digits.slice(3, 5) || "0");
  if (offsetHours > 18 || offsetMinutes > 59) return undefined;
  const offsetMs = (offsetHours * 60 + offsetMinutes) * 60_000;
  return localMs - (digits[0] === "-" ? -offsetMs : offsetMs);
}

/** Calendar date of an instant in a zone. */
export function localDate(utcMs: number, zone: string): { year: number; month: number; day: number } {
  const wall = new Date(wallClockMs(zone, utcMs));
  return { year: wall.getUTCFullYear(), month: wall.getUTCMonth() + 1, day: wall.getUTCDate() };
}
