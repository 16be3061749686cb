import { describe, expect, it } from "vitest";
import { horizonDays } from "../../src/campaign/coupon.js";
import type { Coupon } from "../../src/campaign/coupon-schema.js";
import { type OfferHistory, pastOffersAt } from "../../src/response/past-offers.js";
import { Random } from "../../src/util/random.js";

const DAY_MICROS = 86_400_000_000;
const START = Date.parse("2025-01-01T00:00:00Z") * 1000;

const coupons = [
  { id: "week", ttlDays: 7 },
  { id: "open" },
  { id: "ending", ttlDays: 20, validUntil: "2025-02-10T12:00:00" },
] as Coupon[];

/** Offers of whole days, so that ends of their time and moments coincide. */
function randomHistory(random: Random, numUsers: number): OfferHistory {
  const offers: { user: number; day: number; coupon: number; redeemed: number; treated: number }[] = [];
  for (let user = 0; user < numUsers; user += 1 + random.int(2)) {
    for (let n = random.int(12); n > 0; n--) {
      const treated = random.int(4) > 0 ? 1 : 0;
      const redeemed = treated * random.int(2);
      offers.push({ user, day: random.int(60), coupon: random.int(coupons.length), redeemed, treated });
    }
  }
  offers.sort((a, b) => a.user - b.user || a.day - b.day);
  return {
    users: Int32Array.from(offers, (o) => o.user),
    coupons: Int32Array.from(offers, (o) => o.coupon),
    times: BigInt64Array.from(offers, (o) => BigInt(START + o.day * DAY_MICROS)),
    redeemed: Uint8Array.from(offers, (o) => o.redeemed),
    treated: Uint8Array.from(offers, (o) => o.treated),
    converted: new Uint8Array(offers.length),
  };
}

function countAll(history: OfferHistory, user: number, moment: bigint): [received: number, redeemed: number] {
  const known = [...history.users.keys()].filter((i) => {
    const offered = Number(history.times[i]!);
    const end = offered + horizonDays(coupons[history.coupons[i]!]!, offered / 1000, "UTC") * DAY_MICROS;
    return history.users[i] === user && history.treated[i] === 1 && end < Number(moment);
  });
  return [known.length, known.filter((i) => history.redeemed[i] === 1).length];
}

describe("past offers", () => {
  it("are those whose time was over before the moment", async () => {
    const random = new Random(3);
    for (let round = 0; round < 30; round++) {
      const history = randomHistory(random, 8);
      const everyone = Int32Array.from({ length: 10 }, (_, user) => user);
      const now = new BigInt64Array(10).fill(BigInt(START + random.int(100) * DAY_MICROS));
      for (const [users, moments] of [
        [history.users, history.times],
        [everyone, now],
      ] as const) {
        const past = await pastOffersAt(history, coupons, "UTC", users, moments);
        for (const [m, user] of users.entries())
          expect([past.received[m], past.redeemed[m]]).toEqual(countAll(history, user, moments[m]!));
      }
    }
  });

  it("know nothing of what comes after: later outcomes change no earlier moment", async () => {
    const history = randomHistory(new Random(5), 40);
    const cut = BigInt(START + 30 * DAY_MICROS);
    const before = await pastOffersAt(history, coupons, "UTC", history.users, history.times);
    const redeemed = history.redeemed.map((r, i) => (history.times[i]! >= cut ? history.treated[i]! - r : r));
    const after = await pastOffersAt({ ...history, redeemed }, coupons, "UTC", history.users, history.times);
    for (const [i, time] of history.times.entries()) {
      expect(after.received[i]).toBe(before.received[i]);
      if (time <= cut) expect(after.redeemed[i]).toBe(before.redeemed[i]);
    }
  });

  it("has a positive rate without any offer", async () => {
    const none = randomHistory(new Random(1), 0);
    const past = await pastOffersAt(none, coupons, "UTC", Int32Array.of(0, 4), BigInt64Array.of(0n, 1n));
    expect([...past.received, ...past.redeemed]).toEqual([0, 0, 0, 0]);
    expect(past.rate).toBeGreaterThan(0);
  });
});
