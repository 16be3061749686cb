import { relative } from "node:path";
import { CouponcastError, toCouponcastError } from "../errors.js";
import { printable, red, write } from "./terminal.js";

/** What is thrown, as the error that a person should read. */
export function readableError(thrown: unknown): CouponcastError {
  if (
    thrown instanceof RangeError &&
    /allocation failed|Invalid (typed )?array (buffer )?length/i.test(thrown.message)
  ) {
    return new CouponcastError("ERR_COUPONCAST_OUT_OF_MEMORY", `not enough memory: ${thrown.message}`, {
      cause: thrown,
      hint: "Ask for fewer results at once, or use a machine with more memory.",
    });
  }
  const error = toCouponcastError(thrown);
  return error.code === "ERR_COUPONCAST_IO" ? readableSystemError(error) : error;
}

/** Node's `ENOSPC: no space left on device, open '/x'`, by itself or after what was being done. */
const SYSTEM_ERROR = /(?<doing>^|: )E[A-Z0-9]+: (?<why>[^,\n]+), (?<call>\w+)(?: '(?<path>[^']*)')?(?: -> '[^']*')?$/;
const VERBS: Record<string, string> = {
  mkdir: "make the folder",
  mkdtemp: "make a folder in",
  open: "open",
  read: "read",
  rename: "replace",
  rm: "remove",
  scandir: "read the folder",
  unlink: "remove",
  write: "write",
};
const NO_SPACE = /no space left|file too large|quota exceeded/i;

function readableSystemError(error: CouponcastError): CouponcastError {
  const found = SYSTEM_ERROR.exec(error.message)?.groups;
  let { message } = error;
  if (found !== undefined) {
    const { doing, why, call, path } = found;
    message = message.replace(
      SYSTEM_ERROR,
      doing === ": " ? `: ${why}` : `cannot ${VERBS[call!] ?? call}${path === undefined ? "" : ` ${path}`}: ${why}`,
    );
  }
  const hint =
    error.hint ?? (NO_SPACE.test(message) ? "Free some space (or raise the limit) and try again." : undefined);
  const { code, file, line, field } = error;
  return new CouponcastError(code, message, { cause: error, hint, file, line, field });
}

/** `couponcast: file:line: message` and `hint: ...`, the latter if there is one. */
function errorText(error: CouponcastError, debug: boolean): string {
  let { message } = error;
  const file = error.file === undefined ? undefined : shortPath(error.file);
  if (file !== undefined) message = message.replaceAll(error.file!, () => file);
  if (file !== undefined && !message.includes(file)) {
    message = `${error.line === undefined ? file : `${file}:${error.line}`}: ${message}`;
  } else if (error.line !== undefined && file !== undefined && !message.includes(`:${error.line}`)) {
    message += ` (line ${error.line})`;
  }
  if (error.field !== undefined && !message.includes(error.field)) message += ` (${error.field})`;
  const lines = [`couponcast: ${message}`];
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`);
  else if (error.code === "ERR_COUPONCAST_INTERNAL") {
    lines.push("hint: This is a mistake in couponcast itself. Please report it with what --debug prints.");
  }
  if (debug) lines.push(...stacks(error));
  return lines.join("\n");
}

function stacks(error: CouponcastError): string[] {
  const lines = [`code: ${error.code}`, error.stack ?? ""];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) lines.push(`caused by ${cause.stack}`);
  return lines;
}

/** Relative where that is shorter. */
function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  // A path that ends in .. would swallow what follows it in a message.
  return short !== "" && !short.endsWith("..") && short.length < path.length ? short : path;
}

export async function printError(error: CouponcastError, debug: boolean): Promise<void> {
  const text = printable(errorText(error, debug)).replace(/^couponcast:/, red("couponcast:", process.stderr));
  await write(process.stderr, `${text}\n`);
}
