import type { Rule } from "../campaign/coupon-schema.js";
import { parseInstant } from "../campaign/instant.js";
import { quoteIdentifier, quoteLiteral } from "../duckdb/duckdb.js";
import { type CouponcastError, invalidArgument } from "../errors.js";
import { didYouMean } from "../util/nearest-name.js";

/** A column of users.parquet, by its DuckDB type (`VARCHAR`, `BIGINT`, `DECIMAL(18,3)` ...). */
export interface UserColumn {
  name: string;
  type: string;
}

/** What a rule is compiled against. */
export interface RuleContext {
  /** all columns of users.parquet; attributes are those named attr_<name> */
  userColumns: readonly UserColumn[];
  /** IANA name that times without an offset are read in where the column has a zone */
  timeZone: string;
  /** whose rule it is, for messages, e.g. `coupon "C1"` */
  owner: string;
}

type Comparison = Extract<Rule, { attribute: string }>;
type Scalar = string | number | boolean;
type ColumnKind = "text" | "integer" | "number" | "boolean" | "time" | "zoned-time" | "other";

const ATTRIBUTE_PREFIX = "attr_";
const ORDER_SQL: Readonly<Record<string, string>> = { eq: "=", ne: "<>", lt: "<", le: "<=", gt: ">", ge: ">=" };
const TRUE_TEXTS = "('true', 't', 'yes', 'y', '1')";
const FALSE_TEXTS = "('false', 'f', 'no', 'n', '0')";
const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;

function kindOf(type: string): ColumnKind {
  const upper = type.toUpperCase();
  if (/^(VARCHAR|ENUM)/.test(upper)) return "text";
  if (/^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/.test(upper)) return "integer";
  if (/^(DOUBLE|FLOAT|DECIMAL)/.test(upper)) return "number";
  if (upper === "BOOLEAN") return "boolean";
  if (upper === "TIMESTAMP WITH TIME ZONE" || upper === "TIMESTAMPTZ") return "zoned-time";
  if (/^(DATE|TIMESTAMP(_S|_MS|_NS)?)$/.test(upper)) return "time";
  return "other";
}

/** A number as SQL of exactly this double. */
function sqlNumber(value: number): string {
  return Number.isSafeInteger(value) ? String(value + 0) : `'${value}'::DOUBLE`;
}

/** Compiles one comparison; knows its column. */
class ComparisonCompiler {
  readonly #comparison: Comparison;
  readonly #context: RuleContext;
  readonly #kind: ColumnKind;
  readonly #type: string;
  readonly #column: string;

  constructor(comparison: Comparison, context: RuleContext) {
    this.#comparison = comparison;
    this.#context = context;
    const name = ATTRIBUTE_PREFIX + comparison.attribute;
    const column = context.userColumns.find((candidate) => candidate.name === name);
    if (column === undefined) throw unknownAttribute(comparison.attribute, context);
    this.#type = column.type;
    this.#kind = kindOf(column.type);
    this.#column = `u.${quoteIdentifier(name)}`;
  }

  /** A boolean expression that is never NULL. */
  sql(): string {
    const { op = "eq", value } = this.#comparison;
    if (op === "exists") return `(${this.#column} IS NOT NULL)`;
    if (op === "in" || op === "not-in") {
      if (!Array.isArray(value)) throw this.#unusable("a list of values");
      return this.#membership(value, op === "not-in");
    }
    if (value === undefined || Array.isArray(value)) throw this.#unusable("one value");
    const { left, right } = this.#operands(value, op);
    return `coalesce(${left} ${ORDER_SQL[op]!} ${right}, false)`;
  }

