import { type LocatedDocument, MAX_DOCUMENT_DEPTH, SyntaxProblem, tooDeep } from "./document.js";

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERALS = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;

/** Offsets of the fields of each object and of the elements of each list. */
type Offsets = Map<object, Map<PropertyKey, number>>;

/**
 * A strict JSON reader that JSON.parse cannot stand in for: it refuses a key given twice, names the line of a fault,
 * caps the depth, reads a long list element by element, and can tell where each field stood.
 */
class JsonReader {
  readonly #text: string;
  readonly #firstLine: number;
  readonly #offsets: Offsets | undefined;
  #at: number;

  constructor(text: string, firstLine: number, offsets?: Offsets, start = 0) {
    this.#text = text;
    this.#firstLine = firstLine;
    this.#offsets = offsets;
    this.#at = start;
  }

  get position(): number {
    return this.#at;
  }

  lineAt(offset: number): number {
    let line = this.#firstLine;
    for (let i = this.#text.indexOf("\n"); i !== -1 && i < offset; i = this.#text.indexOf("\n", i + 1)) line++;
    return line;
  }

  #expected(what: string): SyntaxProblem {
    const came = this.#text.codePointAt(this.#at);
    const shown = came === undefined ? "the end of the text" : JSON.stringify(String.fromCodePoint(came));
    return new SyntaxProblem(this.lineAt(this.#at), `expected ${what} but received ${shown}`);
  }

  skipSpace(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      this.#at++;
    }
  }

  /** Steps over `char` when it is next. */
  take(char: string): boolean {
    this.skipSpace();
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  need(char: string, what: string): void {
    if (!this.take(char)) throw this.#expected(what);
  }

  end(): void {
    this.skipSpace();
    if (this.#at < this.#text.length) throw this.#expected("the end of the text");
  }

  #string(what: string): string {
    this.skipSpace();
    const start = this.#at;
    if (this.#text[start] !== '"') throw this.#expected(what);
    let escaped = false;
    for (let i = start + 1; ; i++) {
      const c = this.#text.charCodeAt(i);
      if (c === 0x22) {
        this.#at = i + 1;
        break;
      }
      if (c === 0x5c) {
        escaped = true;
        i++;
      } else if (!(c >= 0x20)) {
        this.#at = i;
        throw this.#expected('a closing " (control characters are written \\u00..)');
      }
    }
    if (!escaped) return this.#text.slice(start + 1, this.#at - 1);
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      throw new SyntaxProblem(this.lineAt(start), "expected a valid escape sequence in a text");
    }
  }

  value(depth: number): unknown {
    this.skipSpace();
    const char = this.#text[this.#at];
    if (char === "{" || char === "[") {
      if (depth >= MAX_DOCUMENT_DEPTH) throw tooDeep(this.lineAt(this.#at));
      this.#at++;
      return char === "{" ? this.#object(depth) : this.#list(depth);
    }
    if (char === '"') return this.#string("a text");
    for (const [word, literal] of LITERALS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return literal;
      }
    }
    NUMBER.lastIndex = this.#at;
    const number = NUMBER.exec(this.#text);
    if (number === null) throw this.#expected("a value");
    this.#at = NUMBER.lastIndex;
    return Number(number[0]);
  }

  #object(depth: number): unknown {
    const object: Record<string, unknown> = {};
    const offsets = this.#noteOffsets(object);
    if (this.take("}")) return object;
    do {
      this.skipSpace();
      const start = this.#at;
      const key = this.#string("a key in double quotes");
      if (Object.hasOwn(object, key)) {
        throw new SyntaxProblem(this.lineAt(start), `the key ${JSON.stringify(key.slice(0, 60))} is given twice`);
      }
      this.need(":", '":"');
      const value = this.value(depth + 1);
      // A plain assignment to __proto__ would change the prototype and hide the key from every check.
      if (key === "__proto__") {
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      } else {
        object[key] = value;
      }
      offsets?.set(key, start);
    } while (this.take(","));
    this.need("}", '"," or "}"');
    return object;
  }

  #list(depth: number): unknown {
    const list: unknown[] = [];
    const offsets = this.#noteOffsets(list);
    if (this.take("]")) return list;
    do {
      this.skipSpace();
      offsets?.set(list.length, this.#at);
      list.push(this.value(depth + 1));
    } while (this.take(","));
    this.need("]", '"," or "]"');
    return list;
  }

  #noteOffsets(container: object): Map<PropertyKey, number> | undefined {
    if (this.#offsets === undefined) return undefined;
    const offsets = new Map<PropertyKey, number>();
    this.#offsets.set(container, offsets);
    return offsets;
  }
}

/**
 * Parses one JSON text (RFC 8259) into plain values that know their lines.
 *
 * Errors: SyntaxProblem with the line.
 */
export function parseJson(text: string, firstLine = 1): LocatedDocument {
  const offsets: Offsets = new Map();
  const reader = new JsonReader(text, firstLine, offsets);
  reader.skipSpace();
  const start = reader.position;
  const value = reader.value(0);
  reader.end();
  return {
    value,
    lineOf(path) {
      let node: unknown = value;
      let offset = start;
      for (const part of path) {
        const next = typeof node === "object" && node !== null ? offsets.get(node)?.get(part) : undefined;
        if (next === undefined) break;
        offset = next;
        node = (node as Record<PropertyKey, unknown>)[part];
      }
      return reader.lineAt(offset);
    },
  };
}

/**
 * The value of one JSON text, without lines.
 *
 * Errors: SyntaxProblem with the line.
 */
export function parseJsonValue(text: string, firstLine = 1): unknown {
  const reader = new JsonReader(text, firstLine);
  const value = reader.value(0);
  reader.end();
  return value;
}

/** One element of a long JSON list: its value, its text and the line it starts on. */
export interface JsonElement {
  value: unknown;
  text: string;
  line: number;
}

/**
 * Reads a JSON list element by element, so that a catalogue of any length needs no second copy with positions.
 *
 * Errors: SyntaxProblem with the line. Cost: about 50 MB/s.
 */
export function* parseJsonList(text: string): Generator<JsonElement> {
  const reader = new JsonReader(text, 1);
  reader.need("[", "a list: [");
  let line = 1;
  let counted = 0;
  if (!reader.take("]")) {
    do {
      reader.skipSpace();
      const start = reader.position;
      for (let i = text.indexOf("\n", counted); i !== -1 && i < start; i = text.indexOf("\n", i + 1)) line++;
      counted = start;
      const value = reader.value(1);
      yield { value, text: text.slice(start, reader.position), line };
    } while (reader.take(","));
    reader.need("]", '"," or "]"');
  }
  reader.end();
}
