/** Past offers as the response model sees them: of what was known at their time. */
import type { ArgValue } from "../executor/call.js";
import { type Executor, shards, shared } from "../executor/executor.js";
import { PAIR_FEATURES } from "./model.js";
import { type Journal, USER_FEATURES } from "./moments.js";
import { type OrderValueModel, statesAt } from "./order-value.js";
import { type OfferHistory, type PastOffers, partOfOffers } from "./past-offers.js";

export interface OfferFeatures {
  /** float32 [offers * PAIR_FEATURES], in shared memory */
  pairFeatures: Float32Array;
  /** float32 [offers * USER_FEATURES], in shared memory */
  userFeatures: Float32Array;
}

/** Offers whose features are made at once: bounds the memory of their users' tastes. */
const OFFERS_AT_ONCE = 65_536;
/** Offers of a kernel call. */
const SHARD_OFFERS = 8192;

/**
 * @param channels uint8 [users] of channels.ts
 * @param horizonDays float64 [offers] in which each could be redeemed
 */
export async function featuresOfOffers(
  executor: Executor,
  pairArgs: Record<string, ArgValue>,
  history: OfferHistory,
  past: PastOffers,
  journal: Journal,
  orderValue: OrderValueModel,
  channels: Uint8Array,
  horizonDays: Float64Array,
): Promise<OfferFeatures> {
  const pairs = PAIR_FEATURES.length;
  const dims = USER_FEATURES.length;
  const pairFeatures = shared.f32(history.users.length * pairs);
  const userFeatures = shared.f32(history.users.length * dims);
  const rows = shared.i32(Math.min(OFFERS_AT_ONCE, history.users.length));
  for (let row = 0; row < rows.length; row++) rows[row] = row;
  for (const { begin, end } of shards(history.users.length, OFFERS_AT_ONCE)) {
    const users = history.users.subarray(begin, end);
    const times = history.times.subarray(begin, end);
    const states = await statesAt(executor, journal, orderValue, users, times, partOfOffers(past, begin, end));
    const userChannels = shared.u8(end - begin);
    for (let row = 0; row < userChannels.length; row++) userChannels[row] = channels[users[row]!]!;
    await executor.map(
      shards(end - begin, SHARD_OFFERS).map((shard) => {
        const [from, to] = [begin + shard.begin, begin + shard.end];
        return {
          kernel: "pairFeatures",
          args: {
            ...pairArgs,
            ...pairStateArgs(states.shares, states.orderValue, states.purchaseRate),
            userChannels,
            pairHorizonDays: horizonDays.subarray(from, to),
            users: rows.subarray(shard.begin, shard.end),
            coupons: history.coupons.subarray(from, to),
            outFeatures: pairFeatures.subarray(from * pairs, to * pairs),
          },
        };
      }),
    );
    userFeatures.set(states.features, begin * dims);
  }
  return { pairFeatures, userFeatures };
}

/** The arguments of the pair kernels that come from the users' states. `shares`: as `States` has them */
export function pairStateArgs(
  shares: ArgValue,
  orderValue: ArgValue,
  purchaseRate: ArgValue,
): Record<string, ArgValue> {
  return { affinity: shares, orderValue, purchaseRate };
}
