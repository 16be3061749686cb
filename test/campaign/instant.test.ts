import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { localDate, localToUtcMs, parseInstant, timeZoneProblem, zoneOffsetMs } from "../../src/campaign/instant.js";

const iso = (text: string, zone = "UTC"): string | undefined => {
  const ms = parseInstant(text, zone);
  return ms === undefined ? undefined : new Date(ms).toISOString();
};

describe("parseInstant", () => {
  it.each([
    ["2026-11-11", "UTC", "2026-11-11T00:00:00.000Z"],
    ["2026-11-11", "Asia/Shanghai", "2026-11-10T16:00:00.000Z"],
    ["2026-11-11T09:30", "Europe/Berlin", "2026-11-11T08:30:00.000Z"],
    ["2026-07-11 09:30:05.25", "Europe/Berlin", "2026-07-11T07:30:05.250Z"],
    ["2026-11-11T09:30:00Z", "Asia/Shanghai", "2026-11-11T09:30:00.000Z"],
    ["2026-11-11T09:30:00+01:00", "Asia/Shanghai", "2026-11-11T08:30:00.000Z"],
    ["2026-11-11T09:30:00-0530", "UTC", "2026-11-11T15:00:00.000Z"],
    ["2024-02-29", "UTC", "2024-02-29T00:00:00.000Z"],
    ["9999-12-31", "UTC", "9999-12-31T00:00:00.000Z"],
    // Clocks go forward from 02:00 to 03:00: a time that does not exist moves on by the gap.
    ["2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00.000Z"],
    ["2026-03-08T02:30", "America/New_York", "2026-03-08T07:30:00.000Z"],
    // Clocks go back from 03:00 to 02:00: of a time that comes twice the first counts.
    ["2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00.000Z"],
    ["2026-11-01T01:30", "America/New_York", "2026-11-01T05:30:00.000Z"],
    // Half an hour, and midnight itself skipped.
    ["2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-03T15:45:00.000Z"],
    ["2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00.000Z"],
    // A whole day that Samoa skipped when it changed sides of the date line.
    ["2011-12-30T12:00", "Pacific/Apia", "2011-12-30T22:00:00.000Z"],
  ])("reads %s in %s as %s", (text, zone, expected) => {
    expect(iso(text, zone)).toBe(expected);
  });

  it.each([
    "2026-02-29",
    "2026-13-01",
    "2026-00-10",
    "2026-1-1",
    "2026-11-11T24:00",
    "2026-11-11T09:60",
    "2026-11-11T09:30:60",
    "2026-11-11T09:30+25:00",
    "1899-12-31",
    "11.11.2026",
    "now",
    "",
    "2026-11-11T09:30:00Z\0",
    `${"9".repeat(1000)}-01-01`,
  ])("refuses %j", (text) => {
    expect(parseInstant(text, "UTC")).toBeUndefined();
  });

  it("is the inverse of the wall clock but for repeated times, in every zone", () => {
    const zones = ["UTC", ...Intl.supportedValuesOf("timeZone")];
    const instants = fc.integer({ min: Date.UTC(1950, 0, 1) / 1000, max: Date.UTC(2040, 0, 1) / 1000 });
    fc.assert(
      fc.property(fc.constantFrom(...zones), instants, (zone, seconds) => {
        const utc = seconds * 1000;
        const wall = utc + zoneOffsetMs(zone, utc);
        const back = localToUtcMs(wall, zone);
        // The same wall clock, and no later than the instant it came from.
        expect(back + zoneOffsetMs(zone, back)).toBe(wall);
        expect(back).toBeLessThanOrEqual(utc);
      }),
      { numRuns: 300 },
    );
  });
});

describe("timeZoneProblem", () => {
  it.each(["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])("accepts %s", (zone) => {
    expect(timeZoneProblem(zone)).toBeUndefined();
  });

  it("names the zone that was meant", () => {
    expect(timeZoneProblem("Europe/Berln")).toContain('did you mean "Europe/Berlin"?');
    expect(timeZoneProblem("europe/berlin")).toContain('did you mean "Europe/Berlin"?');
  });

  it.each(["", "+02:00", "Mars/Olympus", "UTC\0", "x".repeat(10_000)])("refuses %j", (zone) => {
    expect(timeZoneProblem(zone)).toMatch(/^expected an IANA time zone such as Europe\/Berlin or UTC but received/);
  });
});

it("localDate gives the calendar day of the zone", () => {
  const ms = Date.UTC(2026, 11, 31, 23, 30);
  expect(localDate(ms, "UTC")).toEqual({ year: 2026, month: 12, day: 31 });
  expect(localDate(ms, "Europe/Berlin")).toEqual({ year: 2027, month: 1, day: 1 });
});
