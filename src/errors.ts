/**
 * The error catalogue: one flat table of stable codes, the same in the core, the library and the command line.
 * The numbers are the core's `StatusCode` (native/include/couponcast/status.h).
 */
const ERROR_TABLE = {
  ERR_COUPONCAST_INVALID_ARGUMENT: { status: 1, exitCode: 2 },
  ERR_COUPONCAST_CORRUPT_FILE: { status: 2, exitCode: 3 },
  ERR_COUPONCAST_VERSION_MISMATCH: { status: 3, exitCode: 4 },
  ERR_COUPONCAST_IO: { status: 4, exitCode: 5 },
  ERR_COUPONCAST_OUT_OF_MEMORY: { status: 5, exitCode: 6 },
  ERR_COUPONCAST_OUT_OF_RANGE: { status: 6, exitCode: 7 },
  ERR_COUPONCAST_INFEASIBLE: { status: 7, exitCode: 8 },
  ERR_COUPONCAST_CANCELLED: { status: 8, exitCode: 130 },
  ERR_COUPONCAST_CLOSED: { status: 9, exitCode: 9 },
  ERR_COUPONCAST_UNSUPPORTED_PLATFORM: { status: 10, exitCode: 10 },
  ERR_COUPONCAST_INTERNAL: { status: 11, exitCode: 70 },
} as const;

export type ErrorCode = keyof typeof ERROR_TABLE;

export interface ErrorDetails {
  /** What the reader can do about it, one sentence. */
  hint?: string | undefined;
  /** Where: a file, and a line or a field in it. */
  file?: string | undefined;
  line?: number | undefined;
  field?: string | undefined;
  cause?: unknown;
}

/** Every error that couponcast throws on purpose. `message` says what was expected, what came and where. */
export class CouponcastError extends Error {
  override readonly name = "CouponcastError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly field: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.file = details.file;
    this.line = details.line;
    this.field = details.field;
  }

  /** The process exit code that stands for this kind of error. */
  get exitCode(): number {
    return ERROR_TABLE[this.code].exitCode;
  }
}

export function invalidArgument(message: string, details?: ErrorDetails): CouponcastError {
  return new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", message, details);
}

const CODE_BY_STATUS = new Map<number, ErrorCode>(
  (Object.keys(ERROR_TABLE) as ErrorCode[]).map((code) => [ERROR_TABLE[code].status, code]),
);

/** The class instance for a status number of the core. */
export function errorFromStatus(status: number, message: string): CouponcastError {
  return new CouponcastError(CODE_BY_STATUS.get(status) ?? "ERR_COUPONCAST_INTERNAL", message);
}

const IO_CODES = new Set([
  "ENOENT",
  "EACCES",
  "EPERM",
  "EISDIR",
  "ENOTDIR",
  "ENOSPC",
  "EIO",
  "EROFS",
  "EMFILE",
  "EEXIST",
  "ENOTEMPTY",
  "EXDEV",
  "EFBIG",
  "EDQUOT",
  "ELOOP",
  "ENAMETOOLONG",
  "ENFILE",
  "EBUSY",
  "ENXIO",
  "ENODEV",
  "ESTALE",
]);

/** An error on its way between threads, where its class, name and code would be lost. */
export interface ErrorData {
  code: ErrorCode;
  message: string;
  stack: string | undefined;
  hint: string | undefined;
  file: string | undefined;
  line: number | undefined;
  field: string | undefined;
}

export function errorData(thrown: unknown): ErrorData {
  const { code, message, stack, hint, file, line, field } = toCouponcastError(thrown);
  return { code, message, stack, hint, file, line, field };
}

export function errorFromData({ code, message, stack, ...details }: ErrorData): CouponcastError {
  const error = new CouponcastError(code, message, details);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Makes a CouponcastError of anything thrown: file system errors become ERR_COUPONCAST_IO, the rest INTERNAL. */
export function toCouponcastError(thrown: unknown): CouponcastError {
  if (thrown instanceof CouponcastError) return thrown;
  if (thrown instanceof Error) {
    const { name } = thrown;
    if (name === "AbortError") {
      return new CouponcastError("ERR_COUPONCAST_CANCELLED", "cancelled", { cause: thrown });
    }
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code !== undefined && IO_CODES.has(code)) {
      return new CouponcastError("ERR_COUPONCAST_IO", thrown.message, {
        cause: thrown,
        file: (thrown as NodeJS.ErrnoException).path,
      });
    }
    return new CouponcastError("ERR_COUPONCAST_INTERNAL", thrown.message, { cause: thrown });
  }
  return new CouponcastError("ERR_COUPONCAST_INTERNAL", String(thrown));
}
