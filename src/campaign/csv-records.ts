import { SyntaxProblem } from "./document.js";

/** One record of a CSV text: its cells, and the line that it starts on. */
export interface CsvRecord {
  cells: string[];
  line: number;
}

const DELIMITERS = [",", ";", "\t"];

/** The delimiter that the first line has most of outside quotes; a comma when it has none. */
function detectDelimiter(text: string): string {
  const end = text.search(/[\r\n]/);
  const header = (end === -1 ? text : text.slice(0, end)).replaceAll(/"[^"]*"/g, "");
  let best = ",";
  let most = 0;
  for (const delimiter of DELIMITERS) {
    const count = header.split(delimiter).length - 1;
    if (count > most) {
      most = count;
      best = delimiter;
    }
  }
  return best;
}

/**
 * Reads CSV by RFC 4180 (quotes double inside quotes, records may span lines; also `;` and tab as delimiter), empty
 * lines left out. Written here because a catalogue's errors must name the line, which table readers do not keep.
 *
 * Errors: SyntaxProblem for a quote that does not close, or text behind or before a quoted cell.
 */
export function* csvRecords(text: string): Generator<CsvRecord> {
  const delimiter = detectDelimiter(text);
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const startLine = line;
    const cells: string[] = [];
    for (;;) {
      const cell = text[at] === '"' ? quotedCell(text, at, line) : plainCell(text, at, delimiter, line);
      cells.push(cell.value);
      at = cell.end;
      line += cell.newlines;
      if (text[at] !== delimiter) break;
      at++;
    }
    if (text[at] === "\r") at++;
    if (text[at] === "\n") at++;
    else if (at < text.length && text[at - 1] !== "\r") {
      throw new SyntaxProblem(line, `expected a delimiter or the end of the line behind a closing quote`);
    }
    if (cells.length > 1 || cells[0] !== "") yield { cells, line: startLine };
    line++;
  }
}

function plainCell(text: string, start: number, delimiter: string, line: number) {
  let end = start;
  for (; end < text.length; end++) {
    const c = text[end];
    if (c === delimiter || c === "\n" || c === "\r") break;
    if (c === '"') throw new SyntaxProblem(line, 'expected a quote only at the start of a cell (inside quotes as "")');
  }
  return { value: text.slice(start, end), end, newlines: 0 };
}

function quotedCell(text: string, start: number, line: number) {
  let end = start + 1;
  for (;;) {
    end = text.indexOf('"', end);
    if (end === -1) throw new SyntaxProblem(line, 'expected a closing " but received the end of the text');
    if (text[end + 1] !== '"') break;
    end += 2;
  }
  const raw = text.slice(start + 1, end);
  return { value: raw.replaceAll('""', '"'), end: end + 1, newlines: raw.split("\n").length - 1 };
}
