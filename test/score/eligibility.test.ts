import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { horizonDays } from "../../src/campaign/coupon.js";
import { type Coupon, type CouponInput, couponSchema, type Rule } from "../../src/campaign/coupon-schema.js";
import { CouponcastError } from "../../src/errors.js";
import { type EligibilityContext, eligibilitySql, REASONS, reasonCode } from "../../src/score/eligibility.js";
import { ruleSql, type UserColumn } from "../../src/score/rule-sql.js";

const AS_OF = Date.parse("2026-11-11T10:00:00Z");
const WEIRD = `a"b'c; DROP TABLE users --`;

/** A user as plain values; null is missing. */
interface User {
  consent: boolean | null;
  channel: "online" | "offline" | "both";
  store: string | null;
  tier: string | null;
  birth: [number, number] | null;
  frequency: number | null;
  redeemed: number | null;
  age: number | null;
  score: number | null;
  city: string | null;
  vip: boolean | null;
  joined: string | null;
  weird: string | null;
}

const CITIES = [
  "",
  " ",
  "Berlin",
  "berlin",
  "Zürich",
  "O'Hara",
  "5",
  "7.5",
  "1e1",
  "-3",
  "abc",
  "yes",
  "FALSE",
  "nan",
  "😀",
  "\uffee",
  `";--`,
];
const NAMES = ["age", "score", "city", "vip", "joined", WEIRD] as const;

function pick<T>(list: readonly T[], i: number): T {
  return list[i % list.length]!;
}

/** 240 users that pair up the values in many ways, by steps that have no common factor. */
const USERS: User[] = Array.from({ length: 240 }, (_, i) => ({
  consent: pick([true, true, true, true, false, null, true], i),
  channel: pick(["online", "offline", "both"] as const, i),
  store: pick([null, "s1", "s2", "s'3"], i),
  tier: pick([null, "", "none", "None", " NONE ", "gold", "silver"], i * 3),
  birth: pick(
    [null, [2, 29], [11, 11], [11, 12], [12, 31], [1, 1], [2, 28], [3, 1], [12, 10], [12, 11]] as const,
    i * 7,
  ) as [number, number] | null,
  frequency: pick([0, 1, null, 5], i * 3),
  redeemed: pick([null, 0, 1, 2, 3], i),
  age: pick([null, -3, 0, 1, 5, 18, 30, 9007199254740991], i * 5),
  score: pick([null, 0, 1, 0.1, -2.5, 7.5, 1e300, Number.NaN], i * 11),
  city: pick([null, ...CITIES], i * 13),
  vip: pick([null, true, false], i),
  joined: pick([null, "2026-01-01", "2025-12-31", "1970-01-01"], i * 3),
  weird: pick([null, "x", WEIRD], i),
}));

const COLUMNS: UserColumn[] = [
  { name: "row", type: "INTEGER" },
  { name: "attr_age", type: "BIGINT" },
  { name: "attr_score", type: "DOUBLE" },
  { name: "attr_city", type: "VARCHAR" },
  { name: "attr_vip", type: "BOOLEAN" },
  { name: "attr_joined", type: "DATE" },
  { name: `attr_${WEIRD}`, type: "VARCHAR" },
];

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await (await DuckDBInstance.create(":memory:", { threads: "1" })).connect();
  await connection.run(`CREATE TABLE users ("row" INTEGER, consent BOOLEAN, channel VARCHAR, store VARCHAR, tier VARCHAR,
    birth_month UTINYINT, birth_day UTINYINT, redeemed INTEGER, attr_age BIGINT, attr_score DOUBLE, attr_city VARCHAR,
    attr_vip BOOLEAN, attr_joined DATE, "attr_${WEIRD.replaceAll('"', '""')}" VARCHAR)`);
  await connection.run('CREATE TABLE features ("row" INTEGER, frequency INTEGER)');
  const sql = (value: unknown): string => {
    if (value === null) return "NULL";
    if (typeof value === "string") return `'${value.replaceAll("'", "''")}'`;
    return typeof value === "number" ? `'${value}'::DOUBLE` : String(value);
  };
  const rows = USERS.map((u, i) => {
    const birth = u.birth ?? [null, null];
    const values = [
      i,
      u.consent,
      u.channel,
      u.store,
      u.tier,
      ...birth,
      u.redeemed,
      u.age,
      u.score,
      u.city,
      u.vip,
      u.joined,
      u.weird,
    ];
    return `(${values.map((value, c) => (c === 8 && value !== null ? String(value) : sql(value))).join(", ")})`;
  });
  await connection.run(`INSERT INTO users VALUES ${rows.join(", ")}`);
  await connection.run(
    `INSERT INTO features VALUES ${USERS.map((u, i) => `(${i}, ${u.frequency ?? "NULL"})`).join(", ")}`,
  );
});
afterAll(() => connection.closeSync());

