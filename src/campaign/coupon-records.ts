import type { BrokenRecord, CouponRecord } from "./coupon-record.js";
import { csvCoupon, csvHeaderProblems } from "./csv-coupon.js";
import { csvRecords } from "./csv-records.js";
import { SyntaxProblem } from "./document.js";
import { parseJson, parseJsonList, parseJsonValue } from "./parse-json.js";

export type CatalogueFormat = "json" | "jsonl" | "yaml" | "csv";

const FORMAT_BY_ENDING: Readonly<Record<string, CatalogueFormat>> = {
  ".json": "json",
  ".jsonl": "jsonl",
  ".ndjson": "jsonl",
  ".yaml": "yaml",
  ".yml": "yaml",
  ".csv": "csv",
};

/** File endings that a catalogue can have (each also with .gz). */
export const CATALOGUE_ENDINGS = Object.keys(FORMAT_BY_ENDING);

/** The format by the file's ending, or undefined. */
export function catalogueFormat(path: string): CatalogueFormat | undefined {
  const name = path.toLowerCase().replace(/\.gz$/, "");
  const dot = name.lastIndexOf(".");
  return dot === -1 ? undefined : FORMAT_BY_ENDING[name.slice(dot)];
}

function* jsonRecords(text: string): Generator<CouponRecord> {
  for (const { value, text: own, line } of parseJsonList(text)) {
    yield { value, line, lineOf: (path) => parseJson(own, line).lineOf(path) };
  }
}

function* jsonLines(text: string): Generator<CouponRecord | BrokenRecord> {
  let line = 1;
  for (let start = 0; start < text.length; line++) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    const own = text.slice(start, end);
    start = end + 1;
    if (own.trim() === "") continue;
    yield oneJsonLine(own, line);
  }
}

function oneJsonLine(text: string, line: number): CouponRecord | BrokenRecord {
  try {
    return { value: parseJsonValue(text, line), line };
  } catch (thrown) {
    if (thrown instanceof SyntaxProblem) return { line, problem: thrown.message };
    throw thrown;
  }
}

function* csvCoupons(text: string): Generator<CouponRecord | BrokenRecord> {
  let header: string[] | undefined;
  for (const { cells, line } of csvRecords(text)) {
    if (header === undefined) {
      header = cells.map((cell) => cell.trim());
      const problems = csvHeaderProblems(header);
      for (const problem of problems) yield { line, problem };
      if (problems.length > 0) return;
      continue;
    }
    yield oneCsvRow(header, cells, line);
  }
}

function oneCsvRow(header: readonly string[], cells: readonly string[], line: number): CouponRecord | BrokenRecord {
  try {
    return { value: csvCoupon(header, cells, line), line };
  } catch (thrown) {
    if (thrown instanceof SyntaxProblem) return { line, problem: thrown.message };
    throw thrown;
  }
}

/**
 * The records of a catalogue text, in its order. Faulty lines of JSONL and CSV come as BrokenRecord and reading goes
 * on; in JSON and YAML the first fault ends it.
 *
 * Errors: SyntaxProblem with the line.
 */
export async function couponRecords(
  text: string,
  format: CatalogueFormat,
): Promise<Iterable<CouponRecord | BrokenRecord>> {
  switch (format) {
    case "json":
      return jsonRecords(text);
    case "jsonl":
      return jsonLines(text);
    case "csv":
      return csvCoupons(text);
    case "yaml": {
      const { yamlCoupons } = await import("./yaml-coupons.js");
      return yamlCoupons(text);
    }
  }
}
