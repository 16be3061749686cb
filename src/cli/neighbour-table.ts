/** Lists of neighbours as a table. */
import { Executor, type RowRange, shared } from "../executor/executor.js";
import type { Axis } from "../native/addon.js";
import type { Neighbours } from "../score/similar.js";
import type { OutputFile } from "../table/output-file.js";
import { TableWriter } from "../table/table-writer.js";
import type { Session } from "./command.js";
import { fillListRows } from "./list-rows.js";

/** Neighbours in memory at once: 8 bytes each, and their text beside it. */
const BATCH_PLACES = 16_000_000;

export interface NeighbourTable {
  axis: Axis;
  ids: AsyncIterable<string[]> | Iterable<string[]>;
  rows: number;
  /** Places of a list. */
  width: number;
  raw: boolean | undefined;
  /** The lists of some rows. */
  find(range: RowRange): Promise<Pick<Neighbours, "indices" | "scores">> | Pick<Neighbours, "indices" | "scores">;
}

/** Gives the number of neighbours. */
export async function writeNeighbourTable(
  session: Session,
  output: OutputFile,
  { axis, ids, rows, width, raw, find }: NeighbourTable,
): Promise<number> {
  const batch = Math.max(1, Math.floor(BATCH_PLACES / width));
  const executor = new Executor(session.run());
  const writer = await TableWriter.open(output, { executor, signal: session.signal, raw });
  try {
    await writer.addIds("rows", ids);
    // Also without rows: the table has its columns all the same.
    for (let begin = 0; begin === 0 || begin < rows; begin += batch) {
      const range = { begin, end: Math.min(begin + batch, rows) };
      const found = await find(range);
      const row = shared.i32((range.end - begin) * width);
      const rank = shared.i32(row.length);
      await fillListRows(row, rank, width, begin);
      await writer.append([row, found.indices, rank, found.scores], 1);
    }
    session.progress.update({ stage: "writing", done: 0, total: undefined });
    return await writer.finish(
      [
        { name: axis === "users" ? "user_id" : "item_id", from: 0, ids: "rows" },
        { name: "neighbour_id", from: 1, ids: "rows" },
        { name: "rank", from: 2 },
        { name: "score", from: 3 },
      ],
      [0, 2],
    );
  } finally {
    writer.close();
  }
}
