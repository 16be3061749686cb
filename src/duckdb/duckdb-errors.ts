import { CouponcastError, type ErrorCode } from "../errors.js";

/** What DuckDB writes before the colon, and the code that it stands for. */
const CODE_BY_PREFIX: [RegExp, ErrorCode][] = [
  [/^INTERRUPT Error/i, "ERR_COUPONCAST_CANCELLED"],
  // A full disk shows wherever DuckDB happens to write: in a commit, too.
  [/Could not write|No space left on device|File too large/i, "ERR_COUPONCAST_IO"],
  [/^Out of Memory Error/i, "ERR_COUPONCAST_OUT_OF_MEMORY"],
  [
    /^(IO|HTTP) Error.*(magic bytes|too small to be a Parquet|GZIP|ZSTD|Snappy|footer)/is,
    "ERR_COUPONCAST_CORRUPT_FILE",
  ],
  [
    /^(Invalid Input|Invalid|Conversion|TProtocolException|Serialization).*(parquet|zstd|snappy|gzip|thrift|UTF-?8|unicode)/is,
    "ERR_COUPONCAST_CORRUPT_FILE",
  ],
  // What its Parquet reader makes of a damaged footer.
  [/^Invalid Error: don't know what type/i, "ERR_COUPONCAST_CORRUPT_FILE"],
  [/^(IO|Permission) Error/i, "ERR_COUPONCAST_IO"],
  [/^Out of Range Error|^Conversion Error/i, "ERR_COUPONCAST_OUT_OF_RANGE"],
  [/^Invalid Input Error/i, "ERR_COUPONCAST_INVALID_ARGUMENT"],
];

/** The error that a user should see for one that DuckDB threw: its code, its first paragraph, file and line. */
export function translateDuckDbError(
  thrown: unknown,
  context: { memoryLimitMb: number; signal?: AbortSignal | undefined },
): CouponcastError {
  if (thrown instanceof CouponcastError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (context.signal?.aborted) return new CouponcastError("ERR_COUPONCAST_CANCELLED", "cancelled", { cause: thrown });

  const code = CODE_BY_PREFIX.find(([pattern]) => pattern.test(text))?.[1] ?? "ERR_COUPONCAST_INTERNAL";
  const file = /^\s*file\s*=\s*(.+)$/m.exec(text)?.[1] ?? /(?:file|reading|open)\s+["']([^"']+)["']/i.exec(text)?.[1];
  const line = /\bon line:?\s*(\d+)/i.exec(text)?.[1];
  // The rest of the message repeats the statement, which the user did not write.
  const paragraph = text.split(/\n\s*\n|\nLINE \d+:|\nPossible fixes/)[0]!.trim();
  // What kind DuckDB calls it is said by the code.
  const message = code === "ERR_COUPONCAST_INTERNAL" ? paragraph : paragraph.replace(/^[\w ]+ Error: /, "");
  const hint =
    code === "ERR_COUPONCAST_OUT_OF_MEMORY"
      ? `raise ingest.memoryLimitMb (DuckDB was given ${context.memoryLimitMb} MB) or use fewer threads`
      : code === "ERR_COUPONCAST_CORRUPT_FILE"
        ? "copy or export the file again"
        : undefined;
  return new CouponcastError(code, message, {
    cause: thrown,
    hint,
    file,
    line: line === undefined ? undefined : Number(line),
  });
}
