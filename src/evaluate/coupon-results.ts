import type { DuckDb } from "../duckdb/duckdb.js";
import { type Interval, wilsonInterval } from "./interval.js";

/**
 * What the receivers of coupons did. Not what the coupons brought: receivers were chosen, so what they bought is no
 * effect; the comparison with the holdout is.
 */
export interface CouponResults {
  /** Coupon, kind or segment. */
  name: string;
  numHanded: number;
  numRedeemed: number;
  /** Redeemed share of the handed-out coupons, with its score interval. */
  redemptionRate: number;
  redemptionInterval: Interval;
  /** Discount redeemed over the discount had all been redeemed; null where coupons are worth nothing. */
  redemptionRateByAmount: number | null;
  /** Share of the receivers with an order. */
  conversion: number;
  /** Of the receivers' orders. */
  salesMinor: number;
  marginMinor: number;
  discountMinor: number;
  /** sales / discount: return on ad spend; null without discounts, as `roi`. */
  roas: number | null;
  /** (margin - discount) / discount. */
  roi: number | null;
}

/** SQL of each grouping. */
const GROUPS = {
  coupon: "h.coupon",
  kind: "h.kind",
  segment: "CASE WHEN h.segment < 0 THEN 'none' ELSE CAST(h.segment AS VARCHAR) END",
} as const;

/** By coupon, by kind or by segment of the receiver, in ascending order of the name. */
export async function couponResults(db: DuckDb, by: keyof typeof GROUPS, confidence: number): Promise<CouponResults[]> {
  // A receiver of several coupons of a group counts once in what it bought.
  const rows = await db.rows(`
    WITH coupons AS (SELECT ${GROUPS[by]} AS name, count(*) AS handed, count(*) FILTER (redeemed) AS redeemed, sum(face) AS face, sum(discount) AS discount
        FROM handed h GROUP BY ALL),
      receivers AS (SELECT DISTINCT ${GROUPS[by]} AS name, id FROM handed h),
      sold AS (SELECT r.name, count(*) AS receivers, count(b.id) AS buyers, coalesce(sum(b.sales), 0) AS sales, coalesce(sum(b.margin), 0) AS margin
        FROM receivers r LEFT JOIN bought b ON r.id = b.id GROUP BY ALL)
    SELECT c.name, c.handed::DOUBLE AS handed, c.redeemed::DOUBLE AS redeemed, c.face::DOUBLE / 1000 AS face, c.discount::DOUBLE / 1000 AS discount,
      s.receivers::DOUBLE AS receivers, s.buyers::DOUBLE AS buyers, s.sales::DOUBLE / 1000 AS sales, s.margin::DOUBLE / 1000 AS margin
    FROM coupons c JOIN sold s ON c.name = s.name ORDER BY c.name`);
  return rows.map((row) => {
    const at = (name: string) => Number(row[name]);
    const discount = at("discount");
    return {
      name: String(row.name),
      numHanded: at("handed"),
      numRedeemed: at("redeemed"),
      redemptionRate: at("redeemed") / at("handed"),
      redemptionInterval: wilsonInterval(at("redeemed") / at("handed"), at("handed"), confidence),
      redemptionRateByAmount: at("face") > 0 ? discount / at("face") : null,
      conversion: at("buyers") / at("receivers"),
      salesMinor: at("sales"),
      marginMinor: at("margin"),
      discountMinor: discount,
      roas: discount > 0 ? at("sales") / discount : null,
      roi: discount > 0 ? (at("margin") - discount) / discount : null,
    };
  });
}
