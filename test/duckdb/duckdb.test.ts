import { symlinkSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { DuckDb, escapeGlob, quoteIdentifier, quoteLiteral } from "../../src/duckdb/duckdb.js";
import { scratch, write } from "../ingest/harness.js";

let db: DuckDb | undefined;

afterEach(() => {
  db?.close();
  db = undefined;
});

async function openDb(more: Partial<Parameters<typeof DuckDb.open>[0]> = {}): Promise<DuckDb> {
  db = await DuckDb.open({ path: ":memory:", tempDir: scratch(), memoryLimitMb: 256, threads: 2, ...more });
  return db;
}

describe("DuckDb", () => {
  it("quotes any text and any name", async () => {
    const d = await openDb();
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
        // A lone surrogate has no UTF-8 form.
        const { value } = await d.row(`SELECT ${quoteLiteral(text.toWellFormed())} AS value`);
        expect(value).toBe(text.toWellFormed());
      }),
    );
    const name = `a"b'; DROP TABLE x; --`;
    expect(await d.row(`SELECT 1 AS ${quoteIdentifier(name)}`)).toEqual({ [name]: 1 });
    expect(() => quoteIdentifier("a\0b")).toThrow(/NUL/);
  });

  it("is locked: no other file, no writing outside, no setting, no extension", async () => {
    const folder = scratch();
    const secret = write(folder, "secret.csv", "a\n1\n");
    const allowed = write(folder, "allowed[1].csv", "a\n2\n");
    const tempDir = scratch();
    symlinkSync(secret, join(tempDir, "link.csv"));
    const d = await openDb({ tempDir, readable: [allowed] });
    expect(await d.rows(`SELECT a FROM read_csv(${quoteLiteral(escapeGlob(allowed))})`)).toEqual([{ a: 2n }]);
    const forbidden = [
      `SELECT * FROM read_csv('${secret}')`,
      `SELECT * FROM read_csv('${folder}/*.csv')`,
      `SELECT * FROM read_text('/etc/passwd')`,
      `SELECT * FROM read_text('${join(tempDir, "link.csv")}')`,
      `SELECT * FROM read_text('${tempDir}/../${folder.split("/").at(-1)}/secret.csv')`,
      `COPY (SELECT 1) TO '${join(folder, "out.csv")}'`,
      "SET enable_external_access = true",
      "SET lock_configuration = false",
      "SET threads = 4",
      "INSTALL httpfs",
      "LOAD httpfs",
      `ATTACH '${join(folder, "x.duckdb")}'`,
    ];
    for (const sql of forbidden) await expect(d.rows(sql), sql).rejects.toMatchObject({ name: "CouponcastError" });
    await d.run(`COPY (SELECT 1 AS a) TO '${join(tempDir, "out.parquet")}' (FORMAT parquet)`);
  });

  it("streams typed columns with NULLs, in order, over many chunks", async () => {
    const d = await openDb({ preserveInsertionOrder: true });
    const sql = `SELECT CASE WHEN range % 3 <> 0 THEN range END, CASE WHEN range % 5 <> 0 THEN range / 2 END,
      CASE WHEN range % 7 <> 0 THEN 't' || range END, range, range % 2 FROM range(10000)`;
    let at = 0;
    for await (const batch of d.streamColumns(sql, ["I32", "F64", "TEXT", "I64", "U8"], 3000)) {
      expect(batch.numRows).toBeLessThanOrEqual(3000);
      const [ints, doubles, texts, longs, bytes] = batch.columns;
      expect([ints.length, doubles.length, texts.length, longs.length, bytes.length]).toEqual(
        Array(5).fill(batch.numRows),
      );
      for (let k = 0; k < batch.numRows; k++, at++) {
        expect([ints[k], batch.nulls[0]?.[k] ?? 0]).toEqual(at % 3 ? [at, 0] : [0, 1]);
        expect([doubles[k], batch.nulls[1]?.[k] ?? 0]).toEqual(at % 5 ? [at / 2, 0] : [Number.NaN, 1]);
        expect([texts[k], batch.nulls[2]?.[k] ?? 0]).toEqual(at % 7 ? [`t${at}`, 0] : ["", 1]);
        expect([longs[k], bytes[k]]).toEqual([BigInt(at), at % 2]);
      }
      expect([batch.nulls[3], batch.nulls[4]]).toEqual([undefined, undefined]);
    }
    expect(at).toBe(10_000);
  });

  it("appends texts as they are", async () => {
    const d = await openDb();
    await d.run("CREATE TABLE t (a VARCHAR, n BIGINT)");
    const appender = await d.openAppender("t", ["TEXT", "I64"]);
    const texts = ["", "a\0b", "é😀", null, "x".repeat(5000)];
    appender.append([texts, texts.map((_, i) => (i === 1 ? null : BigInt(i)))]);
    appender.close();
    expect(await d.rows("SELECT a, n FROM t ORDER BY rowid")).toEqual(
      texts.map((a, i) => ({ a, n: i === 1 ? null : BigInt(i) })),
    );
  });

  it("says what went wrong in couponcast's terms", async () => {
    const d = await openDb({ memoryLimitMb: 100 });
    await expect(d.rows("SELECT CAST('x' AS INTEGER)")).rejects.toMatchObject({ code: "ERR_COUPONCAST_OUT_OF_RANGE" });
    await expect(d.rows("SELECT list(range) FROM range(100000000)")).rejects.toMatchObject({
      code: "ERR_COUPONCAST_OUT_OF_MEMORY",
      hint: expect.stringContaining("memoryLimitMb"),
    });
  });

  it("interrupts a running statement", async () => {
    const controller = new AbortController();
    const d = await openDb({ signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    const begin = performance.now();
    const endless = "SELECT count(*) FROM range(10000000) AS a, range(10000000) AS b WHERE hash(a.range, b.range) = 1";
    await expect(d.rows(endless)).rejects.toMatchObject({ code: "ERR_COUPONCAST_CANCELLED" });
    expect(performance.now() - begin).toBeLessThan(10_000);
    await expect(d.rows("SELECT 1")).rejects.toMatchObject({ code: "ERR_COUPONCAST_CANCELLED" });
  });
});
