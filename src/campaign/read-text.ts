import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { CouponcastError, invalidArgument, toCouponcastError } from "../errors.js";

const MEGABYTE = 2 ** 20;

/** Waits for one turn of the event loop, so that a long parse does not block its host. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Reads a text file (UTF-8, a byte order mark is skipped; `.gz` is unpacked on the way), at most maxBytes unpacked.
 * `shown` is the name for messages.
 *
 * Errors: ERR_COUPONCAST_IO (no such file, no permission), ERR_COUPONCAST_INVALID_ARGUMENT (no regular file, too
 * large, not UTF-8), ERR_COUPONCAST_CORRUPT_FILE (damaged gzip).
 */
export async function readText(path: string, maxBytes: number, shown = path): Promise<string> {
  const isGzip = path.endsWith(".gz");
  try {
    if (!(await stat(path)).isFile()) throw invalidArgument(`${shown}: expected a regular file`, { file: shown });
    const file = createReadStream(path, { highWaterMark: MEGABYTE });
    const stream: Readable = isGzip ? file.pipe(createGunzip({ chunkSize: MEGABYTE })) : file;
    // pipe() does not carry errors over: without this a failed read would never end the loop below.
    if (isGzip) file.on("error", (error) => stream.destroy(error));
    try {
      return await decode(stream, maxBytes, shown);
    } finally {
      file.destroy();
    }
  } catch (thrown) {
    throw explain(thrown, path, shown);
  }
}

async function decode(stream: Readable, maxBytes: number, shown: string): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const parts: string[] = [];
  let total = 0;
  const text = (part?: Buffer): string => {
    try {
      return part === undefined ? decoder.decode() : decoder.decode(part, { stream: true });
    } catch (cause) {
      throw invalidArgument(`${shown}: expected UTF-8 text but received other bytes before byte ${total}`, {
        file: shown,
        hint: "save the file as UTF-8",
        cause,
      });
    }
  };
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    total += chunk.length;
    if (total > maxBytes) {
      stream.destroy();
      throw invalidArgument(`${shown}: expected at most ${maxBytes / MEGABYTE} MiB of text but it is larger`, {
        file: shown,
        hint: "put a large catalogue into JSONL or CSV files of its own, several if need be",
      });
    }
    parts.push(text(chunk));
  }
  parts.push(text());
  return parts.join("");
}

function explain(thrown: unknown, path: string, shown: string): CouponcastError {
  if (thrown instanceof CouponcastError) return thrown;
  const code = (thrown as NodeJS.ErrnoException).code;
  if (code?.startsWith("Z_") === true) {
    return new CouponcastError("ERR_COUPONCAST_CORRUPT_FILE", `${shown}: damaged gzip: ${(thrown as Error).message}`, {
      file: shown,
      cause: thrown,
    });
  }
  if (code === "ENOENT") {
    return new CouponcastError("ERR_COUPONCAST_IO", `${shown}: no such file (looked for ${path})`, {
      file: shown,
      cause: thrown,
    });
  }
  return toCouponcastError(thrown);
}
