import { describe, expect, it } from "vitest";
import type { Limits } from "../../src/allocate/limits.js";
import { play } from "../../src/simulate/play.js";
import type { Truth } from "../../src/simulate/truth.js";

const truth: Truth = {
  numUsers: 3,
  numCoupons: 2,
  redeem: Float32Array.of(0.5, 0.5, 0.5, 0.5, 0.5, 0.5),
  extra: Float32Array.of(0.25, 0, 0.5, 0.5, 0.25, 0),
  profitMinor: Float64Array.of(10, -5, 20, 30, 15, -1),
  costMinor: Float64Array.of(4, 4, 4, 4, 4, 4),
  faceMinor: Float64Array.of(8, 8, 8, 8, 8, 8),
};
/** User 1 may not have coupon 1. */
const reasons = Uint8Array.of(0, 0, 0, 9, 0, 0);
const handouts = { users: [0, 0, 1, 1, 2], coupons: [0, 1, 0, 1, 0] };
const free: Limits = { coupons: [{}, {}], perUser: 2 };
const played = (limits: Partial<Limits> = {}) => play(truth, reasons, { ...free, ...limits }, handouts);

describe("play", () => {
  it("adds up what is handed out", () => {
    expect(played()).toMatchObject({ profitMinor: 40, spendMinor: 16, handedOut: 4, keptBack: 1, floorsMissed: 0 });
    expect(played().redeemedAnyway).toBeCloseTo(0.25 + 0.5 + 0 + 0.25, 6);
  });

  const kinds: [kind: string, limits: Partial<Limits>, expected: object][] = [
    ["caps a user", { perUser: 1 }, { handedOut: 3, profitMinor: 45 }],
    ["the budget", { budgetMinor: 9 }, { handedOut: 2, profitMinor: 5 }],
    ["stock", { coupons: [{ stock: 1 }, {}] }, { handedOut: 2, profitMinor: 5 }],
    ["a coupon's budget", { coupons: [{ budgetMinor: 8 }, {}] }, { handedOut: 3, profitMinor: 25 }],
    ["exclusive groups", { coupons: [{ exclusiveGroup: "a" }, { exclusiveGroup: "a" }] }, { profitMinor: 45 }],
    ["caps of groups", { caps: [{ coupons: [0], perUser: 0 }] }, { handedOut: 1, profitMinor: -5 }],
    [
      "nested caps",
      {
        caps: [
          { coupons: [0, 1], perUser: 1 },
          { coupons: [1], perUser: 0 },
        ],
      },
      { handedOut: 3, profitMinor: 45 },
    ],
    ["identities", { identity: Int32Array.of(7, 7, -1) }, { handedOut: 3, profitMinor: 20 }],
    ["identities below a cap", { identity: Int32Array.of(7, -1, 7), perUser: 1 }, { handedOut: 2, profitMinor: 30 }],
    ["budgets of coupons", { budgets: [{ limitMinor: 8, coupons: [0] }] }, { handedOut: 3, profitMinor: 25 }],
    ["budgets of face cost", { budgets: [{ limitMinor: 17, cost: "face" }] }, { handedOut: 2, profitMinor: 5 }],
    [
      "budgets of segments",
      { budgets: [{ limitMinor: 5, segments: [1] }], segments: Int32Array.of(1, -1, 1) },
      { handedOut: 2, profitMinor: 30 },
    ],
  ];
  it.each(kinds)("keeps to %s", (_, limits, expected) => {
    expect(played(limits)).toMatchObject(expected);
  });

  it("hands out first what floors ask for, and counts those that are missed", () => {
    const segments = Int32Array.of(0, 0, 1);
    const limits = { budgetMinor: 9, segments };
    // The last user goes first, so that the money is left for it.
    expect(played({ ...limits, floors: [{ leastPieces: 1, segments: [1] }] })).toMatchObject({
      handedOut: 2,
      profitMinor: 25,
      floorsMissed: 0,
    });
    expect(played({ ...limits, floors: [{ leastSpendMinor: 4, segments: [1] }] }).floorsMissed).toBe(0);
    expect(played({ ...limits, floors: [{ leastShare: 0.5, segments: [1] }] }).floorsMissed).toBe(1);
    expect(played({ ...limits, floors: [{ leastPieces: 2, segments: [1] }] }).floorsMissed).toBe(1);
  });

  it("refuses what an allocation refuses", () => {
    expect(() => played({ budgetMinor: -1 })).toThrow(/budgetMinor/);
  });
});
