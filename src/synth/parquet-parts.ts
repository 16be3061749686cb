import { unlink } from "node:fs/promises";
import { DuckDb, escapeGlob, quoteLiteral } from "../duckdb/duckdb.js";

const COLUMNS = `{'user_id': 'VARCHAR', 'item_id': 'VARCHAR', 'behaviour': 'VARCHAR', 'time': 'TIMESTAMP',
  'quantity': 'UTINYINT', 'price_minor': 'INTEGER', 'order_id': 'VARCHAR'}`;

/** Turns parts of events from CSV to Parquet (time: TIMESTAMP in UTC), each by itself, in the order of the lines. */
export class ParquetParts {
  /** Converts files of `dir`, an absolute path. */
  static async open(dir: string): Promise<ParquetParts> {
    // One thread: row groups, so bytes, must not depend on the machine.
    const options = { path: ":memory:", tempDir: dir, memoryLimitMb: 1024, threads: 1, preserveInsertionOrder: true };
    return new ParquetParts(await DuckDb.open(options));
  }

  private constructor(readonly db: DuckDb) {}

  close(): void {
    this.db.close();
  }

  /** Writes `name.parquet` beside `name.csv` and removes the latter. */
  async convert(csvPath: string): Promise<void> {
    const parquetPath = csvPath.replace(/\.csv$/, ".parquet");
    await this.db.run(
      `COPY (SELECT * FROM read_csv(${quoteLiteral(escapeGlob(csvPath))}, header = true, auto_detect = false, delim = ',',
       nullstr = '', columns = ${COLUMNS})) TO ${quoteLiteral(parquetPath)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    await unlink(csvPath);
  }
}
