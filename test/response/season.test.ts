import { describe, expect, it } from "vitest";
import { seasonOf, seasonsShown } from "../../src/response/season.js";

const DAY = 86_400_000_000;

describe("seasons", () => {
  it("come round after a week and after a year", () => {
    const at = Date.UTC(2025, 2, 3) * 1000;
    const [yearSine, yearCosine, weekSine, weekCosine] = seasonOf(at);
    expect(seasonOf(at + 7 * DAY).slice(2)).toEqual([expect.closeTo(weekSine!, 9), expect.closeTo(weekCosine!, 9)]);
    expect(seasonOf(at + 365.2425 * DAY).slice(0, 2)).toEqual([
      expect.closeTo(yearSine!, 9),
      expect.closeTo(yearCosine!, 9),
    ]);
    for (const [sine, cosine] of [
      [yearSine, yearCosine],
      [weekSine, weekCosine],
    ] as [number, number][])
      expect(sine ** 2 + cosine ** 2).toBeCloseTo(1, 12);
  });

  it("of the year are learned from most of a year only", () => {
    const log = (days: number) => BigInt64Array.of(5n, BigInt(days * DAY), 9n);
    expect(seasonsShown(log(299))).toEqual([false, false, true, true]);
    expect(seasonsShown(log(301))).toEqual([true, true, true, true]);
    expect(seasonsShown(new BigInt64Array(0))).toEqual([false, false, true, true]);
  });
});
