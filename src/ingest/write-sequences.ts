/** Streams the events from the database into a file of behaviour sequences, and what they were into the journal beside it. */
import type { DuckDb } from "../duckdb/duckdb.js";
import { JOURNAL_TENSORS } from "../store/journal.js";
import { SEQUENCE_TENSORS } from "../store/sequences.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import { orderedEventsSql } from "./features-sql.js";
import { writeIds } from "./write-ids.js";
import type { UserRange } from "./write-matrix.js";

export interface SequencesRequest {
  path: string;
  journal: string;
  /** Position of the purchase in `behaviours`. */
  purchase: number;
  /** All users, in order. */
  ranges: readonly UserRange[];
  behaviours: readonly string[];
  asOfMicros: bigint;
}

/** Memory: 8 bytes a user, and DuckDB's for the events of one range. Errors: ERR_COUPONCAST_IO, _CANCELLED. */
export async function writeSequences(db: DuckDb, request: SequencesRequest): Promise<void> {
  const { path, ranges, behaviours, asOfMicros, purchase } = request;
  const numUsers = ranges.at(-1)?.end ?? 0;
  const numEvents = await db.count("SELECT count(*) FROM events");
  const idBytes = await db.count("SELECT coalesce(sum(strlen(user_id)), 0) FROM user_rows");
  const lengths: Record<keyof typeof SEQUENCE_TENSORS, number> = {
    indptr: numUsers + 1,
    times: numEvents,
    "users.offsets": numUsers + 1,
    behaviours: numEvents,
    "users.bytes": idBytes,
  };
  const writer = TensorFileWriter.create(
    path,
    Object.entries(SEQUENCE_TENSORS).map(([name, dtype]) => ({
      name,
      dtype,
      shape: [lengths[name as keyof typeof lengths]],
    })),
    { kind: "sequences", behaviours: JSON.stringify(behaviours), asOfMicros: String(asOfMicros) },
  );
  const journal = TensorFileWriter.create(
    request.journal,
    Object.entries(JOURNAL_TENSORS).map(([name, dtype]) => ({ name, dtype, shape: [numEvents] })),
    { kind: "journal" },
  );
  try {
    await writeIds(db, writer, "user", numUsers);
    const indptr = new BigInt64Array(numUsers + 1);
    let at = 0;
    for (const range of ranges) {
      const types = ["I32", "U8", "I64", "I32", "F64", "U8"] as const;
      for await (const { numRows, columns } of db.streamColumns(orderedEventsSql(range, purchase), types)) {
        const [users, codes, times, items, values, orders] = columns;
        for (let i = 0; i < numRows; i++) indptr[users[i]! + 1]!++;
        await writer.write("behaviours", at, codes);
        await writer.write("times", at, times);
        await journal.write("items", at, items);
        await journal.write("values", at, values);
        await journal.write("orders", at, orders);
        at += numRows;
      }
    }
    for (let user = 0; user < numUsers; user++) indptr[user + 1]! += indptr[user]!;
    await writer.write("indptr", 0, indptr);
    await writer.commit();
    await journal.commit();
  } finally {
    await writer.abort();
    await journal.abort();
  }
}
