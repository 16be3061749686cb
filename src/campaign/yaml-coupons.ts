import type { CouponRecord } from "./coupon-record.js";
import { type LocatedDocument, SyntaxProblem } from "./document.js";
import { parseYaml } from "./parse-yaml.js";

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

/**
 * The coupons of a YAML catalogue, in its order.
 *
 * Errors: SyntaxProblem with the line.
 */
export function* yamlCoupons(text: string): Generator<CouponRecord> {
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
