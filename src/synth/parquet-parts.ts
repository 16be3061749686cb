import { unlink } from "node:fs/promises";
import { CouponcastError } from "../errors.js";

const COLUMNS = `{'user_id': 'VARCHAR', 'item_id': 'VARCHAR', 'behaviour': 'VARCHAR', 'time': 'TIMESTAMP',
  'quantity': 'UTINYINT', 'price_minor': 'INTEGER', 'order_id': 'VARCHAR'}`;

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** DuckDB reads a path as a pattern: a class of one character stands for that character. */
function literalPattern(path: string): string {
  return quoted(path.replace(/[*?[]/g, "[$&]"));
}

/** Turns parts of events from CSV to Parquet (time: TIMESTAMP in UTC), each by itself, in the order of the lines. */
export class ParquetParts {
  static async open(): Promise<ParquetParts> {
    const { DuckDBInstance } = await import("@duckdb/node-api");
    // One thread: row groups, so bytes, must not depend on the machine.
    const instance = await DuckDBInstance.create(":memory:", { threads: "1", memory_limit: "1GB" });
    const connection = await instance.connect();
    return new ParquetParts(
      (sql) => connection.run(sql),
      () => {
        connection.closeSync();
        instance.closeSync();
      },
    );
  }

  private constructor(
    readonly run: (sql: string) => Promise<unknown>,
    readonly close: () => void,
  ) {}

  /** Writes `name.parquet` beside `name.csv` and removes the latter. */
  async convert(csvPath: string): Promise<void> {
    const parquetPath = csvPath.replace(/\.csv$/, ".parquet");
    try {
      await this.run(
        `COPY (SELECT * FROM read_csv(${literalPattern(csvPath)}, header = true, auto_detect = false, delim = ',',
         nullstr = '', columns = ${COLUMNS})) TO ${quoted(parquetPath)} (FORMAT parquet, COMPRESSION zstd)`,
      );
    } catch (cause) {
      throw new CouponcastError("ERR_COUPONCAST_IO", `cannot write ${parquetPath}: ${(cause as Error).message}`, {
        cause,
        file: parquetPath,
      });
    }
    await unlink(csvPath);
  }
}
