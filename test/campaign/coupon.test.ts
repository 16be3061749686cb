import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { benefitTiers, discountMinor, horizonDays, isActive, validityWindow } from "../../src/campaign/coupon.js";
import { type Coupon, type CouponInput, couponSchema } from "../../src/campaign/coupon-schema.js";

const coupon = (fields: Partial<CouponInput>): Coupon => couponSchema.parse({ id: "C", kind: "amount", ...fields });
const at = (text: string): number => Date.parse(text);

describe("discountMinor", () => {
  it("gives the best tier that the order meets", () => {
    const c = coupon({
      kind: "full-reduction",
      tiers: [
        { thresholdMinor: 20_000, amountMinor: 2500 },
        { thresholdMinor: 10_000, amountMinor: 1000 },
        { thresholdMinor: 30_000, amountMinor: 2000 }, // a worse tier higher up must not take from the shopper
      ],
    });
    expect(benefitTiers(c).map((tier) => tier.thresholdMinor)).toEqual([10_000, 20_000, 30_000]);
    expect([9999, 10_000, 19_999, 20_000, 30_000].map((v) => discountMinor(c, v))).toEqual([0, 1000, 1000, 2500, 2500]);
  });

  it("holds the coupon's own threshold for each tier", () => {
    const c = coupon({
      kind: "full-reduction",
      thresholdMinor: 500,
      tiers: [{ thresholdMinor: 100, amountMinor: 10 }],
    });
    expect([100, 499, 500].map((v) => discountMinor(c, v))).toEqual([0, 0, 10]);
  });

  it("rounds percents down, exactly, and caps them", () => {
    expect(discountMinor(coupon({ kind: "percent", percent: 19.99 }), 10_000)).toBe(1999);
    expect(discountMinor(coupon({ kind: "percent", percent: 12.5 }), 999)).toBe(124);
    expect(discountMinor(coupon({ kind: "percent", percent: 50, maxDiscountMinor: 300 }), 10_000)).toBe(300);
    expect(discountMinor(coupon({ kind: "percent", percent: 100 }), 1e13)).toBe(1e13);
  });

  it("never exceeds the order", () => {
    expect(discountMinor(coupon({ kind: "gift-card", amountMinor: 1000 }), 600)).toBe(600);
    expect(discountMinor(coupon({ amountMinor: 1000 }), 600.9)).toBe(600);
    for (const value of [0, -5, Number.NaN]) expect(discountMinor(coupon({ amountMinor: 1000 }), value)).toBe(0);
  });

  it("equals whole-number arithmetic without bounds", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e13 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        (order, tenThousandths) => {
          const percent = tenThousandths / 10_000;
          const exact = (BigInt(order) * BigInt(tenThousandths)) / 1_000_000n;
          expect(BigInt(discountMinor(coupon({ kind: "percent", percent }), order))).toBe(exact);
        },
      ),
    );
  });
});

describe("validity", () => {
  const c = coupon({ amountMinor: 1, validFrom: "2026-03-01", validUntil: "2026-04-01", timeZone: "Europe/Berlin" });

  it("reads times in the coupon's zone, else in the campaign's", () => {
    expect(validityWindow(c, "Asia/Tokyo")).toEqual({
      fromMs: at("2026-02-28T23:00:00Z"),
      untilMs: at("2026-03-31T22:00:00Z"), // summer time by then
    });
    const own = coupon({ amountMinor: 1, validFrom: "2026-03-01" });
    expect(validityWindow(own, "Asia/Tokyo")).toEqual({ fromMs: at("2026-02-28T15:00:00Z"), untilMs: null });
  });

  it("includes the start and excludes the end", () => {
    expect(isActive(c, at("2026-02-28T22:59:59.999Z"))).toBe(false);
    expect(isActive(c, at("2026-02-28T23:00:00Z"))).toBe(true);
    expect(isActive(c, at("2026-03-31T21:59:59.999Z"))).toBe(true);
    expect(isActive(c, at("2026-03-31T22:00:00Z"))).toBe(false);
    expect(isActive(coupon({ amountMinor: 1 }), 0)).toBe(true);
  });

  it("looks ahead to the nearer of ttl and end, 30 days without either", () => {
    const asOf = at("2026-03-21T22:00:00Z");
    expect(horizonDays(c, asOf)).toBe(10);
    expect(horizonDays({ ...c, ttlDays: 7 }, asOf)).toBe(7);
    expect(horizonDays({ ...c, ttlDays: 70 }, asOf)).toBe(10);
    expect(horizonDays(c, at("2027-01-01T00:00:00Z"))).toBe(0);
    expect(horizonDays(coupon({ amountMinor: 1 }), asOf)).toBe(30);
    expect(horizonDays(coupon({ amountMinor: 1, ttlDays: 60 }), asOf)).toBe(60);
  });

  it("refuses a time that a loader has not checked", () => {
    expect(() => validityWindow(coupon({ amountMinor: 1, validFrom: "soon" }))).toThrow(
      'coupon "C": validFrom: expected an ISO 8601 time but received "soon"',
    );
  });
});