async function column(expression: string): Promise<unknown[]> {
  const sql = `SELECT ${expression} FROM users u JOIN features f USING ("row") ORDER BY u."row"`;
  return (await connection.runAndReadAll(sql)).getRows().map(([value]) => value);
}

// ---- the reference: rules by their documentation, without SQL ----

const TYPES = Object.fromEntries(COLUMNS.map(({ name, type }) => [name.slice(5), type]));

function attributeOf(user: User, name: string): unknown {
  const value = name === WEIRD ? user.weird : user[name as "age" | "score" | "city" | "vip" | "joined"];
  return typeof value === "number" && Number.isNaN(value) ? null : value;
}

function toNumber(value: unknown): number | null {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  const text = String(value).trim();
  return /^[+-]?\d+(\.\d+)?(e\d+)?$/.test(text) ? Number(text) : null;
}

function toBoolean(value: unknown): boolean | null {
  const text = String(value).trim().toLowerCase();
  if (["true", "t", "yes", "y", "1"].includes(text)) return true;
  return ["false", "f", "no", "n", "0"].includes(text) ? false : null;
}

/** -1, 0, 1, or null when one side is missing. */
function compare(attribute: unknown, type: string, value: string | number | boolean): number | null {
  if (attribute === null) return null;
  if (typeof value === "boolean" || (type === "BOOLEAN" && typeof value === "string")) {
    const left = toBoolean(attribute);
    return left === null ? null : left === (value === true || value === "true") ? 0 : 1;
  }
  if (typeof value === "number" || type === "BIGINT" || type === "DOUBLE") {
    const left = toNumber(attribute);
    const right = Number(value);
    return left === null ? null : Math.sign(left < right ? -1 : left > right ? 1 : 0);
  }
  if (type === "DATE") return Math.sign(Date.parse(attribute as string) - Date.parse(value));
  return Buffer.compare(Buffer.from(attribute as string), Buffer.from(value));
}

function holds(rule: Rule, user: User): boolean {
  if ("and" in rule) return rule.and.every((part) => holds(part, user));
  if ("or" in rule) return rule.or.some((part) => holds(part, user));
  if ("not" in rule) return !holds(rule.not, user);
  const attribute = attributeOf(user, rule.attribute);
  if (rule.op === "exists") {
    // NaN is a value of the column all the same.
    return rule.attribute === "score" ? user.score !== null : attribute !== null;
  }
  const values = (Array.isArray(rule.value) ? rule.value : [rule.value]) as (string | number | boolean)[];
  const results = values.map((value) => compare(attribute, TYPES[rule.attribute]!, value));
  switch (rule.op) {
    case "in":
      return results.some((r) => r === 0);
    case "not-in":
      return results.every((r) => r !== null && r !== 0);
    case "eq":
      return results[0] === 0;
    case "ne":
      return results[0] !== null && results[0] !== 0;
    default: {
      const r = results[0] ?? null;
      if (r === null) return false;
      return rule.op === "lt" ? r < 0 : rule.op === "le" ? r <= 0 : rule.op === "gt" ? r > 0 : r >= 0;
    }
  }
}

