/** Groups the events in the database into baskets, and streams them into a file. */
import type { DuckDb } from "../duckdb/duckdb.js";
import { invalidArgument } from "../errors.js";
import { BASKET_TENSORS, type BasketsBy } from "../store/baskets.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import type { CleaningRules } from "./event-sql.js";
import type { BasketsRequest } from "./ingest-types.js";
import { localDateSql } from "./time-sql.js";
import { writeIds } from "./write-ids.js";
import type { UserRange } from "./write-matrix.js";

interface Grouping extends BasketsRequest {
  path: string;
  /** All users, in order. */
  ranges: readonly UserRange[];
  /** Names by code. */
  allBehaviours: readonly string[];
  timeZone: string;
}

/** What else besides the user tells baskets apart. A purchase without an order belongs to that day's. */
const KEYS: Record<BasketsBy, (timeZone: string) => { keys: string[]; where: string }> = {
  user: () => ({ keys: [], where: "true" }),
  "user-day": (timeZone) => ({ keys: [localDateSql("t", timeZone)], where: "true" }),
  order: () => ({ keys: ["order_id", "order_day"], where: "(order_id IS NOT NULL OR order_day IS NOT NULL)" }),
};

/** Errors: INVALID_ARGUMENT for a behaviour that does not exist, or that belongs to no order. */
export function checkBaskets({ by, behaviours }: BasketsRequest, rules: CleaningRules): void {
  const known = by === "order" ? [rules.purchaseBehaviour] : rules.behaviours;
  const unknown = behaviours.find((name) => !known.includes(name));
  if (behaviours.length > 0 && unknown === undefined) return;
  const wanted = by === "order" ? `only ${known[0]} for baskets by order` : `at least one of ${known.join(", ")}`;
  throw invalidArgument(`expected ${wanted} but received ${unknown === undefined ? "none" : JSON.stringify(unknown)}`, {
    field: "baskets.behaviours",
  });
}

function basketsSql(range: UserRange, before: number, { by, behaviours, allBehaviours, timeZone }: Grouping): string {
  const { keys, where } = KEYS[by](timeZone);
  const codes = behaviours.map((name) => allBehaviours.indexOf(name));
  const group = ["u", ...keys.map((_, k) => `k${k}`)].join(", ");
  const named = keys.map((key, k) => `${key} AS k${k}, `).join("");
  return `
INSERT INTO basket_cells
SELECT ${before} + dense_rank() OVER (ORDER BY u, started, ${group}) - 1, u, i
FROM (
  SELECT ${group}, i, min(min(t)) OVER (PARTITION BY ${group}) AS started
  FROM (
    SELECT u, ${named}i, t FROM events
    WHERE u >= ${range.begin} AND u < ${range.end} AND b IN (${codes.join(", ")}) AND ${where}
  )
  GROUP BY ${group}, i
)`;
}

/**
 * Baskets in the order of users, of one user by their first event. Memory: DuckDB's for the events of one range, and 12
 * bytes a basket. Errors: ERR_COUPONCAST_IO, _CANCELLED.
 */
export async function writeBaskets(db: DuckDb, grouping: Grouping): Promise<void> {
  await db.run("CREATE TABLE basket_cells (basket BIGINT, u INTEGER, i INTEGER)");
  let numBaskets = 0;
  for (const range of grouping.ranges) {
    await db.run(basketsSql(range, numBaskets, grouping));
    numBaskets = await db.count("SELECT coalesce(max(basket) + 1, 0) FROM basket_cells");
  }
  const numItems = await db.count("SELECT count(*) FROM item_rows");
  const lengths: Record<keyof typeof BASKET_TENSORS, number> = {
    indptr: numBaskets + 1,
    "items.offsets": numItems + 1,
    items: await db.count("SELECT count(*) FROM basket_cells"),
    users: numBaskets,
    "items.bytes": await db.count("SELECT coalesce(sum(strlen(item_id)), 0) FROM item_rows"),
  };
  const writer = TensorFileWriter.create(
    grouping.path,
    Object.entries(BASKET_TENSORS).map(([name, dtype]) => ({
      name,
      dtype,
      shape: [lengths[name as keyof typeof lengths]],
    })),
    { kind: "baskets", by: grouping.by, behaviours: JSON.stringify(grouping.behaviours) },
  );
  try {
    await writeIds(db, writer, "item", numItems);
    const indptr = new BigInt64Array(numBaskets + 1);
    const users = new Int32Array(numBaskets);
    let at = 0;
    const sql = "SELECT basket, u, i FROM basket_cells ORDER BY basket, i";
    for await (const { numRows, columns } of db.streamColumns(sql, ["I64", "I32", "I32"])) {
      const [baskets, owners, items] = columns;
      for (let row = 0; row < numRows; row++) {
        const basket = Number(baskets[row]!);
        indptr[basket + 1]!++;
        users[basket] = owners[row]!;
      }
      await writer.write("items", at, items);
      at += numRows;
    }
    for (let basket = 0; basket < numBaskets; basket++) indptr[basket + 1]! += indptr[basket]!;
    await writer.write("indptr", 0, indptr);
    await writer.write("users", 0, users);
    await writer.commit();
  } finally {
    await writer.abort();
  }
}
