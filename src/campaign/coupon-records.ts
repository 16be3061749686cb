import { csvCoupon, csvHeaderProblems } from "./csv-coupon.js";
import { csvRecords } from "./csv-records.js";
import { type LocatedDocument, SyntaxProblem } from "./document.js";
import { parseJson, parseJsonList, parseJsonValue } from "./parse-json.js";
import { parseYaml } from "./parse-yaml.js";

/** A coupon as a catalogue has it, not yet checked. */
export interface CouponRecord {
  value: unknown;
  line: number;
  /** finds the line of a field; may cost a second parse of the record, so it is asked for faults only, at once */
  lineOf?: (path: readonly PropertyKey[]) => number;
}

/** A part of a catalogue that is no record; reading goes on behind it where the format has lines. */
export interface BrokenRecord {
  line: number;
  problem: string;
}

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

/** Characters of a YAML catalogue that are parsed at once: its syntax tree takes a hundred times the text. */
const YAML_CHUNK = 50_000;

/**
 * Cuts a YAML list at lines that begin with "- ". Such a line starts an element unless it stands in a quoted or
 * bracketed text, or the elements are not where a list at the left margin has them; then some chunk is no whole list
 * and does not parse, and the caller parses the text in one piece.
 */
function* yamlChunks(text: string): Generator<{ text: string; line: number }> {
  let start = 0;
  let line = 1;
  while (start < text.length) {
    const cut = start + YAML_CHUNK >= text.length ? -1 : text.indexOf("\n- ", start + YAML_CHUNK);
    const end = cut === -1 ? text.length : cut + 1;
    const own = text.slice(start, end);
    yield { text: own, line };
    line += own.split("\n").length - 1;
    start = end;
  }
}

function listOf(document: LocatedDocument, line: number): unknown[] {
  if (Array.isArray(document.value)) return document.value;
  throw new SyntaxProblem(line, "expected a list of coupons (- id: ...)");
}

/** The records behind the first `skip`. */
function* yamlInOnePiece(text: string, skip: number): Generator<CouponRecord> {
  const document = parseYaml(text);
  for (const [i, value] of listOf(document, 1).entries()) {
    if (i >= skip) yield { value, line: document.lineOf([i]), lineOf: (path) => document.lineOf([i, ...path]) };
  }
}

function* yamlRecords(text: string): Generator<CouponRecord> {
  if (text.length <= YAML_CHUNK) return yield* yamlInOnePiece(text, 0);
  let done = 0;
  for (const { text: own, line: chunkLine } of yamlChunks(text)) {
    let document: LocatedDocument;
    let list: unknown[];
    try {
      document = parseYaml(own, chunkLine);
      list = listOf(document, chunkLine);
    } catch (thrown) {
      if (!(thrown instanceof SyntaxProblem)) throw thrown;
      return yield* yamlInOnePiece(text, done);
    }
    for (const [i, value] of list.entries()) {
      yield { value, line: document.lineOf([i]), lineOf: (path) => document.lineOf([i, ...path]) };
    }
    done += list.length;
  }
}

/**
 * The records of a catalogue text, in its order. Faulty lines of JSONL and CSV come as BrokenRecord and reading goes
 * on; in JSON and YAML the first fault ends it.
 *
 * Errors: SyntaxProblem with the line.
 */
export function couponRecords(text: string, format: CatalogueFormat): Iterable<CouponRecord | BrokenRecord> {
  switch (format) {
    case "json":
      return jsonRecords(text);
    case "jsonl":
      return jsonLines(text);
    case "csv":
      return csvCoupons(text);
    case "yaml":
      return yamlRecords(text);
  }
}
