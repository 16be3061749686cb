import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gapInWords, mean, moneyFormat, optimalityGap, percent, signed } from "../../src/report/format.js";
import { VIRIDIS, viridis, viridisSteps } from "../../src/report/viridis.js";

const plain = (text: string | null) => text?.replaceAll("\u00a0", " ");

describe("moneyFormat", () => {
  it("knows how many minor units a currency has", () => {
    expect(moneyFormat("EUR").amount(12_345)).toBe("€123.45");
    expect(moneyFormat("EUR").amount(123_456_789)).toBe("€1,234,568");
    expect(moneyFormat("JPY").amount(12_345)).toBe("¥12,345");
    expect(plain(moneyFormat("KWD").exact(12_345))).toBe("KWD 12.345");
    expect(moneyFormat("EUR").compact(4_123_400)).toBe("€41.2K");
  });

  it("writes what is no amount as a dash, and no minus zero", () => {
    const money = moneyFormat("EUR");
    for (const nothing of [null, Number.NaN, Number.POSITIVE_INFINITY]) expect(money.amount(nothing)).toBe("–");
    expect(money.amount(-0)).toBe("€0.00");
    expect(money.amount(-250)).toBe("-€2.50");
  });

  it("accepts a currency that is no ISO code", () => {
    expect(moneyFormat("<b>").amount(150)).toBe("<b> 1.50");
    expect(moneyFormat("pts").amount(150)).toMatch(/1\.50/);
  });
});

describe("percent", () => {
  it.each([
    [0, "0 %"],
    [0.000001, "< 0.01 %"],
    [0.0004, "0.04 %"],
    [0.00998, "1.0 %"],
    [0.0871, "8.7 %"],
    [0.2, "20.0 %"],
    [0.99996, "99.99 %"],
    [1, "100 %"],
    [-0.12, "−12.0 %"],
    [13.194, "1,319 %"],
    [Number.NaN, "–"],
  ])("%d reads %s", (rate, text) => expect(plain(percent(rate))).toBe(text));

  it("never writes 0 or 100 for what is neither", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true, minExcluded: true, maxExcluded: true }), (rate) => {
        expect(plain(percent(rate))).not.toMatch(/^(0|0\.00|100|100\.0+) %$/);
      }),
    );
  });
});

describe("gapInWords", () => {
  it.each([
    [9_997, 10_000, "at most 0.03 % below the best possible"],
    [13.2, 13.3, "at most 0.76 % below the best possible"],
    [70, 100, "at most 30 % below the best possible"],
    [0, 100, "at most 100 % below the best possible"],
    [100, 100, "proven to be the best possible"],
    [0, 0, "proven to be the best possible"],
    [1_000_000_000 - 1, 1_000_000_000, "at most 0.001 % below the best possible"],
  ])("%d of %d: %s", (value, bound, words) => expect(plain(gapInWords(value, bound))).toBe(words));

  it("says nothing without a bound", () => expect(gapInWords(5, null)).toBeNull());

  it("never claims less than the gap", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e12 }), fc.double({ min: 0, max: 0.99, noNaN: true }), (bound, part) => {
        const value = Math.floor(bound * part);
        const said = /at most (\S+) %/.exec(plain(gapInWords(value, bound)) ?? "");
        const gap = optimalityGap(value, bound) ?? 0;
        expect(Number(said?.[1])).toBeGreaterThanOrEqual(gap * 100 * (1 - 1e-9));
        expect(Number(said?.[1])).toBeLessThanOrEqual(Math.max(0.001, gap * 100 * 1.1));
      }),
    );
  });
});

describe("means", () => {
  it("have the digits that a column needs", () => {
    expect([0, 0.128, 5.2, 93.26, 999.97, 12_345.6, null].map(mean)).toEqual([
      "0",
      "0.13",
      "5.2",
      "93.3",
      "1,000",
      "12,346",
      "–",
    ]);
    expect([1.26, -0.34, 0.01, null].map((z) => signed(z))).toEqual(["+1.3", "−0.3", "0.0", "–"]);
  });
});

describe("viridis", () => {
  it("has the ends and the middle of the published map", () => {
    expect(viridis(0)).toBe("#440154");
    expect(viridis(1)).toBe("#fde725");
    // Entry 128 of matplotlib's table is #21918c.
    const middle = Number.parseInt(viridis(128 / 255).slice(1), 16);
    const [r, g, b] = [middle >> 16, (middle >> 8) & 255, middle & 255];
    expect(Math.max(Math.abs(r - 0x21), Math.abs(g - 0x91), Math.abs(b - 0x8c))).toBeLessThanOrEqual(7);
  });

  it("grows lighter all the way, and clamps", () => {
    const light = (hex: string) =>
      [1, 3, 5].reduce(
        (sum, i, c) => sum + Number.parseInt(hex.slice(i, i + 2), 16) * ([0.299, 0.587, 0.114][c] ?? 0),
        0,
      );
    for (let i = 1; i < VIRIDIS.length; i++) expect(light(VIRIDIS[i]!)).toBeGreaterThan(light(VIRIDIS[i - 1]!));
    expect(viridis(-3)).toBe(viridis(0));
    expect(viridis(Number.NaN)).toBe(viridis(0));
  });

  it("gives every segment its own colour", () => {
    expect(new Set(viridisSteps(50, "light")).size).toBe(50);
    expect(new Set(viridisSteps(50, "dark")).size).toBe(50);
    expect(viridisSteps(0, "light")).toEqual([]);
    expect(viridisSteps(1, "light")).toHaveLength(1);
  });
});
