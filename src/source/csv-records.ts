/**
 * A tolerant CSV reader, for the files that DuckDB's fast one cannot be trusted with: mixed line ends, quoted line
 * breaks, stray quotes. It never gives up on a file, never shifts a column, and after a bad record it goes on at the
 * very next line, so one unclosed quote costs one row and not the rest of the file.
 *
 * Grammar (RFC 4180, with what is common in the wild): lines end with \n, \r\n or a lone \r; a field is quoted only
 * when the quote is its first character, "" inside stands for a quote, and after the closing quote only spaces may
 * come before the delimiter; a quote inside an unquoted field is itself; empty lines are no records; delimiters too many
 * at the end of a record, with nothing between them, are ignored (DuckDB does the same).
 */

export interface CsvRecord {
  /** The fields; undefined when the record is malformed. An empty field is null. */
  fields: (string | null)[] | undefined;
  /** The text as it came (malformed records only), at most 10,000 characters. */
  raw: string;
  /** 1-based number of the physical line on which the record starts. */
  line: number;
}

/** No record is longer than this, so an unclosed quote cannot swallow a file. DuckDB's reader has the same limit. */
const MAX_RECORD_BYTES = 2_000_000;
const MAX_RECORD_LINES = 10_000;
const MAX_RAW_CHARS = 10_000;

/**
 * Reads records of exactly `numColumns` fields; others come out malformed. `skipRecords` records at the start (the
 * header) are dropped. Memory: one record and what the source hands over at a time.
 */
export async function* readCsvRecords(
  source: AsyncIterable<Uint8Array>,
  options: { delimiter: string; numColumns: number; skipRecords: number },
): AsyncGenerator<CsvRecord[]> {
  const lines = new LineSplitter();
  const assembler = new RecordAssembler(options.delimiter, options.numColumns, options.skipRecords);
  for await (const chunk of source) {
    const records = assembler.push(lines.push(chunk));
    if (records.length > 0) yield records;
  }
  const rest = [...assembler.push(lines.end()), ...assembler.end()];
  if (rest.length > 0) yield rest;
}

interface Line {
  /** Undefined: not UTF-8, or longer than MAX_RECORD_BYTES. */
  text: string | undefined;
  raw: string;
  number: number;
}

/** Cuts bytes into lines and decodes each by itself, so that a bad byte spoils no other line. */
class LineSplitter {
  readonly #strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #afterCr = false;
  #number = 0;

