import { describe, expect, it } from "vitest";
import type { ResponseOptions } from "../../src/response/model.js";
import { type OfferHistory, offersAt } from "../../src/response/past-offers.js";
import { type OfferSplit, splitOffers } from "../../src/response/split.js";

const numOffers = 30_000;
const history: OfferHistory = {
  users: Int32Array.from({ length: numOffers }, (_, i) => Math.floor(i / 5)),
  coupons: Int32Array.from({ length: numOffers }, (_, i) => i % 7),
  times: BigInt64Array.from({ length: numOffers }, (_, i) => BigInt(i % 5)),
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
  const offersOf = ({ kept }: OfferSplit, part: Int32Array) => [...part].map((at) => kept[at]!);
  const usersOf = (offers: readonly number[]) => new Set(offers.map((i) => history.users[i]!));

  it("has each user in one part, half of those held out to calibrate with", async () => {
    const split = await splitOffers(history, options);
    const { kept, train, calibration, heldOut } = split;
    expect([...kept]).toEqual([...history.users.keys()]);
    expect([...train, ...calibration, ...heldOut].sort((a, b) => a - b)).toEqual([...kept.keys()]);
    const parts = [train, calibration, heldOut].map((part) => usersOf(offersOf(split, part)));
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
    expect(other.calibration).toHaveLength(0);
    expect(other.train).toEqual(own.train);
    expect([...other.heldOut]).toEqual([...own.calibration, ...own.heldOut].sort((a, b) => a - b));
  });

  it("keeps about as many offers as it may, by whole users", async () => {
    const { kept, train, calibration, heldOut } = await splitOffers(history, { ...options, maxTrainingOffers: 6000 });
    expect([...train, ...calibration, ...heldOut].sort((a, b) => a - b)).toEqual([...kept.keys()]);
    expect(kept.length).toBeGreaterThan(5400);
    expect(kept.length).toBeLessThan(6600);
    expect(kept.length).toBe(5 * usersOf([...kept]).size);
  });

  it("puts a user into the same part, however many are kept", async () => {
    const all = await splitOffers(history, options);
    const some = await splitOffers(history, { ...options, maxTrainingOffers: 6000 });
    for (const part of ["train", "calibration", "heldOut"] as const) {
      const before = new Set(offersOf(all, all[part]));
      for (const offer of offersOf(some, some[part])) expect(before.has(offer)).toBe(true);
    }
  });

  it("leaves the kept offers as they were", async () => {
    const { kept } = await splitOffers(history, { ...options, maxTrainingOffers: 6000 });
    const some = await offersAt(history, kept);
    for (const name of Object.keys(history) as (keyof OfferHistory)[]) {
      expect([...some[name]]).toEqual([...kept].map((offer) => history[name][offer]));
    }
  });
});