const numbers = fc.oneof(
  fc.constantFrom(0, -0, 1, 5, 10, 18, 7.5, -2.5, -3, 0.1, 1e300, 9007199254740991, 9007199254740990),
  fc.integer({ min: -5, max: 40 }),
);
const texts = fc.constantFrom(...CITIES, "x", WEIRD);
const VALUES: Record<(typeof NAMES)[number], fc.Arbitrary<string | number | boolean>> = {
  age: fc.oneof(numbers, fc.constantFrom("5", " 18 ", "7.5", "-3")),
  score: fc.oneof(numbers, fc.constantFrom("0.1", "1e300")),
  city: fc.oneof(numbers, texts),
  vip: fc.constantFrom<string | number | boolean>(true, false, "true", "false", 0, 1, 2),
  joined: fc.constantFrom("2026-01-01", "2025-12-31", "2026-01-01T00:00:00Z", "2025-12-31T12:00"),
  [WEIRD]: texts,
};
const comparison = fc.constantFrom(...NAMES).chain((attribute): fc.Arbitrary<Rule> => {
  const value = VALUES[attribute];
  const scalar = (ops: ("eq" | "ne" | "lt" | "le" | "gt" | "ge")[], v: fc.Arbitrary<string | number | boolean>) =>
    fc.record({ attribute: fc.constant(attribute), op: fc.constantFrom(...ops), value: v });
  const listed = value.filter((v): v is string | number => typeof v !== "boolean");
  return fc.oneof(
    scalar(["eq", "ne"], fc.oneof(value, attribute === "joined" || attribute === WEIRD ? value : fc.boolean())),
    scalar(
      ["eq", "ne", "lt", "le", "gt", "ge"],
      attribute === "vip" ? fc.constantFrom(0, 1, 2) : value.filter((v) => typeof v !== "boolean"),
    ),
    fc.record({
      attribute: fc.constant(attribute),
      op: fc.constantFrom("in" as const, "not-in" as const),
      value: fc.array(listed, { minLength: 1, maxLength: 5 }),
    }),
    fc.record({ attribute: fc.constant(attribute), op: fc.constant("exists" as const) }),
  );
});
const rules: fc.Arbitrary<Rule> = fc.letrec<{ rule: Rule }>((tie) => ({
  rule: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    comparison,
    fc.record({ and: fc.array(tie("rule"), { minLength: 1, maxLength: 3 }) }),
    fc.record({ or: fc.array(tie("rule"), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie("rule") }),
  ),
})).rule;

const RULES = { userColumns: COLUMNS, timeZone: "UTC", owner: 'coupon "C"' };

