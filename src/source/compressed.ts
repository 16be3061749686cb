/**
 * Compressed input. DuckDB reads .gz and .zst, but silently stops at the end of a truncated file and checks no CRC
 * (tried with 1.5), so the container is verified here before a row of it is believed.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { CouponcastError } from "../errors.js";

/** A decompressed file larger than this must not be more than MAX_RATIO times its compressed size. */
const RATIO_CHECK_BYTES = 1 << 30;
const MAX_RATIO = 200;

/** Node 22.15 has zstd, Node 20 has not: there DuckDB decompresses, after verifyZstdFrames. */
const createZstd = (zlib as unknown as { createZstdDecompress?: () => Transform }).createZstdDecompress;

export type Compression = "none" | "gzip" | "zstd";

/** By the file's ending. */
export function compressionOf(path: string): Compression {
  const lower = path.toLowerCase();
  if (lower.endsWith(".gz") || lower.endsWith(".gzip")) return "gzip";
  if (lower.endsWith(".zst") || lower.endsWith(".zstd")) return "zstd";
  return "none";
}

/**
 * Decompresses `path` into `target` with every checksum verified. Returns false when this Node cannot (zstd before
 * Node 22.15); then the frames have been walked to the end, so a truncated file is an error all the same.
 *
 * Errors: CORRUPT_FILE for a truncated or damaged file and for one that expands more than 200-fold beyond 1 GiB.
 */
export async function decompressVerified(
  path: string,
  compression: "gzip" | "zstd",
  target: string,
  signal?: AbortSignal,
): Promise<boolean> {
  if (compression === "zstd" && createZstd === undefined) {
    await verifyZstdFrames(path);
    return false;
  }
  let bytesIn = 0;
  let bytesOut = 0;
  const countIn = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytesIn += chunk.length;
      done(null, chunk);
    },
  });
  const guardOut = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytesOut += chunk.length;
      if (bytesOut > RATIO_CHECK_BYTES && bytesOut > bytesIn * MAX_RATIO) {
        done(corrupt(path, `it expands more than ${MAX_RATIO}-fold (${bytesIn} bytes gave over ${bytesOut})`));
      } else done(null, chunk);
    },
  });
  const decoder = compression === "gzip" ? zlib.createGunzip({ chunkSize: 1 << 18 }) : createZstd!();
  try {
    await pipeline(
      createReadStream(path, { highWaterMark: 1 << 20 }),
      countIn,
      decoder,
      guardOut,
      createWriteStream(target, { flags: "wx", highWaterMark: 1 << 20 }),
      ...(signal === undefined ? [] : [{ signal }]),
    );
  } catch (thrown) {
    if (thrown instanceof CouponcastError) throw thrown;
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (signal?.aborted) throw new CouponcastError("ERR_COUPONCAST_CANCELLED", "cancelled", { cause: thrown });
    if (code?.startsWith("Z_") || code?.startsWith("ZSTD_") || code?.startsWith("ERR_ZLIB")) {
      throw corrupt(path, message, thrown);
    }
    throw new CouponcastError("ERR_COUPONCAST_IO", `cannot decompress ${path}: ${message}`, {
      file: path,
      cause: thrown,
    });
  }
  if (compression === "zstd") await verifyZstdFrames(path);
  return true;
}

/**
 * Walks the frames and blocks of a zstd file (RFC 8878, section 3.1) without decompressing them, and throws
 * CORRUPT_FILE unless the last one ends exactly where the file does. Reads about 3 bytes per 128 KiB block.
 */
async function verifyZstdFrames(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size === 0) throw corrupt(path, "the file is empty");
    let at = 0;
    while (at < size) at = await zstdFrameEnd(file, at, size, path);
  } finally {
    await file.close();
  }
}

async function zstdFrameEnd(file: FileHandle, begin: number, size: number, path: string): Promise<number> {
  const read = async (at: number, length: number) => {
    if (at + length > size) throw corrupt(path, `zstd data ends early: ${size} bytes, but ${at + length} are needed`);
    const buffer = Buffer.alloc(length);
    await file.read(buffer, 0, length, at);
    return buffer;
  };
  const magic = (await read(begin, 4)).readUInt32LE(0);
  if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) {
    const end = begin + 8 + (await read(begin + 4, 4)).readUInt32LE(0);
    if (end > size) throw corrupt(path, "a skippable zstd frame ends after the file");
    return end;
  }
  if (magic !== 0xfd2fb528) throw corrupt(path, `no zstd frame at byte ${begin}`);
  const descriptor = (await read(begin + 4, 1))[0]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  const contentSizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 3]!;
  let at = begin + 5 + (singleSegment ? 0 : 1) + dictionaryIdBytes + contentSizeBytes;
  for (let last = false; !last; ) {
    const header = (await read(at, 3)).readUIntLE(0, 3);
    last = (header & 1) === 1;
    const type = (header >> 1) & 3;
    if (type === 3) throw corrupt(path, `a zstd block at byte ${at} has the reserved type`);
    at += 3 + (type === 1 ? 1 : header >> 3);
  }
  if ((descriptor & 4) !== 0) at += 4;
  if (at > size) throw corrupt(path, `zstd data ends early: ${size} bytes, but ${at} are needed`);
  return at;
}

function corrupt(path: string, why: string, cause?: unknown): CouponcastError {
  return new CouponcastError("ERR_COUPONCAST_CORRUPT_FILE", `${path} is damaged: ${why}`, {
    file: path,
    hint: "copy or export the file again",
    cause,
  });
}
