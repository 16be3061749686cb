import type { DuckDb } from "../duckdb/duckdb.js";
import type { TensorFileWriter } from "../store/tensor-file-writer.js";

const IDS_PER_BATCH = 16_384;

/** Writes all users' or items' ids into the tensors users.offsets [count + 1] and users.bytes, or those of items. */
export async function writeIds(
  db: DuckDb,
  writer: TensorFileWriter,
  what: "user" | "item",
  count: number,
): Promise<void> {
  const offsets = new BigInt64Array(count + 1);
  let row = 0;
  let at = 0;
  const sql = `SELECT ${what}_id FROM ${what}_rows ORDER BY row`;
  for await (const { columns } of db.streamColumns(sql, ["TEXT"], IDS_PER_BATCH)) {
    const bytes = columns[0].map((id) => Buffer.from(id));
    await writer.write(`${what}s.bytes`, at, Buffer.concat(bytes));
    for (const { length } of bytes) {
      at += length;
      offsets[++row] = BigInt(at);
    }
  }
  await writer.write(`${what}s.offsets`, 0, offsets);
}
