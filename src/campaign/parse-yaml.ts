import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type YAMLParseError,
  type YAMLWarning,
} from "yaml";
import { type LocatedDocument, MAX_DOCUMENT_DEPTH, SyntaxProblem, tooDeep } from "./document.js";

/** Aliases may expand to this many nodes per anchor chain before the text counts as an attack ("billion laughs"). */
const MAX_ALIAS_COUNT = 100;

/**
 * Refuses nesting that would exhaust the parser's stack (it recurses), with one linear pass over the tokens.
 * Indented nesting needs as many columns as levels, so only brackets and `- - -` on one line can run away.
 */
function refuseDeepNesting(text: string): void {
  let line = 1;
  let flow = 0;
  let indicators = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === "[" || token === "{") flow++;
    else if (token === "]" || token === "}") flow--;
    else if (token === "-" || token === "?") indicators++;
    else if (token.endsWith("\n")) {
      line++;
      indicators = 0;
    }
    if (flow > MAX_DOCUMENT_DEPTH || indicators > MAX_DOCUMENT_DEPTH) throw tooDeep(line);
  }
}

/** Offset of the node at the path: of a field its key, of a list element its start; else of the nearest parent. */
function offsetAt(root: ParsedNode | null, path: readonly PropertyKey[], resolve: (n: unknown) => unknown): number {
  let node: unknown = root;
  let offset = 0;
  for (const part of path) {
    if (isAlias(node)) node = resolve(node);
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find((item) => (isScalar(item.key) ? String(item.key.value) : item.key) === String(part));
      if (pair === undefined) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      next = pair.value;
    } else if (isSeq(node) && typeof part === "number") {
      next = node.items[part];
      if (next === undefined) break;
      offset = (next as Node).range?.[0] ?? offset;
    } else {
      break;
    }
    node = next;
  }
  return offset;
}

function firstLineOf(message: string): string {
  return (message.split("\n")[0] ?? message).replace(/ at line \d+, column \d+:?$/, "");
}

/** The sentence for a fault that the parser found; `text` begins where it found it. */
function explain(problem: YAMLParseError | YAMLWarning, text: string): string {
  if (problem.code === "DUPLICATE_KEY")
    return `the key ${JSON.stringify(/^[^:\n]*/.exec(text)?.[0].trim())} is given twice`;
  if (problem.code === "MULTIPLE_DOCS") return "expected one document but received another one (---)";
  // The parser reports its own overflow of the stack as a fault of the text.
  if (/call stack/i.test(problem.message)) return tooDeep(0).message;
  return firstLineOf(problem.message);
}

/**
 * Parses one YAML 1.2 document (JSON is one too) into plain values. Keys are text, no custom tags, no second
 * document, no key twice, aliases counted.
 *
 * Errors: SyntaxProblem with the line, for the first fault. Cost: about 1 s for 1 MB.
 */
export function parseYaml(text: string, firstLine = 1): LocatedDocument {
  refuseDeepNesting(text);
  const counter = new LineCounter();
  const lineAt = (offset: number): number => Math.max(1, counter.linePos(offset).line) + firstLine - 1;
  try {
    const document = parseDocument(text, {
      lineCounter: counter,
      prettyErrors: true,
      stringKeys: true,
      resolveKnownTags: false,
      uniqueKeys: true,
    });
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem !== undefined) {
      const start = problem.pos[0];
      throw new SyntaxProblem(lineAt(start), explain(problem, text.slice(start, start + 60)));
    }
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIAS_COUNT });
    return {
      value,
      lineOf: (path) =>
        lineAt(offsetAt(document.contents, path, (node) => (isAlias(node) ? node.resolve(document) : node))),
    };
  } catch (thrown) {
    // The library's own guards: its recursion (RangeError) and its count of aliases (ReferenceError).
    if (thrown instanceof RangeError) throw tooDeep(firstLine);
    if (thrown instanceof ReferenceError) throw new SyntaxProblem(firstLine, `aliases: ${firstLineOf(thrown.message)}`);
    throw thrown;
  }
}
