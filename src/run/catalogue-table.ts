import type { Coupon } from "../campaign/coupon-schema.js";
import type { DuckDb } from "../duckdb/duckdb.js";

/** Makes the table `catalogue` (coupon_id, kind, position in the campaign) that queries name coupons by. */
export async function createCatalogueTable(db: DuckDb, coupons: readonly Coupon[]): Promise<void> {
  await db.run("CREATE TABLE catalogue (coupon_id VARCHAR, kind VARCHAR, position BIGINT)");
  const appender = await db.openAppender("catalogue", ["TEXT", "TEXT", "I64"]);
  appender.append([coupons.map(({ id }) => id), coupons.map(({ kind }) => kind), coupons.map((_, j) => BigInt(j))]);
  appender.close();
}
