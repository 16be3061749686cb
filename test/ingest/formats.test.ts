import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type MemorySink, parquet, request, run, scratch, write, writeWithDuckDb } from "./harness.js";

const ROWS = [
  { user_id: "a", item_id: "x", behaviour: "browse", time: "2024-01-01T00:00:00Z" },
  { user_id: "b", item_id: "y", behaviour: "purchase", time: "2024-01-02T00:00:00Z" },
  { user_id: "ü", item_id: "x", behaviour: "search", time: "2024-01-03T00:00:00Z" },
];
const csv = (rows = ROWS, delimiter = ",", end = "\n") =>
  [Object.keys(ROWS[0]!).join(delimiter), ...rows.map((row) => Object.values(row).join(delimiter)), ""].join(end);
const jsonl = ROWS.map((row) => JSON.stringify(row)).join("\n");

function expectRows(sink: MemorySink): void {
  expect(sink.users).toEqual(["a", "b", "ü"]);
  expect(sink.items).toEqual(["x", "y"]);
  expect(sink.cells.map((c) => c.value)).toEqual([1, 5, 2]);
}

describe("formats", () => {
  it.each([
    ["plain", "e.csv", csv()],
    ["byte order mark", "e.csv", `\ufeff${csv()}`],
    ["CRLF", "e.csv", csv(ROWS, ",", "\r\n")],
    ["CR", "e.csv", csv(ROWS, ",", "\r")],
    ["mixed line ends", "e.csv", csv().replace("\n", "\r\n")],
    ["mixed line ends later", "e.csv", csv().replace(/\n([^\n]*)\n$/, "\r\n$1\n")],
    ["semicolons", "e.csv", csv(ROWS, ";")],
    ["tabs", "e.tsv", csv(ROWS, "\t")],
    ["empty lines", "e.csv", `\n\n${csv().replaceAll("\n", "\n\n")}`],
    ["all quoted", "e.csv", csv().replaceAll(/[^,\n]+/g, '"$&"')],
    ["no end of line at the end", "e.csv", csv().trimEnd()],
    ["JSONL", "e.jsonl", jsonl],
    ["JSONL with CRLF and empty lines", "e.ndjson", `${jsonl.replaceAll("\n", "\r\n\r\n")}\r\n`],
    ["gzip", "e.csv.gz", gzipSync(csv())],
    ["gzip of two members", "e.csv.gz", Buffer.concat([gzipSync(csv().slice(0, 50)), gzipSync(csv().slice(50))])],
    ["JSONL in gzip", "e.jsonl.gz", gzipSync(jsonl)],
  ])("reads %s", async (_name, file, content) => {
    const folder = scratch();
    write(folder, file, content);
    const { result, sink } = await run(request(folder, { files: file }));
    expectRows(sink);
    expect(result.rejected).toEqual({});
    expect(result.rowsRead).toBe(3);
  });

  it("reads Parquet with its own types, and numbers its rows", async () => {
    const folder = scratch();
    const values =
      "(1, 'x', 'browse', TIMESTAMP '2024-01-01 00:00:00', 1.5::DOUBLE), (2, NULL, 'purchase', TIMESTAMP '2024-01-02 00:00:00', 2), (3, 'x', 'purchase', TIMESTAMP '2024-01-02 00:00:00', 2)";
    await writeWithDuckDb(
      `SELECT * FROM (VALUES ${values}) AS t(user_id, item_id, behaviour, time, price)`,
      join(folder, "e.parquet"),
      "FORMAT parquet",
    );
    const source = {
      files: "e.parquet",
      columns: { price: "price" },
      price: { unit: "major" },
      time: { timeZone: "Europe/Berlin" },
    };
    const { result, sink, outDir } = await run(request(folder, source));
    expect(sink.users).toEqual(["1", "3"]);
    expect(result.firstEvent).toBe("2023-12-31T23:00:00.000Z");
    expect(await parquet(outDir, "rejected.parquet")).toMatchObject([
      { reason: "missing_item", row: "2", file: "e.parquet" },
    ]);
    expect(await parquet(outDir, "items.parquet", "price_minor")).toEqual([{ price_minor: 200 }]);
  });

  it("reads zstd", async () => {
    const folder = scratch();
    const values = ROWS.map((row) => `('${Object.values(row).join("', '")}')`).join(", ");
    await writeWithDuckDb(
      `SELECT * FROM (VALUES ${values}) AS t(user_id, item_id, behaviour, time)`,
      join(folder, "e.csv.zst"),
      "FORMAT csv, HEADER, COMPRESSION zstd",
    );
    expectRows((await run(request(folder, { files: "e.csv.zst" }))).sink);
  });

  it("reads zstd with quoted line breaks", async () => {
    const folder = scratch();
    const values = ROWS.map((row) => `('${Object.values(row).join("', '")}', 'a' || chr(10) || 'b')`).join(", ");
    await writeWithDuckDb(
      `SELECT * FROM (VALUES ${values}) AS t(user_id, item_id, behaviour, time, note)`,
      join(folder, "e.csv.zst"),
      "FORMAT csv, HEADER, COMPRESSION zstd",
    );
    expectRows((await run(request(folder, { files: "e.csv.zst" }))).sink);
  });

  it("reads files that differ in the order of their columns, by glob and list, each once", async () => {
    const folder = scratch();
    mkdirSync(join(folder, "day", "1"), { recursive: true });
    write(folder, "day/1/a.csv", csv(ROWS.slice(0, 1)));
    write(folder, "day/b.csv", "time,behaviour,item_id,user_id\n2024-01-02T00:00:00Z,purchase,y,b\n");
    write(folder, "day/c.jsonl", JSON.stringify(ROWS[2]));
    const { result, sink } = await run(request(folder, { files: ["day/**/*.csv", "day/b.csv", "day/[c-d].json?"] }));
    expectRows(sink);
    expect(result.inputs.map((i) => i.path)).toEqual(["day/1/a.csv", "day/b.csv", "day/c.jsonl"]);
  });

  it.each(["gz", "zst"])("refuses a truncated .%s file, wherever it ends", async (ending) => {
    const folder = scratch();
    const path = join(folder, `e.csv.${ending}`);
    const compression = ending === "gz" ? "gzip" : "zstd";
    const sql =
      "SELECT 'u' || hash(range) AS user_id, 'x' AS item_id, 'browse' AS behaviour, '2024-01-01' AS time FROM range(20000)";
    await writeWithDuckDb(sql, path, `FORMAT csv, HEADER, COMPRESSION ${compression}`);
    const { length } = readFileSync(path);
    for (const size of [length - 1, length - 9, Math.floor(length / 2), 5]) {
      truncateSync(path, size);
      await expect(run(request(folder, { files: `e.csv.${ending}` }))).rejects.toMatchObject({
        code: "ERR_COUPONCAST_CORRUPT_FILE",
      });
    }
  });

  it("refuses a gzip file with a flipped bit", async () => {
    const folder = scratch();
    const bytes = gzipSync(csv());
    bytes[bytes.length - 6]! ^= 1; // in the CRC
    write(folder, "e.csv.gz", bytes);
    await expect(run(request(folder, { files: "e.csv.gz" }))).rejects.toMatchObject({
      code: "ERR_COUPONCAST_CORRUPT_FILE",
    });
  });

  it.each([
    ["e.csv.gz", "not gzip"],
    ["e.csv.zst", "not zstd"],
    ["e.parquet", "not parquet at all"],
    ["e.csv", "\xff\xfeu\0s\0"],
  ])("refuses %s that is something else", async (file, content) => {
    const folder = scratch();
    write(folder, file, Buffer.from(content, "latin1"));
    await expect(run(request(folder, { files: file }))).rejects.toMatchObject({ code: "ERR_COUPONCAST_CORRUPT_FILE" });
  });

  it("names a missing file, and the nearest one", async () => {
    const folder = scratch();
    write(folder, "events.csv", csv());
    await expect(run(request(folder, { files: "event.csv" }))).rejects.toMatchObject({
      code: "ERR_COUPONCAST_IO",
      hint: expect.stringContaining("events.csv"),
    });
    await expect(run(request(folder, { files: "*.jsonl" }))).rejects.toMatchObject({ code: "ERR_COUPONCAST_IO" });
    await expect(run(request(folder, { files: "x.bin" }))).rejects.toMatchObject({ code: "ERR_COUPONCAST_IO" });
  });

  it("does not keep duckdb loaded for those who only import ingest", () => {
    const script =
      "await import('./dist/ingest/ingest.js'); console.log(process.report.getReport().sharedObjects.join());";
    const options = { cwd: join(import.meta.dirname, "../.."), encoding: "utf8" } as const;
    expect(execFileSync(process.execPath, ["--input-type=module", "-e", script], options)).not.toContain("duckdb");
  });
});
