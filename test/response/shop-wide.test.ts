import { describe, expect, it } from "vitest";
import type { Coupon } from "../../src/campaign/coupon-schema.js";
import { Executor, shared } from "../../src/executor/executor.js";
import { couponChannels } from "../../src/response/channels.js";
import { couponArrays } from "../../src/response/economics.js";
import { featuresOfOffers } from "../../src/response/features.js";
import { PAIR_FEATURES } from "../../src/response/model.js";
import { journalOf, NO_TOTALS, numbersOf, totalsOf, USER_FEATURES } from "../../src/response/moments.js";
import { fitOrderValue } from "../../src/response/order-value.js";
import { offerHorizons, pastOffersAt } from "../../src/response/past-offers.js";
import { Random } from "../../src/util/random.js";
import { nextBehavioursOf } from "../support/next-behaviours.js";

const DAY = 86_400_000_000;
const START = Date.parse("2025-01-01T00:00:00Z") * 1000;
const OFFERED = START + 60 * DAY;
const ITEMS = 20;
const coupons = [
  { id: "half", ttlDays: 14, channel: "both", thresholdMinor: 0, percent: 50 },
  { id: "all", ttlDays: 14, channel: "both", thresholdMinor: 0, percent: 10 },
] as unknown as Coupon[];

/** Users in twos: the same events until the offer; then only the second buys, again and again, in the coupon's scope. */
function twins(pairs: number) {
  const random = new Random(3);
  const rows: { time: number; item: number; behaviour: number; value: number }[][] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const past = Array.from({ length: 3 + random.int(20) }, () => {
      const behaviour = random.int(2);
      const time = START + random.int(59) * DAY + random.int(1000);
      return { time, item: random.int(ITEMS), behaviour, value: behaviour * (500 + random.int(5000)) };
    }).sort((a, b) => a.time - b.time);
    const future = Array.from({ length: 10 }, (_, i) => ({
      time: OFFERED + i * DAY,
      item: 0,
      behaviour: 1,
      value: 9000,
    }));
    rows.push(past, [...past, ...future]);
  }
  const all = rows.flat();
  const indptr = shared.i64(rows.length + 1);
  for (const [user, events] of rows.entries()) indptr[user + 1] = indptr[user]! + BigInt(events.length);
  const events = {
    indptr,
    times: BigInt64Array.from(all, (e) => BigInt(e.time)),
    items: Int32Array.from(all, (e) => e.item),
    behaviours: Uint8Array.from(all, (e) => e.behaviour),
    values: Float64Array.from(all, (e) => e.value),
    orders: Uint8Array.from(all, (e) => e.behaviour),
  };
  return { events, numUsers: rows.length };
}

describe("numbers of the whole log in the features of past offers", () => {
  it("tell nothing of what became of an offer: the same past gives the same features, whatever follows", async () => {
    const executor = new Executor({ threads: 2 });
    const { events, numUsers } = twins(200);
    const scopeIndptr = BigInt64Array.of(0n, 5n, BigInt(5 + ITEMS));
    const scopeItems = Int32Array.from({ length: 5 + ITEMS }, (_, i) => (i < 5 ? i : i - 5));
    const scopeShare = Float64Array.of(0.4, 1);
    const prices = new Float64Array(ITEMS).fill(1500);
    const next = await nextBehavioursOf(executor, events, ["look", "buy"], 1, START + 90 * DAY);
    const blank = journalOf(
      { events, numUsers, weights: [1, 5], next, prices, scopeIndptr, scopeItems, scopeShare },
      NO_TOTALS,
    );
    const everybody = Int32Array.from({ length: numUsers }, (_, user) => user);
    const now = await numbersOf(executor, blank, everybody, new BigInt64Array(numUsers).fill(BigInt(START + 90 * DAY)));
    const journal = { ...blank, totals: await totalsOf(now) };
    const orderValue = await fitOrderValue(executor, journal, now, undefined);
    expect(orderValue.beta).not.toBeNull();
    const history = {
      users: everybody,
      coupons: Int32Array.from(everybody, (user) => (user >> 1) % 2),
      times: new BigInt64Array(numUsers).fill(BigInt(OFFERED)),
      redeemed: Uint8Array.from(everybody, (user) => user % 2),
      treated: new Uint8Array(numUsers).fill(1),
      converted: Uint8Array.from(everybody, (user) => user % 2),
    };
    const past = await pastOffersAt(history, coupons, "UTC", history.users, history.times);
    const { tiers, horizonDays } = couponArrays(coupons, OFFERED / 1000, "UTC");
    const pairArgs = {
      ...tiers,
      horizonDays,
      meanShare: Float32Array.from(scopeShare),
      couponChannels: couponChannels(coupons),
    };
    const features = await featuresOfOffers(
      executor,
      pairArgs,
      history,
      past,
      journal,
      orderValue,
      new Uint8Array(numUsers).fill(3),
      offerHorizons(history, coupons, "UTC"),
    );
    for (const [name, width] of [
      ["pairFeatures", PAIR_FEATURES.length],
      ["userFeatures", USER_FEATURES.length],
    ] as const) {
      const row = (user: number) => features[name].slice(user * width, (user + 1) * width);
      for (let user = 0; user < numUsers; user += 2) expect(row(user + 1)).toEqual(row(user));
      expect(row(0)).not.toEqual(row(2));
    }
  });
});
