import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvRecords } from "../../src/campaign/csv-records.js";
import { SyntaxProblem, unsafeFindings } from "../../src/campaign/document.js";
import { parseJson, parseJsonList } from "../../src/campaign/parse-json.js";
import { parseYaml } from "../../src/campaign/parse-yaml.js";

function problemOf(parse: () => unknown): [number, string] {
  try {
    parse();
  } catch (thrown) {
    if (thrown instanceof SyntaxProblem) return [thrown.line, thrown.message];
    throw thrown;
  }
  throw new Error("expected a SyntaxProblem");
}

describe("parseJson", () => {
  it("reads what JSON.parse reads, with any white space", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, "\t"), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(parseJson(text).value).toEqual(JSON.parse(text));
      }),
    );
  });

  it("accepts and refuses the same texts as JSON.parse", () => {
    const piece = fc.constantFrom(...'{}[],:"\\ \n0123456789.-+eEtrufalsn', "true", "null", '"a"', "\u0001", "\\u00e9");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        let expected: unknown;
        let valid = true;
        try {
          expected = JSON.parse(text);
        } catch {
          valid = false;
        }
        // JSON.parse lets the last of two equal keys win; ours refuses them.
        let mine: unknown;
        let accepted = true;
        try {
          mine = parseJson(text).value;
        } catch (thrown) {
          accepted = false;
          if (!(thrown instanceof SyntaxProblem)) throw thrown;
          if (thrown.message.includes("given twice")) return;
        }
        expect(accepted).toBe(valid);
        if (valid) expect(mine).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it("knows the line of each field, and of the parent of a missing one", () => {
    const { lineOf } = parseJson('{\n "a": 1,\n "b": [\n  1,\n  {"c":\n 2}\n ]\n}');
    expect(lineOf(["a"])).toBe(2);
    expect(lineOf(["b", 1])).toBe(5);
    expect(lineOf(["b", 1, "c"])).toBe(5);
    expect(lineOf(["b", 1, "missing", "x"])).toBe(5);
    expect(lineOf([])).toBe(1);
  });

  it("refuses keys given twice, control characters and endless nesting, with the line", () => {
    expect(problemOf(() => parseJson('{"a": 1,\n "a": 2}'))).toEqual([2, 'the key "a" is given twice']);
    expect(problemOf(() => parseJson('["a\nb"]'))[0]).toBe(1);
    expect(problemOf(() => parseJson("[".repeat(1_000_000)))).toEqual([1, "expected at most 100 levels of nesting"]);
    expect(problemOf(() => parseJson("[1,\n2"))).toEqual([2, 'expected "," or "]" but received the end of the text']);
    expect(problemOf(() => parseJson(""))).toEqual([1, "expected a value but received the end of the text"]);
  });

  it("keeps __proto__ as a key that checks can see", () => {
    const { value } = parseJson('{"__proto__": {"polluted": 1}}');
    expect(Object.keys(value as object)).toEqual(["__proto__"]);
    expect((value as Record<string, unknown>).polluted).toBeUndefined();
    expect(unsafeFindings(value).findings.map(({ path }) => path)).toEqual([["__proto__"]]);
  });

  it("reads lists element by element with their lines", () => {
    const elements = [...parseJsonList('[\n {"a": 1},\n\n {"b":\n 2}, 3]')];
    expect(elements.map(({ line, value }) => [line, value])).toEqual([
      [2, { a: 1 }],
      [4, { b: 2 }],
      [5, 3],
    ]);
    expect([...parseJsonList(" [ ] ")]).toEqual([]);
    expect(problemOf(() => [...parseJsonList("{}")])[1]).toBe('expected a list: [ but received "{"');
    expect(problemOf(() => [...parseJsonList("[] x")])[1]).toBe('expected the end of the text but received "x"');
  });
});