describe("ruleSql", () => {
  it("agrees with the rules read without SQL, for every user", { timeout: 60_000 }, async () => {
    let trues = 0;
    let falses = 0;
    await fc.assert(
      fc.asyncProperty(rules, async (rule) => {
        const expected = USERS.map((user) => holds(rule, user));
        expect(await column(ruleSql(rule, RULES))).toEqual(expected);
        trues += expected.filter((value) => value).length;
        falses += expected.filter((value) => !value).length;
      }),
      { numRuns: 400 },
    );
    // Both outcomes were common, or the comparison would say little.
    expect(Math.min(trues, falses) / (trues + falses)).toBeGreaterThan(0.1);
  });

  it("makes a comparison with a missing attribute false, and its negation true", async () => {
    const missing = USERS.map((user) => user.city === null);
    for (const op of ["eq", "ne", "lt", "not-in"] as const) {
      const rule: Rule = { attribute: "city", op, value: op === "not-in" ? ["q"] : "q" };
      const direct = await column(ruleSql(rule, RULES));
      const negated = await column(ruleSql({ not: rule }, RULES));
      missing.forEach((isMissing, i) => {
        if (isMissing) expect([direct[i], negated[i]]).toEqual([false, true]);
      });
    }
  });

  it("reads every type of column that a users table can have", async () => {
    const test = async (type: string, literal: string, comparison: object): Promise<unknown> => {
      const context = { ...RULES, userColumns: [{ name: "attr_x", type }], timeZone: "Europe/Berlin" };
      const sql = ruleSql({ attribute: "x", op: "eq", ...comparison } as Rule, context);
      const reader = await connection.runAndReadAll(`SELECT ${sql} FROM (SELECT ${literal}::${type} AS attr_x) u`);
      return reader.getRows()[0]?.[0];
    };
    expect(await test("DECIMAL(18,2)", "12.50", { value: 12.5 })).toBe(true);
    expect(await test("UTINYINT", "200", { op: "gt", value: -5 })).toBe(true);
    expect(await test("HUGEINT", "170141183460469231731687303715884105727", { op: "gt", value: 5 })).toBe(true);
    expect(await test("FLOAT", "'nan'", { op: "gt", value: 5 })).toBe(false);
    expect(await test("TIMESTAMP", "'2026-01-01 12:00:00'", { op: "gt", value: "2026-01-01T11:59" })).toBe(true);
    expect(await test("TIMESTAMP WITH TIME ZONE", "'2026-07-01 10:00:00+00'", { value: "2026-07-01T12:00" })).toBe(
      true,
    );
    expect(await test("ENUM('b', 'a')", "'a'", { op: "lt", value: "b" })).toBe(true);
    expect(await test("UUID", "'00000000-0000-0000-0000-000000000001'", { op: "exists" })).toBe(true);
    expect(await test("VARCHAR[]", "['a']", { value: "[a]" })).toBe(true);
  });

  const refuse = (rule: unknown): CouponcastError => {
    try {
      ruleSql(rule as Rule, RULES);
    } catch (thrown) {
      if (thrown instanceof CouponcastError) return thrown;
      throw thrown;
    }
    throw new Error("expected a CouponcastError");
  };

  it("names the attribute that was meant", () => {
    const error = refuse({ attribute: "agee", value: 1 });
    expect(error.code).toBe("ERR_COUPONCAST_INVALID_ARGUMENT");
    expect(error.message).toBe(
      `coupon "C": eligibility: the users table has no column "agee"; did you mean "age"? (it has: ${NAMES.join(", ")})`,
    );
    expect(() => ruleSql({ attribute: "age", op: "exists" }, { ...RULES, userColumns: [] })).toThrow("no users table");
  });

  it.each([
    [
      { attribute: "age", value: "old" },
      'attribute "age" is BIGINT in the users table: op eq expected a number but received "old"',
    ],
    [{ attribute: "vip", value: "yes" }, "expected true or false"],
    [{ attribute: "vip", op: "lt", value: true }, "expected a number or text"],
    [{ attribute: "joined", value: "soon" }, "expected an ISO 8601 date or time"],
    [{ attribute: "joined", value: 5 }, "expected an ISO 8601 time"],
    [{ attribute: "age", op: "in", value: 5 }, "expected a list of values"],
    [{ attribute: "age", op: "eq" }, "expected one value but received nothing"],
    [{ attribute: "age", value: Number.POSITIVE_INFINITY }, "expected a finite number"],
  ])("refuses %j", (rule, message) => {
    expect(refuse(rule).message).toContain(message);
  });
});

// ---- the reference of the whole: the first reason that applies ----

const DAY = 86_400_000;

function hasBirthday(user: User, days: number): boolean {
  if (user.birth === null) return false;
  const [month, day] = user.birth;
  for (let t = Math.floor(AS_OF / DAY) * DAY; t <= AS_OF + days * DAY - 1; t += DAY) {
    const date = new Date(t);
    const isLeap = new Date(Date.UTC(date.getUTCFullYear(), 1, 29)).getUTCMonth() === 1;
    const celebrated = month === 2 && day === 29 && !isLeap ? 28 : day;
    if (date.getUTCMonth() + 1 === month && date.getUTCDate() === celebrated) return true;
  }
  return false;
}

function firstReason(coupon: Coupon, user: User): string {
  if (user.consent !== true) return "no_consent";
  if (coupon.kind === "first-order" && (user.frequency ?? 0) > 0) return "not_first_order";
  if (coupon.kind === "birthday" && !hasBirthday(user, horizonDays(coupon, AS_OF))) return "not_birthday";
  if (coupon.kind === "member-only" && ["", "none"].includes((user.tier ?? "").trim().toLowerCase()))
    return "not_member";
  if (coupon.channel !== "both" && user.channel !== "both" && user.channel !== coupon.channel) return "wrong_channel";
  if (coupon.stores.length > 0 && !coupon.stores.includes(user.store ?? "\0")) return "wrong_store";
  if (coupon.eligibility !== undefined && !holds(coupon.eligibility, user)) return "rule";
  if (coupon.limitPerUser !== undefined && (user.redeemed ?? 0) >= coupon.limitPerUser) return "limit_reached";
  return "eligible";
}

