/**
 * The season: how likely a session starts on a day (weekly and yearly) and at an hour of the day.
 * Days are counted from the first day of the history, seconds likewise, in UTC.
 */

/** Monday to Sunday. */
const WEEKDAY = [0.85, 0.85, 0.9, 0.95, 1.15, 1.25, 1.05];
/** January to December: sales in January, a quiet summer, Christmas. */
const MONTH = [1.05, 0.85, 0.9, 0.95, 1.0, 0.95, 0.8, 0.8, 0.95, 1.0, 1.25, 1.5];
/** 0 h to 23 h. */
const HOUR = [6, 3, 2, 1, 1, 2, 5, 12, 22, 34, 40, 42, 46, 42, 38, 38, 42, 50, 60, 72, 78, 66, 40, 18];
const DAY_MS = 86_400_000;
export const DAY_SECONDS = 86_400;
const HOUR_SLOTS = 4096;

export interface Calendar {
  days: number;
  /** midnight or not: exactly `days` days before asOf, milliseconds since 1970 */
  startMs: number;
  /** days * 86400: the second of asOf */
  endSecond: number;
  /** cumulative weight of the days before d, Float64 [days + 1] */
  cumulative: Float64Array;
  /** hour by quantile, Uint8 [4096] */
  hours: Uint8Array;
  /** weights of the days from asOf on, cumulative, Float64 [31] */
  ahead: Float64Array;
}

function dayWeight(ms: number): number {
  const date = new Date(ms);
  return WEEKDAY[(date.getUTCDay() + 6) % 7]! * MONTH[date.getUTCMonth()]!;
}

function cumulate(startMs: number, days: number): Float64Array {
  const out = new Float64Array(days + 1);
  for (let d = 0; d < days; d++) out[d + 1] = out[d]! + dayWeight(startMs + d * DAY_MS);
  return out;
}

/** Longest time ahead that the truth looks at. */
export const MAX_HORIZON_DAYS = 30;

export function buildCalendar(asOfMs: number, days: number): Calendar {
  const startMs = asOfMs - days * DAY_MS;
  const hours = new Uint8Array(HOUR_SLOTS);
  const total = HOUR.reduce((a, b) => a + b, 0);
  // A history that starts at noon has its first hour at noon.
  const firstHour = new Date(startMs).getUTCHours();
  let sum = 0;
  let slot = 0;
  for (let hour = 0; hour < 24; hour++) {
    sum += HOUR[hour]!;
    const end = Math.round((sum / total) * HOUR_SLOTS);
    while (slot < end) hours[slot++] = (hour - firstHour + 24) % 24;
  }
  return {
    days,
    startMs,
    endSecond: days * DAY_SECONDS,
    cumulative: cumulate(startMs, days),
    hours,
    ahead: cumulate(asOfMs, MAX_HORIZON_DAYS),
  };
}

/** Weight of the days [begin, end) of the history. */
export function weightBetween(calendar: Calendar, begin: number, end: number): number {
  return calendar.cumulative[end]! - calendar.cumulative[begin]!;
}

/** Weight of the coming `days` days (0 to 30, may be a fraction) after asOf. */
export function weightAhead(calendar: Calendar, days: number): number {
  const whole = Math.min(MAX_HORIZON_DAYS - 1, Math.floor(days));
  const before = calendar.ahead[whole]!;
  return before + (days - whole) * (calendar.ahead[whole + 1]! - before);
}

/** The day in [begin, end) at which the cumulative weight passes the share `r` of the range. */
export function dayAt(calendar: Calendar, begin: number, end: number, r: number): number {
  const { cumulative } = calendar;
  const target = cumulative[begin]! + r * (cumulative[end]! - cumulative[begin]!);
  let low = begin;
  let high = end - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (cumulative[middle]! <= target) low = middle;
    else high = middle - 1;
  }
  return low;
}
