import { describe, expect, it } from "vitest";
import { isClearlyBetter, redemptionQuality } from "../../src/response/quality.js";
import { Random } from "../../src/util/random.js";
import { sigmoid } from "../../src/util/sigmoid.js";

const OFFERS = 4000;

/** How good the chances of offers are that a model finds which adds `shift` to their log odds. */
async function offers(seed: number, shift: number) {
  const random = new Random(seed);
  const z = Float64Array.from({ length: OFFERS }, () => -3 + random.normal());
  const history = {
    users: new Int32Array(OFFERS),
    coupons: new Int32Array(OFFERS),
    times: new BigInt64Array(OFFERS),
    redeemed: Uint8Array.from(z, (v) => (random.next() < sigmoid(v) ? 1 : 0)),
    treated: Uint8Array.from(z, () => (random.next() < 0.7 ? 1 : 0)),
    converted: new Uint8Array(OFFERS),
  };
  const judged = (by: number) =>
    redemptionQuality(history, {
      rows: Int32Array.from(z.keys()),
      chances: { redeem: z.map((v) => sigmoid(v + by)), extra: undefined },
    });
  return { plain: await judged(shift), other: await judged(0), noisy: await judged(shift + 0.02) };
}

describe("whether chances are clearly better than others", () => {
  it("says so of a model that is bent and its cure, and not the other way round", async () => {
    for (let seed = 0; seed < 10; seed++) {
      const { plain, other } = await offers(seed, 1);
      expect(await isClearlyBetter(other, plain)).toBe(true);
      expect(await isClearlyBetter(plain, other)).toBe(false);
    }
  });

  it("seldom says so where neither is better but by luck", async () => {
    let taken = 0;
    for (let seed = 0; seed < 200; seed++) {
      const { plain, noisy } = await offers(seed, -0.01);
      if (await isClearlyBetter(noisy, plain)) taken++;
    }
    expect(taken).toBeLessThan(16);
  });

  it("of the same chances: no", async () => {
    const { plain } = await offers(1, 0.3);
    expect(await isClearlyBetter(plain, plain)).toBe(false);
  });
});
