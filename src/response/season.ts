/** The season as numbers that come round: learned from past offers, and the same for everybody at a campaign's moment. */
import { Int64Numbers } from "../util/int64.js";

const DAY_MICROS = 86_400_000_000;
const YEAR_DAYS = 365.2425;
/** A year's course is not learned from less. */
const MOST_OF_A_YEAR_DAYS = 300;

export const SEASONS = ["year: sine", "year: cosine", "week: sine", "week: cosine"] as const;

const PERIODS = [YEAR_DAYS, 7];

/** SEASONS at a moment, microseconds since 1970, to the front of `into`. Time zones only shift the phase, which is learned. */
export function putSeason(micros: number, into: number[]): number[] {
  const days = micros / DAY_MICROS;
  for (let k = 0; k < PERIODS.length; k++) {
    const turn = (2 * Math.PI * (days % PERIODS[k]!)) / PERIODS[k]!;
    into[2 * k] = Math.sin(turn);
    into[2 * k + 1] = Math.cos(turn);
  }
  return into;
}

/** SEASONS at a moment. */
export const seasonOf = (micros: number): number[] => putSeason(micros, []);

/** Of SEASONS, those that a log of these moments can show. */
export function seasonsShown(times: BigInt64Array): boolean[] {
  const micros = new Int64Numbers(times);
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < times.length; i++) {
    first = Math.min(first, micros.at(i));
    last = Math.max(last, micros.at(i));
  }
  const coversYear = (last - first) / DAY_MICROS >= MOST_OF_A_YEAR_DAYS;
  return [coversYear, coversYear, true, true];
}
