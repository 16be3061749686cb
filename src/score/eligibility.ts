import { horizonDays, isActive } from "../campaign/coupon.js";
import type { Coupon } from "../campaign/coupon-schema.js";
import { quoteLiteral } from "../duckdb/duckdb.js";
import { birthdayWindow } from "./birthday-window.js";
import { type Reason, reasonCode } from "./reasons.js";
import { ruleSql, type UserColumn } from "./rule-sql.js";

export { REASONS, reasonCode } from "./reasons.js";

export interface EligibilityContext {
  /** the moment of the decision, milliseconds since 1970 */
  asOfMs: number;
  /** IANA name of the campaign's zone, for coupons without one of their own */
  timeZone: string;
  /** the columns of users.parquet with their DuckDB types */
  userColumns: readonly UserColumn[];
  /**
   * SQL of how often the user of the row has redeemed this coupon (NULL counts as never), of any join the caller
   * makes. Without it there is no history, and limitPerUser cannot be reached.
   */
  redemptionsSql?: (coupon: Coupon, index: number) => string;
}

/** How to tell who may get an active coupon. */
interface CouponEligibility {
  /** position in the list given */
  index: number;
  couponId: string;
  /** UTINYINT expression over `u` (users.parquet) and `f` (features.parquet): 0, or the first reason that applies */
  sql: string;
}

export interface Eligibility {
  /** in the order given */
  active: CouponEligibility[];
  /** coupons outside their window (reason not_active for everybody), in the order given */
  inactive: { index: number; couponId: string }[];
}

function birthdaySql(coupon: Coupon, { asOfMs, timeZone }: EligibilityContext): string {
  const days = horizonDays(coupon, asOfMs, timeZone);
  const { first, last, wholeYear, hasLeapDay } = birthdayWindow(asOfMs, days, coupon.timeZone ?? timeZone);
  const day = "(u.birth_month::INTEGER * 100 + u.birth_day::INTEGER)";
  if (wholeYear) return `coalesce(${day} > 0, false)`;
  const range = first <= last ? `${day} BETWEEN ${first} AND ${last}` : `(${day} >= ${first} OR ${day} <= ${last})`;
  return `coalesce(CASE WHEN ${day} = 229 THEN ${hasLeapDay} ELSE ${range} END, false)`;
}

/** What must hold for the coupon, in the order in which failures are named. Expressions may be NULL: not held. */
function conditions(coupon: Coupon, index: number, context: EligibilityContext): [Reason, string][] {
  const list: [Reason, string][] = [["no_consent", "u.consent"]];
  if (coupon.kind === "first-order") list.push(["not_first_order", "coalesce(f.frequency, 0) = 0"]);
  if (coupon.kind === "birthday") list.push(["not_birthday", birthdaySql(coupon, context)]);
  if (coupon.kind === "member-only") list.push(["not_member", "lower(trim(u.tier)) NOT IN ('', 'none')"]);
  if (coupon.channel !== "both") {
    list.push(["wrong_channel", `u.channel IN ('both', ${quoteLiteral(coupon.channel)})`]);
  }
  if (coupon.stores.length > 0)
    list.push(["wrong_store", `u.store IN (${coupon.stores.map(quoteLiteral).join(", ")})`]);
  if (coupon.eligibility !== undefined) {
    const { userColumns, timeZone } = context;
    const owner = `coupon ${JSON.stringify(coupon.id)}`;
    list.push(["rule", ruleSql(coupon.eligibility, { userColumns, timeZone: coupon.timeZone ?? timeZone, owner })]);
  }
  if (coupon.limitPerUser !== undefined && context.redemptionsSql !== undefined) {
    const count = context.redemptionsSql(coupon, index);
    list.push(["limit_reached", `coalesce(${count}, 0) < ${coupon.limitPerUser}`]);
  }
  return list;
}

/**
 * For each coupon that is active at asOf, SQL of whether a user may get it: 0 eligible, else the number of the first
 * REASONS entry that applies, in the order consent, kind (first order: no purchase order yet; birthday: within the
 * days in which the coupon can be redeemed; member-only: a tier other than empty and 'none'), channel, store, rule,
 * limit per user. Pure: reads nothing, runs nothing. Names and values are quoted; nothing of a file becomes SQL.
 *
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT of ruleSql, for an attribute or a comparison that the users table does
 * not allow. Cost: O(size of the rules) text.
 */
export function eligibilitySql(coupons: readonly Coupon[], context: EligibilityContext): Eligibility {
  const result: Eligibility = { active: [], inactive: [] };
  coupons.forEach((coupon, index) => {
    if (!isActive(coupon, context.asOfMs, context.timeZone)) {
      result.inactive.push({ index, couponId: coupon.id });
      return;
    }
    const cases = conditions(coupon, index, context).map(
      ([reason, holds]) => `WHEN (${holds}) IS NOT TRUE THEN ${reasonCode(reason)}`,
    );
    const sql = `CAST(CASE ${cases.join(" ")} ELSE ${reasonCode("eligible")} END AS UTINYINT)`;
    result.active.push({ index, couponId: coupon.id, sql });
  });
  return result;
}
