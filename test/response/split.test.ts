import { describe, expect, it } from "vitest";
import type { ResponseOptions } from "../../src/response/model.js";
import type { OfferHistory } from "../../src/response/past-offers.js";
import { splitOffers } from "../../src/response/split.js";

const numOffers = 30_000;
const history: OfferHistory = {
  users: Int32Array.from({ length: numOffers }, (_, i) => Math.floor(i / 5)),
  coupons: new Int32Array(numOffers),
  times: new BigInt64Array(numOffers),
  redeemed: new Uint8Array(numOffers),
  treated: new Uint8Array(numOffers),
  converted: new Uint8Array(numOffers),
};
const options: ResponseOptions = {
  l2: 10,
  heldOutShare: 0.2,
  minRedemptions: 1,
  prior: 0.1,
  maxTrainingOffers: numOffers,
  calibration: "auto",
  seed: 3,
  without: "nothing",
};

describe("the split of past offers", () => {
  const usersOf = (offers: readonly number[]) => new Set(offers.map((i) => history.users[i]!));

  it("has each user in one part, half of those held out to calibrate with", async () => {
    const { train, calibration, heldOut } = await splitOffers(history, options);
    expect([...train, ...calibration, ...heldOut].sort((a, b) => a - b)).toEqual([...history.users.keys()]);
    const parts = [train, calibration, heldOut].map(usersOf);
    expect(parts.reduce((sum, users) => sum + users.size, 0)).toBe(numOffers / 5);
    for (const part of parts.slice(1)) {
      expect(part.size).toBeGreaterThan(0.08 * (numOffers / 5));
      expect(part.size).toBeLessThan(0.12 * (numOffers / 5));
    }
  });

  it("leaves all users held out to judge where nothing is calibrated, and trains on the same", async () => {
    const [own, other] = [
      await splitOffers(history, options),
      await splitOffers(history, { ...options, calibration: "none" }),
    ];
    expect(other.calibration).toEqual([]);
    expect(other.train).toEqual(own.train);
    expect(other.heldOut).toEqual([...own.calibration, ...own.heldOut].sort((a, b) => a - b));
  });

  it("keeps about as many offers as it may, by whole users", async () => {
    const { train, calibration, heldOut } = await splitOffers(history, { ...options, maxTrainingOffers: 6000 });
    const kept = [...train, ...calibration, ...heldOut];
    expect(kept.length).toBeGreaterThan(5400);
    expect(kept.length).toBeLessThan(6600);
    expect(kept.length).toBe(5 * usersOf(kept).size);
  });
});
