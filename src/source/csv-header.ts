import { CouponcastError } from "../errors.js";
import { FieldParser } from "./csv-records.js";

const DELIMITERS = [",", ";", "\t", "|"] as const;

export interface CsvHeader {
  delimiter: string;
  /** Column names in file order; an empty name becomes `column<position>`. */
  names: string[];
  /** The header is exactly the first line, so DuckDB's reader can skip it by itself. */
  plain: boolean;
}

/**
 * Reads the header by rules that a person can predict, instead of DuckDB's sniffer, which guesses from a sample and may
 * drop rows: the first non-empty line names the columns; the delimiter is the one of `, ; tab |` that cuts it into most
 * fields (in this order when they tie).
 *
 * @param lines the first lines of the file
 */
export function readCsvHeader(lines: readonly string[], delimiter: string | undefined, file: string): CsvHeader {
  const first = lines.findIndex((line) => line !== "");
  if (first === -1) {
    throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", `${file} is empty: expected a CSV header line`, {
      file,
      line: 1,
    });
  }
  const candidates = delimiter === undefined ? DELIMITERS : [delimiter];
  let best: CsvHeader | undefined;
  for (const candidate of candidates) {
    const parser = new FieldParser(candidate);
    let state: "done" | "open" | "bad" = "open";
    let used = 0;
    for (const line of lines.slice(first)) {
      // A byte order mark may stand before a quoted name.
      state = parser.feed(used === 0 ? line.replace(/^\ufeff/, "") : `\n${line}`);
      used += 1;
      if (state !== "open") break;
    }
    if (state !== "done") continue;
    if (best === undefined || parser.fields.length > best.names.length) {
      const names = parser.fields.map((name, i) => name ?? `column${i + 1}`);
      best = { delimiter: candidate, names, plain: used === 1 && first === 0 };
    }
  }
  if (best === undefined) {
    throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", `${file}: the header line has an unclosed quote`, {
      file,
      line: first + 1,
      hint: "expected column names separated by , ; tab or |, quoted with double quotes if at all",
    });
  }
  return best;
}

/** Throws when the first bytes show that the file is no UTF-8 text. */
export function checkTextStart(bytes: Uint8Array, file: string, format: "CSV" | "JSONL"): void {
  const [a, b, c, d] = bytes;
  const kind =
    (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)
      ? "UTF-16 text"
      : a === 0x1f && b === 0x8b
        ? "gzip data (its name should end in .gz)"
        : a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd
          ? "zstd data (its name should end in .zst)"
          : a === 0x50 && b === 0x41 && c === 0x52 && d === 0x31
            ? "a Parquet file (its name should end in .parquet)"
            : undefined;
  if (kind !== undefined) {
    throw new CouponcastError(
      "ERR_COUPONCAST_CORRUPT_FILE",
      `${file}: expected ${format} as UTF-8 text, found ${kind}`,
      {
        file,
        hint: kind.startsWith("UTF-16") ? "convert it: iconv -f UTF-16 -t UTF-8" : "rename the file or set its format",
      },
    );
  }
}
