import { didYouMean } from "../util/nearest-name.js";
import { SyntaxProblem } from "./document.js";
import { parseJsonValue } from "./parse-json.js";

/** How the text of a CSV cell becomes the value of a coupon's field. */
type CellKind = "text" | "number" | "boolean" | "list" | "tiers" | "json";

/** Every column that a CSV catalogue can have: the coupon's fields, nested ones with a dot. */
export const CSV_COLUMNS: Readonly<Record<string, CellKind>> = {
  id: "text",
  kind: "text",
  amountMinor: "number",
  percent: "number",
  tiers: "tiers",
  thresholdMinor: "number",
  maxDiscountMinor: "number",
  stock: "number",
  budgetMinor: "number",
  validFrom: "text",
  validUntil: "text",
  timeZone: "text",
  ttlDays: "number",
  channel: "text",
  stores: "list",
  "scope.all": "boolean",
  "scope.items": "list",
  "scope.categories": "list",
  "scope.excludeItems": "list",
  "scope.excludeCategories": "list",
  eligibility: "json",
  limitPerUser: "number",
  exclusiveGroup: "text",
};

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** A number where the text is one, else the text itself, so that the schema's message shows what stood there. */
function toNumber(text: string): number | string {
  return NUMBER.test(text) ? Number(text) : text;
}

function toBoolean(text: string): boolean | string {
  const lower = text.toLowerCase();
  return lower === "true" ? true : lower === "false" ? false : text;
}

function toTiers(text: string): unknown[] {
  return text.split("|").map((tier) => {
    const [threshold, amount, ...rest] = tier.split(":").map((part) => part.trim());
    // Neither half of a pair: the schema then says that an object was expected and shows the text.
    if (threshold === undefined || amount === undefined || rest.length > 0) return tier;
    return { thresholdMinor: toNumber(threshold), amountMinor: toNumber(amount) };
  });
}

function toValue(kind: CellKind, text: string, line: number): unknown {
  switch (kind) {
    case "number":
      return toNumber(text.trim());
    case "boolean":
      return toBoolean(text.trim());
    case "list":
      return text.split("|");
    case "tiers":
      return toTiers(text);
    case "json":
      return parseJsonValue(text, line);
    default:
      return text;
  }
}

/** What is wrong with a header row: unknown columns (nearest name, all that are allowed), columns given twice. */
export function csvHeaderProblems(header: readonly string[]): string[] {
  const allowed = Object.keys(CSV_COLUMNS);
  const problems: string[] = [];
  header.forEach((name, i) => {
    const shown = JSON.stringify(name.slice(0, 60));
    if (!Object.hasOwn(CSV_COLUMNS, name)) {
      problems.push(`unknown column ${shown}${didYouMean(name, allowed)} (allowed: ${allowed.join(", ")})`);
    } else if (header.indexOf(name) !== i) {
      problems.push(`the column ${shown} is given twice`);
    }
  });
  return problems;
}

/**
 * The raw coupon of one CSV record: an empty cell is a field that is not given; lists are separated by `|`; tiers are
 * `threshold:amount` pairs separated by `|`; eligibility holds JSON. The result still has to pass the schema.
 *
 * Errors: SyntaxProblem for a row of another length than the header, or an eligibility that is no JSON.
 */
export function csvCoupon(header: readonly string[], cells: readonly string[], line: number): Record<string, unknown> {
  if (cells.length !== header.length) {
    throw new SyntaxProblem(line, `expected ${header.length} cells as in the header but received ${cells.length}`);
  }
  const coupon: Record<string, unknown> = {};
  let scope: Record<string, unknown> | undefined;
  header.forEach((name, i) => {
    const text = cells[i]!;
    if (text === "") return;
    const kind = CSV_COLUMNS[name]!;
    let value: unknown;
    try {
      value = toValue(kind, text, line);
    } catch (thrown) {
      if (!(thrown instanceof SyntaxProblem)) throw thrown;
      throw new SyntaxProblem(line, `${name}: expected JSON: ${thrown.message}`);
    }
    if (name.startsWith("scope.")) {
      scope ??= {};
      scope[name.slice("scope.".length)] = value;
    } else {
      coupon[name] = value;
    }
  });
  if (scope !== undefined) coupon.scope = scope;
  return coupon;
}
