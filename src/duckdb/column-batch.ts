/** Columns of a streamed result as typed arrays. */
import type { DuckDBDataChunk } from "@duckdb/node-api";

/** Element types of a streamed column. TEXT columns arrive as strings. */
export type ColumnType = "I32" | "I64" | "F32" | "F64" | "U8" | "TEXT";

interface ColumnArrays {
  I32: Int32Array;
  I64: BigInt64Array;
  F32: Float32Array;
  F64: Float64Array;
  U8: Uint8Array;
  TEXT: string[];
}

export interface ColumnBatch<T extends readonly ColumnType[]> {
  numRows: number;
  /** One array of `numRows` elements a column. An element that is NULL holds 0, NaN (floats) or "" (TEXT). */
  columns: { -readonly [K in keyof T]: ColumnArrays[T[K]] };
  /** For each column: 1 where the value is NULL; undefined when the batch has none. */
  nulls: (Uint8Array | undefined)[];
}

export const SQL_TYPE: Record<ColumnType, string> = {
  I32: "INTEGER",
  I64: "BIGINT",
  F32: "FLOAT",
  F64: "DOUBLE",
  U8: "UTINYINT",
  TEXT: "VARCHAR",
};

/** Gathers DuckDB's 2048-row chunks into larger batches. */
export class BatchBuilder<T extends readonly ColumnType[]> {
  numRows = 0;
  readonly #types: T;
  readonly #columns: ColumnArrays[ColumnType][];
  readonly #nulls: (Uint8Array | undefined)[];
  readonly #capacity: number;

  constructor(types: T, capacity: number) {
    this.#types = types;
    this.#capacity = capacity;
    this.#columns = types.map((type) => newColumn(type, capacity));
    this.#nulls = types.map(() => undefined);
  }

  append(chunk: DuckDBDataChunk): void {
    const { rowCount } = chunk;
    for (let c = 0; c < this.#types.length; c++) {
      const vector = chunk.getColumnVector(c) as unknown as {
        items: Int32Array;
        validity: { itemValid(i: number): boolean };
        getItem(i: number): unknown;
      };
      const column = this.#columns[c]!;
      if (this.#types[c] === "TEXT") {
        const texts = column as string[];
        for (let i = 0; i < rowCount; i++) {
          const text = vector.getItem(i) as string | null;
          texts.push(text ?? "");
          if (text === null) this.#markNull(c, this.numRows + i);
        }
        continue;
      }
      const numbers = column as Int32Array;
      numbers.set(vector.items.subarray(0, rowCount), this.numRows);
      for (let i = 0; i < rowCount; i++) {
        if (!vector.validity.itemValid(i)) {
          // The slot of a NULL holds whatever was there before: overwrite it.
          const at = this.numRows + i;
          this.#markNull(c, at);
          clearSlot(column, at);
        }
      }
    }
    this.numRows += rowCount;
  }

  finish(): ColumnBatch<T> {
    const columns = this.#columns.map((column) =>
      Array.isArray(column) || this.numRows === this.#capacity ? column : column.slice(0, this.numRows),
    );
    return {
      numRows: this.numRows,
      columns: columns as ColumnBatch<T>["columns"],
      nulls: this.#nulls.map((n) => n?.slice(0, this.numRows)),
    };
  }

  #markNull(column: number, row: number): void {
    let nulls = this.#nulls[column];
    if (nulls === undefined) {
      nulls = new Uint8Array(this.#capacity);
      this.#nulls[column] = nulls;
    }
    nulls[row] = 1;
  }
}

function newColumn(type: ColumnType, length: number): ColumnArrays[ColumnType] {
  switch (type) {
    case "I32":
      return new Int32Array(length);
    case "I64":
      return new BigInt64Array(length);
    case "F32":
      return new Float32Array(length);
    case "F64":
      return new Float64Array(length);
    case "U8":
      return new Uint8Array(length);
    case "TEXT":
      return [];
  }
}

function clearSlot(column: ColumnArrays[ColumnType], at: number): void {
  if (column instanceof BigInt64Array) column[at] = 0n;
  else if (column instanceof Float32Array || column instanceof Float64Array) column[at] = Number.NaN;
  else (column as Int32Array)[at] = 0;
}
