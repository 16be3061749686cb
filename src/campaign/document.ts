/** A parsed file whose values still know where they stood. */
export interface LocatedDocument {
  value: unknown;
  /** 1-based line of the field at this path; of its nearest parent that exists when the field is missing */
  lineOf(path: readonly PropertyKey[]): number;
}

/** Text that is not YAML or JSON. */
export class SyntaxProblem extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** Deepest nesting of lists and objects in a configuration file; a rule of the greatest depth needs about 70. */
export const MAX_DOCUMENT_DEPTH = 100;

export function tooDeep(line: number): SyntaxProblem {
  return new SyntaxProblem(line, `expected at most ${MAX_DOCUMENT_DEPTH} levels of nesting`);
}

/** One more fault than schemas can see: what is wrong and where. */
export interface Finding {
  path: PropertyKey[];
  message: () => string;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function textProblem(text: string): string | undefined {
  if (text.includes("\0")) return "expected text without NUL characters";
  // Written out as UTF-8 it would become U+FFFD, and two different ids could become the same.
  if (LONE_SURROGATE.test(text)) return "expected well-formed Unicode but received half a surrogate pair";
  return undefined;
}

/**
 * What no field of a configuration may hold, whatever its schema: a key `__proto__`, NUL, broken Unicode, or more
 * than MAX_DOCUMENT_DEPTH levels (a YAML alias to its own parent has no end; such a value is not fit for a schema).
 * Cost O(size of the value).
 */
export function unsafeFindings(root: unknown): { findings: Finding[]; tooDeep: boolean } {
  const findings: Finding[] = [];
  let isTooDeep = false;
  const visit = (value: unknown, path: PropertyKey[]): void => {
    if (typeof value === "string") {
      const problem = textProblem(value);
      if (problem !== undefined) findings.push({ path: [...path], message: () => problem });
      return;
    }
    if (typeof value !== "object" || value === null || isTooDeep) return;
    if (path.length >= MAX_DOCUMENT_DEPTH) {
      // Once is enough: a list of aliases to itself has 2^depth such places.
      if (!isTooDeep) findings.push({ path: path.slice(0, 6), message: () => tooDeep(0).message });
      isTooDeep = true;
      return;
    }
    const enter = (key: PropertyKey, child: unknown): void => {
      path.push(key);
      visit(child, path);
      path.pop();
    };
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) enter(i, value[i]);
      return;
    }
    for (const key of Object.keys(value)) {
      const problem = key === "__proto__" ? "a field of this name is not allowed" : textProblem(key);
      if (problem !== undefined) findings.push({ path: [...path, key], message: () => problem });
      else enter(key, (value as Record<string, unknown>)[key]);
    }
  };
  visit(root, []);
  return { findings, tooDeep: isTooDeep };
}
