/** Where users shop and coupons count, as bits that the pair kernel compares. */
import { CHANNELS, type Coupon } from "../campaign/coupon-schema.js";
import { shared } from "../executor/executor.js";
import type { UserTraits } from "./model.js";

const BITS: Record<Coupon["channel"], number> = { online: 1, offline: 2, both: 3 };

export function couponChannels(coupons: readonly Coupon[]): Uint8Array {
  const bits = shared.u8(coupons.length);
  for (const [j, { channel }] of coupons.entries()) bits[j] = BITS[channel];
  return bits;
}

/** uint8 [users] of the attribute `channel`; every channel where it is not known. */
export function userChannels({ attributes, values }: UserTraits, numUsers: number): Uint8Array {
  const bits = shared.u8(numUsers).fill(BITS.both);
  const column = attributes.findIndex((attribute) => attribute.column === "channel");
  if (column < 0) return bits;
  const first = attributes.slice(0, column).reduce((sum, { values: named }) => sum + 1 + named.length, 1);
  const ofValue = new Map(
    attributes[column]!.values.flatMap((value, i) => {
      const channel = CHANNELS.find((name) => name === value);
      return channel === undefined ? [] : [[first + i, BITS[channel]] as const];
    }),
  );
  for (let user = 0; user < numUsers; user++)
    bits[user] = ofValue.get(values[user * attributes.length + column]!) ?? BITS.both;
  return bits;
}
