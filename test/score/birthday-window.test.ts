import fc from "fast-check";
import { expect, it } from "vitest";
import { type BirthdayWindow, birthdayWindow } from "../../src/score/birthday-window.js";

const DAY = 86_400_000;

/** Month * 100 + day of every birthday that is celebrated on a day of which the window holds an instant. */
function celebrated(fromMs: number, days: number): Set<number> {
  const found = new Set<number>();
  for (let day = Math.floor(fromMs / DAY) * DAY; day < Math.max(fromMs + 1, fromMs + days * DAY); day += DAY) {
    const date = new Date(day);
    const md = (date.getUTCMonth() + 1) * 100 + date.getUTCDate();
    found.add(md);
    const tomorrow = new Date(day + DAY);
    if (md === 228 && tomorrow.getUTCDate() === 1) found.add(229);
  }
  return found;
}

function includes(window: BirthdayWindow, md: number): boolean {
  if (window.wholeYear) return true;
  if (md === 229) return window.hasLeapDay;
  return window.first <= window.last
    ? window.first <= md && md <= window.last
    : md >= window.first || md <= window.last;
}

const BIRTHDAYS = Array.from({ length: 366 }, (_, i) => new Date(Date.UTC(2024, 0, 1 + i))).map(
  (date) => (date.getUTCMonth() + 1) * 100 + date.getUTCDate(),
);

it("holds the birthdays of the days that are walked through one by one", () => {
  const hours = fc.integer({ min: 0, max: 8 * 366 * 24 }).map((hour) => Date.UTC(2023, 0, 1) + hour * 3_600_000);
  // Around a leap day, around a new year, and to the midnight of either: where errors live.
  const edges = fc
    .tuple(
      fc.constantFrom("2023-02-28", "2024-02-27", "2024-02-29", "2024-12-31", "2027-02-25", "2028-03-01"),
      fc.nat(72),
    )
    .map(([date, hour]) => Date.parse(date) + hour * 3_600_000);
  const spans = fc.oneof(fc.constantFrom(0, 0.5, 1, 2, 3, 364, 365, 366, 367, 800), fc.integer({ min: 0, max: 400 }));
  fc.assert(
    fc.property(fc.oneof(hours, edges), spans, (fromMs, days) => {
      const window = birthdayWindow(fromMs, days, "UTC");
      const expected = celebrated(fromMs, days);
      for (const md of BIRTHDAYS) expect([md, includes(window, md)]).toEqual([md, expected.has(md)]);
    }),
    { numRuns: 500 },
  );
});

it("celebrates 29 February on the 28th in other years", () => {
  const leapDayIn = (from: string, days: number) => birthdayWindow(Date.parse(from), days, "UTC").hasLeapDay;
  expect(leapDayIn("2027-02-28", 1)).toBe(true);
  expect(leapDayIn("2027-03-01", 1)).toBe(false);
  expect(leapDayIn("2028-02-28", 1)).toBe(false);
  expect(leapDayIn("2028-02-29", 1)).toBe(true);
});

it("ends before the midnight that a coupon ends at, and takes days from the zone", () => {
  expect(birthdayWindow(Date.parse("2026-05-01T00:00Z"), 2, "UTC")).toMatchObject({ first: 501, last: 502 });
  expect(birthdayWindow(Date.parse("2026-05-01T00:01Z"), 2, "UTC")).toMatchObject({ first: 501, last: 503 });
  expect(birthdayWindow(Date.parse("2026-05-01T20:00Z"), 1, "Asia/Tokyo")).toMatchObject({ first: 502, last: 503 });
});
