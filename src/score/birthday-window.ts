import { localDate } from "../campaign/instant.js";

const DAY_MS = 86_400_000;

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Days of a stretch of calendar days on which birthdays fall. */
export interface BirthdayWindow {
  /** month * 100 + day, first and last day; first > last when the stretch passes a new year */
  first: number;
  last: number;
  /** a year or longer: every birthday falls into it */
  wholeYear: boolean;
  /** whether those born on 29 February have their birthday in it */
  hasLeapDay: boolean;
}

/**
 * The calendar days, in the zone, of the instants [fromMs, fromMs + days): the day of the first and of the last
 * instant count. Those born on 29 February have their birthday on the 28th in years that are no leap years.
 * Cost: O(years).
 */
export function birthdayWindow(fromMs: number, days: number, timeZone: string): BirthdayWindow {
  const from = localDate(fromMs, timeZone);
  const to = localDate(Math.max(fromMs, fromMs + days * DAY_MS - 1), timeZone);
  const fromDay = Date.UTC(from.year, from.month - 1, from.day);
  const toDay = Date.UTC(to.year, to.month - 1, to.day);
  let hasLeapDay = false;
  for (let year = from.year; year <= to.year; year++) {
    const celebrated = Date.UTC(year, 1, isLeapYear(year) ? 29 : 28);
    if (fromDay <= celebrated && celebrated <= toDay) hasLeapDay = true;
  }
  return {
    first: from.month * 100 + from.day,
    last: to.month * 100 + to.day,
    // The day before next year's same date makes the year full. Built with setUTCFullYear it knows leap years.
    wholeYear: toDay >= new Date(fromDay).setUTCFullYear(from.year + 1) - DAY_MS,
    hasLeapDay,
  };
}
