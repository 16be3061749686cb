import { CouponcastError } from "../errors.js";

/** One thing that is wrong in a file that a user wrote. */
export interface Issue {
  /** as the user named it */
  file: string;
  /** 1-based; 0 when the issue is about the file as a whole */
  line: number;
  /** keys and positions from the root of the document */
  path: readonly PropertyKey[];
  /** whose field it is when the path alone does not say it, e.g. `coupon "C1"` */
  label?: string | undefined;
  /** the sentence; made only for issues that are shown, because suggestions cost a search */
  message: () => string;
}

const MAX_SHOWN = 20;
/** Issues beyond this are counted, not kept: a catalogue of the wrong shape has one or more for each line. */
const MAX_KEPT = 10_000;
/** C1 controls, and the marks that reorder text: a file must not be able to paint the terminal. */
const UNPRINTABLE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Escapes what a terminal would obey instead of show. */
function printable(text: string): string {
  return text.replace(UNPRINTABLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A value as a message shows it: JSON, cut to 60 characters. */
export function showValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) {
    const keys = Object.keys(value);
    const names = keys.slice(0, 5).map((key) => showText(key, 20));
    return keys.length === 0
      ? "an empty object"
      : `an object with ${names.join(", ")}${keys.length > 5 ? ", ..." : ""}`;
  }
  return showText(value, 60);
}

function showText(value: unknown, max: number): string {
  const text = typeof value === "string" && value.length > max ? `${value.slice(0, max)}...` : value;
  return printable(JSON.stringify(text) ?? String(text));
}

/** `inputs.coupons[3].scope.items[0]`; keys that are no plain names are quoted: `budget["a b"]`. */
export function showPath(path: readonly PropertyKey[]): string {
  let out = "";
  for (const part of path) {
    if (typeof part === "number") out += `[${part}]`;
    else if (typeof part === "string" && /^[$A-Za-z_][\w$-]{0,99}$/.test(part)) out += out === "" ? part : `.${part}`;
    else out += `[${showText(String(part), 60)}]`;
  }
  return out;
}

/** Gathers issues over all files of a campaign and throws them as one error. */
export class IssueList {
  readonly #kept: Issue[] = [];
  readonly #fileOrder = new Map<string, number>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(issue: Issue): void {
    this.#count++;
    if (!this.#fileOrder.has(issue.file)) this.#fileOrder.set(issue.file, this.#fileOrder.size);
    if (this.#kept.length < MAX_KEPT) this.#kept.push(issue);
  }

  /**
   * Throws ERR_COUPONCAST_INVALID_ARGUMENT when there are issues: by file in the order read, then by line, then in
   * the order found; the first 20 in full, the rest as a number. file, line and field are the first issue's.
   */
  throwIfAny(): void {
    if (this.#count === 0) return;
    const order = (issue: Issue): number => this.#fileOrder.get(issue.file) ?? 0;
    const sorted = [...this.#kept].sort((a, b) => order(a) - order(b) || a.line - b.line);
    const lines: string[] = [];
    for (const issue of sorted) {
      const line = showIssue(issue);
      if (!lines.includes(line)) lines.push(line);
      if (lines.length === MAX_SHOWN) break;
    }
    const first = sorted[0]!;
    const more = this.#count - lines.length;
    let message = lines[0]!;
    if (lines.length > 1 || more > 0) {
      const rest = more > 0 ? [`and ${more} more`] : [];
      message = [`${this.#count} problems:`, ...lines, ...rest].join("\n  ");
    }
    throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", message, {
      file: first.file,
      line: first.line > 0 ? first.line : undefined,
      field: first.path.length > 0 ? showPath(first.path) : undefined,
      hint: "each line names file, line and field; an editor completes campaign files with couponcast's campaign.schema.json",
    });
  }
}

function showIssue(issue: Issue): string {
  const at = issue.line > 0 ? `${printable(issue.file)}:${issue.line}` : printable(issue.file);
  const where = [at, issue.label, showPath(issue.path)].filter((part) => part !== undefined && part !== "");
  return `${where.join(": ")}: ${printable(issue.message())}`;
}