describe("parseYaml", () => {
  it("knows lines of fields, list elements and aliases", () => {
    const { value, lineOf } = parseYaml("# c\na: 1\nb:\n  - x\n  - c: 2\nd: &d\n  e: 3\nf: *d\n");
    expect(value).toEqual({ a: 1, b: ["x", { c: 2 }], d: { e: 3 }, f: { e: 3 } });
    expect(lineOf(["a"])).toBe(2);
    expect(lineOf(["b", 1, "c"])).toBe(5);
    expect(lineOf(["b", 7])).toBe(3);
    expect(lineOf(["f", "e"])).toBe(7);
  });

  it("takes keys as text and dates as text", () => {
    expect(parseYaml("007: 2026-01-01\ntrue: yes").value).toEqual({ "007": "2026-01-01", true: "yes" });
  });

  it("refuses what no configuration needs", () => {
    expect(problemOf(() => parseYaml("a: 1\na: 2"))).toEqual([2, 'the key "a" is given twice']);
    expect(problemOf(() => parseYaml("a: 1\n---\nb: 1"))[1]).toBe(
      "expected one document but received another one (---)",
    );
    expect(problemOf(() => parseYaml("a: 1\nb: !!js/function x"))).toEqual([
      2,
      "Unresolved tag: tag:yaml.org,2002:js/function",
    ]);
    expect(problemOf(() => parseYaml("a: *nobody"))[0]).toBe(1);
  });

  it("refuses an alias bomb without expanding it", () => {
    const names = [..."abcdefghi"];
    const bomb = names.map((name, i) => {
      const previous = names[i - 1];
      const list = previous === undefined ? Array(9).fill('"lol"') : Array(9).fill(`*${previous}`);
      return `${name}: &${name} [${list.join(", ")}]`;
    });
    expect(problemOf(() => parseYaml(bomb.join("\n")))[1]).toMatch(/^aliases: Excessive alias count/);
  });

  it("refuses endless nesting by brackets, dashes, indents and an alias to itself", () => {
    const deep = "expected at most 100 levels of nesting";
    expect(problemOf(() => parseYaml("[".repeat(200_000)))[1]).toBe(deep);
    expect(problemOf(() => parseYaml("{a: ".repeat(200_000)))[1]).toBe(deep);
    expect(problemOf(() => parseYaml("- ".repeat(200_000)))[1]).toBe(deep);
    const indents = Array.from({ length: 3000 }, (_, i) => `${" ".repeat(i)}a:`).join("\n");
    expect(problemOf(() => parseYaml(indents))[1]).toBe(deep);
    const { findings, tooDeep } = unsafeFindings(parseYaml("a: &a [*a, *a]").value);
    expect(tooDeep).toBe(true);
    expect(findings.map(({ message }) => message())).toEqual([deep]);
  });
});

describe("csvRecords", () => {
  const rows = (text: string): string[][] => [...csvRecords(text)].map(({ cells }) => cells);

  it("reads back what was written, whatever the cells hold", () => {
    const cell = fc.string({ unit: fc.constantFrom("a", '"', ",", ";", "\n", "\r", " ", "ä") });
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 3 }), { minLength: 1 }),
        fc.boolean(),
        (table, crlf) => {
          const end = crlf ? "\r\n" : "\n";
          const text = ["h,i", ...table.map((row) => row.map(quoted).join(","))].join(end);
          expect(rows(text)).toEqual([["h", "i"], ...table]);
        },
      ),
    );
  });

  it("knows the line that a record starts on, and leaves out empty lines", () => {
    const records = [...csvRecords('a,b\n\n"1\n2",x\r\n3,y\n')];
    expect(records).toEqual([
      { cells: ["a", "b"], line: 1 },
      { cells: ["1\n2", "x"], line: 3 },
      { cells: ["3", "y"], line: 5 },
    ]);
  });

  it("detects semicolon and tab", () => {
    expect(rows("a;b\n1,5;2")).toEqual([
      ["a", "b"],
      ["1,5", "2"],
    ]);
    expect(rows("a\tb\n1\t2")[1]).toEqual(["1", "2"]);
  });

  it("refuses broken quotes, with the line", () => {
    expect(problemOf(() => rows('a,b\n"1,2'))).toEqual([2, 'expected a closing " but received the end of the text']);
    expect(problemOf(() => rows('a,b\n"1"x,2'))[0]).toBe(2);
    expect(problemOf(() => rows('a,b\nx"1",2'))[0]).toBe(2);
  });
});

it("unsafeFindings names NUL, half surrogates and __proto__ wherever they hide", () => {
  const value = { a: ["x\0"], b: { "k\0": 1 }, c: "\ud800", d: [JSON.parse('{"__proto__": 1}')] };
  expect(unsafeFindings(value).findings.map(({ path }) => path)).toEqual([
    ["a", 0],
    ["b", "k\0"],
    ["c"],
    ["d", 0, "__proto__"],
  ]);
  expect(unsafeFindings({ fine: ["ä", "😀", 1, null, true] }).findings).toEqual([]);
});
