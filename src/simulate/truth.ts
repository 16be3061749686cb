import { discountMinor, lowestThreshold } from "../campaign/coupon.js";
import type { Coupon } from "../campaign/coupon-schema.js";
import { invalidArgument } from "../errors.js";
import { type Executor, shared } from "../executor/executor.js";
import { loadTensors } from "../store/tensors.js";
import { forEachYielding } from "../util/yield.js";

/** What each coupon really does to each user, expected. All arrays [users * coupons], in shared memory. */
export interface Truth {
  numUsers: number;
  numCoupons: number;
  /** P(the coupon is redeemed) */
  redeem: Float32Array;
  /** P(an order in scope that would not have been) */
  extra: Float32Array;
  /** float64 incremental profit, minor units: margin of what is bought more, less the discount; may be negative */
  profitMinor: Float64Array;
  /** float64 discount paid, minor units: P(redeem) times the discount */
  costMinor: Float64Array;
  /** float64 discount of an order with the coupon, minor units */
  faceMinor: Float64Array;
}

/**
 * Reads a truth file of `synth`. A redeemed order is the user's usual one, raised to the coupon's lowest threshold:
 * profit = margin (extra order' + (redeem - extra) (order' - order)) - redeem discount(order').
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (of another shop), ERR_COUPONCAST_CORRUPT_FILE, ERR_COUPONCAST_IO.
 */
export async function readTruth(
  executor: Executor,
  path: string,
  coupons: readonly Coupon[],
  marginRate: readonly number[],
  numUsers: number,
): Promise<Truth> {
  const wanted = { p_without: "F32", p_with: "F32", p_redeem: "F32", order_value_minor: "F32" } as const;
  const tensors = (await loadTensors(executor, path, wanted)) as Record<keyof typeof wanted, Float32Array>;
  const numCoupons = coupons.length;
  const pairs = numUsers * numCoupons;
  if (tensors.p_with.length !== pairs || tensors.order_value_minor.length !== numUsers) {
    throw invalidArgument(
      `${path}: expected the truth of ${numUsers} users x ${numCoupons} coupons but received ${tensors.order_value_minor.length} users and ${tensors.p_with.length} pairs`,
      { file: path, hint: "The truth and the campaign must be of one synthetic shop, with all of its coupons." },
    );
  }
  const truth: Truth = {
    numUsers,
    numCoupons,
    redeem: tensors.p_redeem,
    extra: shared.f32(pairs),
    profitMinor: shared.f64(pairs),
    costMinor: shared.f64(pairs),
    faceMinor: shared.f64(pairs),
  };
  const lowest = coupons.map(lowestThreshold);
  await forEachYielding(numUsers, (user) => {
    const usual = tensors.order_value_minor[user]!;
    for (let c = 0; c < numCoupons; c++) {
      const at = user * numCoupons + c;
      const order = Math.max(usual, lowest[c]!);
      const redeem = truth.redeem[at]!;
      const extra = tensors.p_with[at]! - tensors.p_without[at]!;
      truth.faceMinor[at] = discountMinor(coupons[c]!, order);
      const discount = redeem * truth.faceMinor[at]!;
      truth.extra[at] = extra;
      truth.costMinor[at] = discount;
      truth.profitMinor[at] =
        marginRate[c]! * (extra * order + Math.max(0, redeem - extra) * (order - usual)) - discount;
    }
  });
  return truth;
}
