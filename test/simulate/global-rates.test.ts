import { describe, expect, it } from "vitest";
import { UNKNOWN_CONVERSION } from "../../src/response/past-offers.js";
import { globalRates } from "../../src/simulate/global-rates.js";

const log = (rows: [treated: number, redeemed: number, converted: number][]) => ({
  users: new Int32Array(rows.length),
  coupons: new Int32Array(rows.length),
  times: new BigInt64Array(rows.length),
  treated: Uint8Array.from(rows, ([treated]) => treated),
  redeemed: Uint8Array.from(rows, ([, redeemed]) => redeemed),
  converted: Uint8Array.from(rows, ([, , converted]) => converted),
});

describe("global rates", () => {
  it("are the log's redemptions, and what the control group did not buy", () => {
    const sent = [1, 1, 0, 0, 0, 0, 0, 0].map((redeemed, i): [number, number, number] => [1, redeemed, i < 4 ? 1 : 0]);
    const control = [1, 0, 0, 0].map((converted): [number, number, number] => [0, 0, converted]);
    expect(globalRates(log([...sent, ...control]), 900)).toEqual({ redeem: 0.25, extra: 0.25, orderMinor: 900 });
    const more = control.map(([t, r], i): [number, number, number] => [t, r, i < 3 ? 1 : 0]);
    expect(globalRates(log([...sent, ...more]), 900).extra).toBe(0);
  });

  it("take every redeemed order for won where nobody knows who buys anyway", () => {
    const rows = [1, 0].map((redeemed): [number, number, number] => [1, redeemed, UNKNOWN_CONVERSION]);
    expect(globalRates(log(rows), 1)).toEqual({ redeem: 0.5, extra: 0.5, orderMinor: 1 });
    expect(globalRates(log([]), 1)).toEqual({ redeem: 0, extra: 0, orderMinor: 1 });
  });
});
