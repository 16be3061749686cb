/** A text file as it can be read: after decompression, in lines or bytes, with one reader of its own where that is needed. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { DuckDb } from "../duckdb/duckdb.js";
import { checkTextStart } from "./csv-header.js";
import { readLinesSql } from "./csv-sql.js";
import type { ReadContext } from "./relation.js";
import type { SourceFile } from "./source.js";

/** A text file after decompression: a plain file, or (zstd on Node 20) still the compressed one. */
export interface PlainText {
  path: string;
  compression: "none" | "zstd";
}

const HEAD_BYTES = 1 << 20;

/** The lines in the first MiB; the last one may be cut. */
export async function firstLines(context: ReadContext, text: PlainText, file: SourceFile): Promise<string[]> {
  if (text.compression === "zstd") {
    const lines: string[] = [];
    for await (const line of compressedLines(context, text)) {
      lines.push(line);
      if (lines.length === 100) break;
    }
    return lines;
  }
  const handle = await open(text.path, "r");
  try {
    const buffer = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, HEAD_BYTES, 0);
    const bytes = buffer.subarray(0, bytesRead);
    checkTextStart(bytes, file.label, file.format === "csv" ? "CSV" : "JSONL");
    return bytes
      .toString("utf8")
      .replace(/^\ufeff/, "")
      .split(/\r\n|\n|\r/);
  } finally {
    await handle.close();
  }
}

/** All bytes of the text. */
export function textBytes(context: ReadContext, text: PlainText): AsyncGenerator<Uint8Array> {
  return text.compression === "none" ? plainBytes(text.path) : compressedBytes(context, text);
}

async function* plainBytes(path: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) yield chunk as Buffer;
}

/** Lines of a compressed file in file order, decompressed by a DuckDB of its own with one thread. */
async function* compressedLines(context: ReadContext, text: PlainText): AsyncGenerator<string> {
  const reader = await DuckDb.open({
    path: ":memory:",
    tempDir: context.tempDir,
    memoryLimitMb: Math.min(512, context.memoryLimitMb),
    threads: 1,
    readable: [text.path],
    preserveInsertionOrder: true,
    signal: context.signal,
  });
  try {
    const sql = `SELECT line FROM ${readLinesSql(text.path, text.compression)}`;
    for await (const batch of reader.streamColumns(sql, ["TEXT"], 8192)) yield* batch.columns[0];
  } finally {
    reader.close();
  }
}

async function* compressedBytes(context: ReadContext, text: PlainText): AsyncGenerator<Uint8Array> {
  for await (const line of compressedLines(context, text)) yield Buffer.from(`${line}\n`);
}