  /** One IN for each way that the column is read; `not-in` needs a column that can be read in all those ways. */
  #membership(values: readonly Scalar[], negated: boolean): string {
    const rightsByLeft = new Map<string, string[]>();
    for (const value of values) {
      const { left, right } = this.#operands(value, "eq");
      const rights = rightsByLeft.get(left);
      if (rights === undefined) rightsByLeft.set(left, [right]);
      else rights.push(right);
    }
    const parts = [...rightsByLeft].map(
      ([left, rights]) => `coalesce(${left} ${negated ? "NOT IN" : "IN"} (${rights.join(", ")}), false)`,
    );
    return parts.length === 1 ? parts[0]! : `(${parts.join(negated ? " AND " : " OR ")})`;
  }

  /** The two sides of a comparison, of types that compare without a hidden cast. */
  #operands(value: Scalar, op: string): { left: string; right: string } {
    if (typeof value === "boolean") return this.#withBoolean(value, op);
    if (typeof value === "number") return this.#withNumber(value);
    switch (this.#kind) {
      case "integer":
      case "number":
        if (!NUMBER.test(value)) throw this.#unusable("a number", value);
        return this.#withNumber(Number(value));
      case "boolean":
        if (value !== "true" && value !== "false") throw this.#unusable("true or false", value);
        return this.#withBoolean(value === "true", op);
      case "time":
      case "zoned-time":
        return this.#withTime(value);
      case "text":
        // An enumeration would order by position instead of by text.
        return { left: this.#type.startsWith("ENUM") ? this.#as("VARCHAR") : this.#column, right: quoteLiteral(value) };
      default:
        return { left: this.#as("VARCHAR"), right: quoteLiteral(value) };
    }
  }

  #withNumber(value: number): { left: string; right: string } {
    if (!Number.isFinite(value)) throw this.#unusable("a finite number", value);
    const right = sqlNumber(value);
    switch (this.#kind) {
      case "integer":
        return { left: Number.isSafeInteger(value) ? this.#column : this.#as("DOUBLE"), right };
      case "number":
        return { left: this.#notNan(this.#as("DOUBLE")), right: `${right}::DOUBLE` };
      case "text":
        return { left: this.#notNan(`TRY_CAST(${this.#as("VARCHAR")} AS DOUBLE)`), right: `${right}::DOUBLE` };
      case "boolean":
        return { left: this.#as("INTEGER"), right };
      default:
        throw this.#unusable(this.#kind === "other" ? "text" : "an ISO 8601 time", value);
    }
  }

  #withBoolean(value: boolean, op: string): { left: string; right: string } {
    if (op !== "eq" && op !== "ne") throw this.#unusable("a number or text", value);
    const right = String(value);
    switch (this.#kind) {
      case "boolean":
        return { left: this.#column, right };
      case "integer":
      case "number": {
        const c = this.#column;
        return { left: `CASE WHEN ${c} = 1 THEN true WHEN ${c} = 0 THEN false END`, right };
      }
      case "text": {
        const c = `lower(trim(${this.#as("VARCHAR")}))`;
        return { left: `CASE WHEN ${c} IN ${TRUE_TEXTS} THEN true WHEN ${c} IN ${FALSE_TEXTS} THEN false END`, right };
      }
      default:
        throw this.#unusable(this.#kind === "other" ? "text" : "an ISO 8601 time", value);
    }
  }

  #withTime(value: string): { left: string; right: string } {
    const zoned = this.#kind === "zoned-time";
    // A column without a zone holds wall clock: digits are compared with digits.
    const ms = parseInstant(value, zoned ? this.#context.timeZone : "UTC");
    if (ms === undefined) throw this.#unusable("an ISO 8601 date or time", value);
    const digits = new Date(ms).toISOString().slice(0, 23).replace("T", " ");
    return zoned
      ? { left: this.#column, right: `TIMESTAMPTZ '${digits}+00'` }
      : { left: this.#as("TIMESTAMP"), right: `TIMESTAMP '${digits}'` };
  }

  #as(type: string): string {
    return `CAST(${this.#column} AS ${type})`;
  }

  /** SQL orders NaN above every number; here it is no number, that is missing. */
  #notNan(expression: string): string {
    return `nullif(${expression}, 'nan'::DOUBLE)`;
  }

  #unusable(expected: string, value: unknown = this.#comparison.value): CouponcastError {
    const { attribute, op = "eq" } = this.#comparison;
    const came = value === undefined ? "nothing" : JSON.stringify(value).slice(0, 80);
    return invalidArgument(
      `${this.#context.owner}: eligibility: attribute ${JSON.stringify(attribute)} is ${this.#type} in the users table: ` +
        `op ${op} expected ${expected} but received ${came}`,
      { field: "eligibility" },
    );
  }
}

function unknownAttribute(attribute: string, { userColumns, owner }: RuleContext): CouponcastError {
  const names = userColumns
    .filter(({ name }) => name.startsWith(ATTRIBUTE_PREFIX))
    .map(({ name }) => name.slice(ATTRIBUTE_PREFIX.length));
  const shown = JSON.stringify(attribute.slice(0, 80));
  if (names.length === 0) {
    return invalidArgument(`${owner}: eligibility: attribute ${shown}: there is no users table that could have it`, {
      field: "eligibility",
      hint: "name a users table in inputs.users",
    });
  }
  return invalidArgument(
    `${owner}: eligibility: the users table has no column ${shown}${didYouMean(attribute, names)} ` +
      `(it has: ${names.slice(0, 100).join(", ")}${names.length > 100 ? `, and ${names.length - 100} more` : ""})`,
    { field: "eligibility" },
  );
}

/**
 * A boolean SQL expression, never NULL, of a rule over the columns of users.parquet, aliased `u`.
 *
 * Two-valued: a comparison with a missing attribute is false, also `ne` and `not-in`; `not` of it is true. Numbers
 * compare as numbers: of a text column by its text read as a number, and a text that is none counts as missing.
 * Texts compare by their bytes; times as instants, or digit by digit where the column has no zone; true and false
 * also match 1 and 0, and in text columns t, yes, y and f, no, n.
 *
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT for an attribute that the users table does not have (lists those that it
 * has, nearest name), and for a value that cannot be compared with the column.
 */
export function ruleSql(rule: Rule, context: RuleContext): string {
  if ("and" in rule) return `(${rule.and.map((part) => ruleSql(part, context)).join(" AND ")})`;
  if ("or" in rule) return `(${rule.or.map((part) => ruleSql(part, context)).join(" OR ")})`;
  if ("not" in rule) return `(NOT ${ruleSql(rule.not, context)})`;
  return new ComparisonCompiler(rule, context).sql();
}
