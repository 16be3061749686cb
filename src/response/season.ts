/** The season as numbers that come round: learned from past offers, and the same for everybody at a campaign's moment. */

const DAY_MICROS = 86_400_000_000;
const YEAR_DAYS = 365.2425;
/** A year's course is not learned from less. */
const MOST_OF_A_YEAR_DAYS = 300;

export const SEASONS = ["year: sine", "year: cosine", "week: sine", "week: cosine"] as const;

/** SEASONS at a moment, microseconds since 1970. Time zones only shift the phase, which is learned. */
export function seasonOf(micros: bigint | number): number[] {
  const days = Number(micros) / DAY_MICROS;
  return [YEAR_DAYS, 7].flatMap((period) => {
    const turn = (2 * Math.PI * (days % period)) / period;
    return [Math.sin(turn), Math.cos(turn)];
  });
}

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
