import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { didYouMean, editDistance, nearestName } from "../../src/util/nearest-name.js";

/** The definition, as a recursion over prefixes. */
function reference(a: string, b: string): number {
  const memo = new Map<string, number>();
  const d = (i: number, j: number): number => {
    if (i === 0) return j;
    if (j === 0) return i;
    const key = `${i},${j}`;
    const known = memo.get(key);
    if (known !== undefined) return known;
    let best = Math.min(d(i - 1, j) + 1, d(i, j - 1) + 1, d(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1));
    if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, d(i - 2, j - 2) + 1);
    memo.set(key, best);
    return best;
  };
  return d(a.length, b.length);
}

const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 9 });

describe("editDistance", () => {
  it("counts a swap of neighbours as one", () => {
    expect(editDistance("budget", "bugdet")).toBe(1);
    expect(editDistance("ca", "abc")).toBe(3);
    expect(editDistance("", "abc")).toBe(3);
  });

  it("equals the recursive definition", () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b)).toBe(reference(a, b));
      }),
    );
  });

  it("gives limit + 1 exactly when the distance exceeds the limit", () => {
    fc.assert(
      fc.property(word, word, fc.nat(6), (a, b, limit) => {
        expect(editDistance(a, b, limit)).toBe(Math.min(reference(a, b), limit + 1));
      }),
    );
  });
});

describe("nearestName", () => {
  it("finds slips of the pen and other habits of writing", () => {
    const names = ["totalMinor", "perCouponMinor", "share", "key"];
    expect(nearestName("totlaMinor", names)).toBe("totalMinor");
    expect(nearestName("per_coupon_minor", names)).toBe("perCouponMinor");
    expect(nearestName("SHARE", names)).toBe("share");
  });

  it("keeps silent about names that resemble nothing", () => {
    expect(nearestName("xyzzy", ["totalMinor", "share"])).toBeUndefined();
    expect(nearestName("a", ["b"])).toBeUndefined();
    expect(nearestName("", ["b"])).toBeUndefined();
    expect(nearestName("x".repeat(100_000), ["x".repeat(100_000)])).toBeUndefined();
    expect(didYouMean("xyzzy", ["share"])).toBe("");
  });

  it("takes the first of equally near names", () => {
    expect(nearestName("cat", ["car", "cap"])).toBe("car");
    expect(nearestName("cat", ["cap", "car"])).toBe("cap");
  });
});
