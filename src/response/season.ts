/** The season as numbers that come round: learned from past offers, and the same for everybody at a campaign's moment. */

const DAY_MICROS = 86_400_000_000;
const YEAR_DAYS = 365.2425;
/** A year's course is not learned from less. */
const MOST_OF_A_YEAR_DAYS = 300;

export const SEASONS = ["year: sine", "year: cosine", "week: sine", "week: cosine"] as const;

const PERIODS = [YEAR_DAYS, 7];

/** SEASONS at a moment, microseconds since 1970, to the front of `into`. Time zones only shift the phase, which is learned. */
export function putSeason<T extends number[] | Float64Array>(micros: bigint | number, into: T): T {
  const days = Number(micros) / DAY_MICROS;
  for (let k = 0; k < PERIODS.length; k++) {
    const turn = (2 * Math.PI * (days % PERIODS[k]!)) / PERIODS[k]!;
    into[2 * k] = Math.sin(turn);
    into[2 * k + 1] = Math.cos(turn);
  }
  return into;
}

/** SEASONS at a moment. */
export const seasonOf = (micros: bigint | number): number[] => putSeason(micros, []);

/** Of SEASONS, those that a log of these moments can show. */
export function seasonsShown(times: BigInt64Array): boolean[] {
  let first = times[0] ?? 0n;
  let last = first;
  for (const time of times) {
    if (time < first) first = time;
    if (time > last) last = time;
  }
  const coversYear = Number(last - first) / DAY_MICROS >= MOST_OF_A_YEAR_DAYS;
  return [coversYear, coversYear, true, true];
}
