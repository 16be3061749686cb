import { invalidArgument } from "../errors.js";

/** A quoted SQL identifier. Errors: ERR_COUPONCAST_INVALID_ARGUMENT for NUL, which would cut the statement short. */
export function sqlIdentifier(name: string): string {
  return `"${withoutNul(name).replaceAll('"', '""')}"`;
}

/** A quoted SQL text. Errors: as sqlIdentifier. */
export function sqlText(text: string): string {
  return `'${withoutNul(text).replaceAll("'", "''")}'`;
}

function withoutNul(text: string): string {
  if (text.includes("\0")) throw invalidArgument(`expected text without NUL but received ${JSON.stringify(text)}`);
  return text;
}
