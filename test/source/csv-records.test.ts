import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CsvRecord, readCsvRecords } from "../../src/source/csv-records.js";

async function read(bytes: Uint8Array, cuts: number[], numColumns: number): Promise<CsvRecord[]> {
  async function* pieces() {
    const at = [0, ...cuts.map((c) => c % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
    for (let k = 1; k < at.length; k++) yield bytes.subarray(at[k - 1], at[k]);
  }
  const out: CsvRecord[] = [];
  for await (const batch of readCsvRecords(pieces(), { delimiter: ",", numColumns, skipRecords: 0 }))
    out.push(...batch);
  return out;
}

const cuts = fc.array(fc.nat(), { maxLength: 8 });
const field = fc.string({ unit: fc.constantFrom("a", "é", '"', ",", "\n", " ", "😀", "\0"), maxLength: 6 });

describe("readCsvRecords", () => {
  it("reads back what a correct writer wrote, however the bytes are cut", async () => {
    const tables = fc.array(fc.tuple(field, field, field), { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(tables, cuts, fc.constantFrom("\n", "\r\n", "\r"), async (rows, at, end) => {
        const text = rows.map((r) => r.map((f) => `"${f.replaceAll('"', '""')}"`).join(",")).join(end);
        const records = await read(Buffer.from(text), at, 3);
        expect(records.map((r) => r.fields)).toEqual(rows.map((r) => r.map((f) => (f === "" ? null : f))));
      }),
    );
  });

  it("gives the same records for any bytes, however they are cut, and accounts for every line", async () => {
    const noise = fc.array(fc.constantFrom(...Buffer.from('a,"\n\r é\0'), 0xff), { maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(noise, cuts, async (values, at) => {
        const bytes = Uint8Array.from(values);
        const whole = await read(bytes, [], 2);
        expect(await read(bytes, at, 2)).toEqual(whole);
        const numLines = Buffer.from(bytes)
          .toString("latin1")
          .split(/\r\n|\n|\r/)
          .filter((l) => l !== "").length;
        const spanned = whole.reduce((n, r) => n + 1 + (r.fields?.join("").split("\n").length ?? 1) - 1, 0);
        // Every non-empty line starts a record or lies inside a quoted field (which may also hold empty lines).
        expect(spanned).toBeGreaterThanOrEqual(numLines);
        expect(whole.length).toBeLessThanOrEqual(numLines);
      }),
      { numRuns: 300 },
    );
  });

  it("goes on at the next line after a quote that never closes", async () => {
    const lines = Array.from({ length: 30_000 }, (_, i) => `a${i},b`);
    lines[0] = '"open,b';
    const records = await read(Buffer.from(lines.join("\n")), [], 2);
    expect(records).toHaveLength(30_000);
    expect(records[0]).toMatchObject({ fields: undefined, raw: '"open,b', line: 1 });
    expect(records.filter((r) => r.fields === undefined)).toHaveLength(1);
  });
});
