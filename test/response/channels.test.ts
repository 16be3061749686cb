import { describe, expect, it } from "vitest";
import { couponSchema } from "../../src/campaign/coupon-schema.js";
import { couponChannels, userChannels } from "../../src/response/channels.js";

const attributes = [
  { column: "tier", values: ["gold", "silver"] },
  { column: "channel", values: ["both", "online", "offline"] },
];

describe("channels", () => {
  it("are bits that the pair kernel compares", () => {
    const coupon = (channel: string) => couponSchema.parse({ id: channel, kind: "amount", amountMinor: 1, channel });
    expect([...couponChannels(["online", "offline", "both"].map(coupon))]).toEqual([1, 2, 3]);
    // Values of the tier are 0 to 2, of the channel 3 (other) to 6.
    const values = Int32Array.of(0, 3, 1, 4, 2, 5, 0, 6);
    expect([...userChannels({ attributes, values }, 4)]).toEqual([3, 3, 1, 2]);
  });

  it("are all of them where nobody knows", () => {
    const values = Int32Array.of(0, 1);
    expect([...userChannels({ attributes: attributes.slice(0, 1), values }, 2)]).toEqual([3, 3]);
  });
});