const coupons: fc.Arbitrary<CouponInput> = fc.record(
  {
    id: fc.constant("C'1"),
    kind: fc.constantFrom("amount" as const, "first-order" as const, "birthday" as const, "member-only" as const),
    amountMinor: fc.constant(100),
    channel: fc.constantFrom("online" as const, "offline" as const, "both" as const),
    stores: fc.subarray(["s1", "s'3", "elsewhere"]),
    ttlDays: fc.constantFrom(0.1, 1, 30, 50, 51, 110, 365, 366, 500, 900),
    limitPerUser: fc.integer({ min: 1, max: 3 }),
    eligibility: rules,
  },
  { requiredKeys: ["id", "kind", "amountMinor"] },
);

const CONTEXT: EligibilityContext = {
  asOfMs: AS_OF,
  timeZone: "UTC",
  userColumns: COLUMNS,
  redemptionsSql: () => "u.redeemed",
};

describe("eligibilitySql", () => {
  it("gives the first reason that applies, for every user", { timeout: 60_000 }, async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(coupons, async (input) => {
        const coupon = couponSchema.parse(input);
        const { active } = eligibilitySql([coupon], CONTEXT);
        const codes = await column(active[0]!.sql);
        const expected = USERS.map((user) => firstReason(coupon, user));
        expect(codes.map((code) => REASONS[code as keyof typeof REASONS])).toEqual(expected);
        for (const reason of expected) seen.add(reason);
      }),
      { numRuns: 300 },
    );
    expect([...seen].sort()).toEqual([
      "eligible",
      "limit_reached",
      "no_consent",
      "not_birthday",
      "not_first_order",
      "not_member",
      "rule",
      "wrong_channel",
      "wrong_store",
    ]);
  });

  it("is a UTINYINT, whatever the coupon", async () => {
    const coupon = couponSchema.parse({ id: "C", kind: "amount", amountMinor: 1 });
    const [expression] = eligibilitySql([coupon], CONTEXT).active;
    expect(new Set(await column(`typeof(${expression!.sql})`))).toEqual(new Set(["UTINYINT"]));
  });

  it("leaves inactive coupons to their window, and limits to those who have a history", () => {
    const list = [
      { id: "past", kind: "amount", amountMinor: 1, validUntil: "2026-11-11T10:00:00Z" },
      { id: "now", kind: "amount", amountMinor: 1, validUntil: "2026-11-11T10:00:01Z", limitPerUser: 1 },
      { id: "soon", kind: "amount", amountMinor: 1, validFrom: "2026-11-12" },
      // In Tokyo it is the evening of the 11th, in UTC still its morning.
      { id: "tokyo", kind: "amount", amountMinor: 1, validFrom: "2026-11-11T18:59", timeZone: "Asia/Tokyo" },
    ].map((coupon) => couponSchema.parse(coupon));
    const { active, inactive } = eligibilitySql(list, { asOfMs: AS_OF, timeZone: "UTC", userColumns: COLUMNS });
    expect(active.map(({ index, couponId }) => [index, couponId])).toEqual([
      [1, "now"],
      [3, "tokyo"],
    ]);
    expect(inactive.map(({ couponId }) => couponId)).toEqual(["past", "soon"]);
    expect(active[0]!.sql).not.toContain(String(reasonCode("limit_reached")));
  });
});

it("REASONS has each name once and fits a byte", () => {
  const names = Object.values(REASONS);
  expect(new Set(names).size).toBe(names.length);
  for (const [code, name] of Object.entries(REASONS)) {
    expect(Number(code)).toBeLessThanOrEqual(255);
    expect(reasonCode(name)).toBe(Number(code));
  }
});