  push(chunk: Uint8Array): Line[] {
    const out: Line[] = [];
    let begin = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (byte === 10 && this.#afterCr && i === begin && this.#pendingBytes === 0) {
        // The \n of a \r\n: the line ended at the \r already.
        begin = i + 1;
        this.#afterCr = false;
        continue;
      }
      if (byte === 10 || byte === 13) {
        out.push(this.#finish(chunk.subarray(begin, i)));
        begin = i + 1;
        this.#afterCr = byte === 13;
      } else if (i === begin && this.#pendingBytes === 0) this.#afterCr = false;
    }
    this.#keep(chunk.subarray(begin));
    return out;
  }

  end(): Line[] {
    return this.#pendingBytes === 0 ? [] : [this.#finish(new Uint8Array(0))];
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#pendingBytes += part.length;
    // Beyond the limit only the length matters: keep the head for the report.
    if (this.#pendingBytes - part.length <= MAX_RECORD_BYTES) this.#pending.push(part.slice());
  }

  #finish(tail: Uint8Array): Line {
    this.#number += 1;
    const totalBytes = this.#pendingBytes + tail.length;
    const bytes = this.#pending.length === 0 ? tail : Buffer.concat([...this.#pending, tail]);
    this.#pending = [];
    this.#pendingBytes = 0;
    if (totalBytes <= MAX_RECORD_BYTES) {
      try {
        return { text: this.#strict.decode(bytes), raw: "", number: this.#number };
      } catch {
        // Falls through to the lossy text, which is only shown.
      }
    }
    const raw = Buffer.from(bytes.subarray(0, MAX_RAW_CHARS)).toString("utf8");
    return { text: undefined, raw, number: this.#number };
  }
}

/** Makes records of lines; looks ahead only inside an open quote. */
class RecordAssembler {
  readonly #delimiter: string;
  readonly #numColumns: number;
  #skip: number;
  #queue: Line[] = [];

  constructor(delimiter: string, numColumns: number, skip: number) {
    this.#delimiter = delimiter;
    this.#numColumns = numColumns;
    this.#skip = skip;
  }

  push(lines: Line[]): CsvRecord[] {
    this.#queue = this.#queue.length === 0 ? lines : this.#queue.concat(lines);
    return this.#drain(false);
  }

  end(): CsvRecord[] {
    return this.#drain(true);
  }

  #drain(atEnd: boolean): CsvRecord[] {
    const out: CsvRecord[] = [];
    let next = 0;
    while (next < this.#queue.length) {
      const first = this.#queue[next]!;
      const text = first.text !== undefined && first.number === 1 ? first.text.replace(/^\ufeff/, "") : first.text;
      if (text === "") {
        next += 1;
        continue;
      }
      const parser = new FieldParser(this.#delimiter);
      let state = text === undefined ? ("bad" as const) : parser.feed(text);
      let used = 1;
      let bytes = text?.length ?? 0;
      while (state === "open" && used < MAX_RECORD_LINES && bytes < MAX_RECORD_BYTES) {
        const more = this.#queue[next + used];
        if (more === undefined) break;
        if (more.text === undefined) {
          state = "bad";
          break;
        }
        used += 1;
        bytes += more.text.length + 1;
        state = parser.feed(`\n${more.text}`);
      }
      const wantsMore = state === "open" && next + used >= this.#queue.length && used < MAX_RECORD_LINES;
      if (wantsMore && bytes < MAX_RECORD_BYTES && !atEnd) break;
      if (state === "done") dropEmptyTail(parser.fields, this.#numColumns);
      const good = state === "done" && (parser.fields.length === this.#numColumns || this.#skip > 0);
      if (this.#skip > 0) this.#skip -= 1;
      else if (good) out.push({ fields: parser.fields, raw: "", line: first.number });
      else out.push({ fields: undefined, raw: (text ?? first.raw).slice(0, MAX_RAW_CHARS), line: first.number });
      next += good ? used : 1;
    }
    this.#queue = next === 0 ? this.#queue : this.#queue.slice(next);
    return out;
  }
}

function dropEmptyTail(fields: (string | null)[], numColumns: number): void {
  while (fields.length > numColumns && fields.at(-1) === null) fields.pop();
}

/** Splits one record, which may come in several pieces, into fields. */
export class FieldParser {
  readonly fields: (string | null)[] = [];
  readonly #delimiter: string;
  #quoted: string | undefined;

  constructor(delimiter: string) {
    this.#delimiter = delimiter;
  }

  /** done: the record is complete; open: a quote is still open; bad: text follows a closing quote. */
  feed(text: string): "done" | "open" | "bad" {
    let at = 0;
    for (;;) {
      if (this.#quoted === undefined) {
        if (text[at] !== '"') {
          const end = text.indexOf(this.#delimiter, at);
          this.#push(end === -1 ? text.slice(at) : text.slice(at, end));
          if (end === -1) return "done";
          at = end + this.#delimiter.length;
          continue;
        }
        this.#quoted = "";
        at += 1;
      }
      const close = text.indexOf('"', at);
      if (close === -1) {
        this.#quoted += text.slice(at);
        return "open";
      }
      this.#quoted += text.slice(at, close);
      if (text[close + 1] === '"') {
        this.#quoted += '"';
        at = close + 2;
        continue;
      }
      at = close + 1;
      while (text[at] === " ") at += 1;
      this.#push(this.#quoted);
      this.#quoted = undefined;
      if (at === text.length) return "done";
      if (!text.startsWith(this.#delimiter, at)) return "bad";
      at += this.#delimiter.length;
    }
  }

  #push(field: string): void {
    this.fields.push(field === "" ? null : field);
  }
}
