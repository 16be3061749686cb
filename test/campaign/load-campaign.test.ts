import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadCampaign } from "../../src/campaign/load-campaign.js";
import { CouponcastError } from "../../src/errors.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "couponcast-campaign-"));
});
afterAll(() => rm(dir, { recursive: true }));

let counter = 0;
async function file(content: string | Buffer, ending = ".yaml"): Promise<string> {
  const path = join(dir, `c${counter++}${ending}`);
  await writeFile(path, content);
  return path;
}

async function errorOf(path: string): Promise<CouponcastError> {
  try {
    await loadCampaign(path);
  } catch (thrown) {
    if (thrown instanceof CouponcastError) return thrown;
    throw thrown;
  }
  throw new Error("expected a CouponcastError");
}

/** The lines of the error for a campaign, without the folder in front and the count line. */
async function problems(content: string, ending = ".yaml"): Promise<string[]> {
  const path = await file(content, ending);
  const error = await errorOf(path);
  expect(error.code).toBe("ERR_COUPONCAST_INVALID_ARGUMENT");
  const lines = error.message.split("\n").map((line) => line.trim().replace(path, "c"));
  return lines[0]!.endsWith("problems:") ? lines.slice(1) : lines;
}

const COUPON = "    - { id: C1, kind: percent, percent: 10 }";
const head = (more = "") => `name: x
inputs:
  events: { files: e.csv }
  coupons:
${COUPON}
${more}`;
const valid = (more = "") => head(`budget: { totalMinor: 100 }\n${more}`);

describe("a valid campaign", () => {
  it("gets its defaults, and the coupons their zone", async () => {
    const path = await file(valid("timeZone: Asia/Tokyo"));
    const loaded = await loadCampaign(path);
    expect(loaded).toMatchObject({ path, baseDir: dir, files: [path] });
    expect(loaded.campaign.behaviours).toEqual({ browse: 1, search: 2, purchase: 5 });
    expect(loaded.campaign.holdout).toEqual({ share: 0.05, key: "couponcast" });
    expect(loaded.coupons).toHaveLength(1);
    expect(loaded.coupons[0]).toMatchObject({
      id: "C1",
      timeZone: "Asia/Tokyo",
      channel: "both",
      scope: { all: true },
    });
  });

  it("may be JSON", async () => {
    const campaign = {
      $schema: "./campaign.schema.json",
      name: "x",
      inputs: { events: [{ files: ["e.csv"] }], coupons: [{ id: "C1", kind: "amount", amountMinor: 5 }] },
      budget: { totalMinor: 1, perCouponMinor: { C1: 1 } },
    };
    const path = await file(JSON.stringify(campaign), ".json");
    expect((await loadCampaign(path)).campaign.name).toBe("x");
  });

  it("reads catalogues beside it, in an order of its own", async () => {
    await writeFile(join(dir, "cat-b.jsonl"), '{"id":"B","kind":"amount","amountMinor":1}\n');
    await writeFile(
      join(dir, "cat-a.csv.gz"),
      gzipSync("id,kind,percent\n\u{1F600},percent,5\n\uFF21,percent,5\nA,percent,5\n"),
    );
    const path = await file(`name: x
inputs: { events: { files: e.csv }, coupons: { files: "cat-*" } }
budget: { totalMinor: 1, perCouponMinor: { B: 1 } }
`);
    const loaded = await loadCampaign(path);
    // By UTF-8 bytes the emoji comes last; by UTF-16 code units it would come before the wide A.
    expect(loaded.coupons.map(({ id }) => id)).toEqual(["A", "B", "\uFF21", "\u{1F600}"]);
    expect(loaded.files).toEqual([path, join(dir, "cat-a.csv.gz"), join(dir, "cat-b.jsonl")]);
  });

  it.each(["online-retail", "complete-journey"])("is the example %s", async (name) => {
    const loaded = await loadCampaign(new URL(`../../examples/${name}.yaml`, import.meta.url).pathname);
    expect(loaded.coupons.length).toBeGreaterThanOrEqual(5);
    expect(loaded.campaign.behaviours).toEqual({ purchase: 1 });
  });
});

describe("an error", () => {
  it("names file, line and field, what was expected and what came", async () => {
    const path = await file(head('budget:\n  totalMinor: "abc"'));
    const error = await errorOf(path);
    expect(error.message).toBe(
      `${path}:7: budget.totalMinor: expected integer >= 0 and <= 10000000000000 but received "abc"`,
    );
    expect(error).toMatchObject({ file: path, line: 7, field: "budget.totalMinor", exitCode: 2 });
  });

  it("tells all that is wrong at once, in the order of the lines", async () => {
    const lines = await problems(`name: x
timezone: UTC
budget: { totalMinor: -1 }
holdout: { share: 1 }
scoring: { method: item-knm, neighbours: 2.5 }
inputs:
  events: { files: a.csv, postgres: { connectionEnv: PG, query: q } }
  coupons:
    - { id: C1, kind: percent }
`);
    expect(lines).toHaveLength(7);
    expect(lines[0]).toMatch(
      /^c:2: timezone: unknown field; did you mean "timeZone"\? \(allowed: \$schema, name, asOf, /,
    );
    expect(lines.slice(1)).toEqual([
      "c:3: budget.totalMinor: expected integer >= 0 and <= 10000000000000 but received -1",
      "c:4: holdout.share: expected number >= 0 and < 1 but received 1",
      'c:5: scoring.method: expected one of item-knn, user-knn, saturated, als, ease, rp3beta, content, blend but received "item-knm"; did you mean "item-knn"?',
      "c:5: scoring.neighbours: expected integer >= 1 and <= 10000 but received 2.5",
      "c:7: inputs.events: expected exactly one of files, postgres but received files and postgres",
      'c:9: coupon "C1": inputs.coupons[0]: expected exactly one of amountMinor, percent, tiers but received none of them',
    ]);
  });

  it("shows 20 and counts the rest", async () => {
    const coupons = Array.from({ length: 30 }, (_, i) => `    - { id: C${i}, kind: percent, percent: 0 }`).join("\n");
    const path = await file(`name: x
inputs:
  events: { files: e.csv }
  coupons:
${coupons}
budget: { totalMinor: 1 }`);
    const lines = (await errorOf(path)).message.split("\n");
    expect(lines).toHaveLength(22);
    expect(lines[0]).toBe("30 problems:");
    expect(lines[21]?.trim()).toBe("and 10 more");
  });

  it("is about the branch of a union that was meant", async () => {
    const lines = await problems(
      head(`budget: { totalMinor: 1 }`).replace(
        COUPON,
        `    - id: C1
      kind: percent
      percent: 10
      scope: { items: [84879] }
      eligibility:
        and:
          - { attribute: a, op: equals, value: 3 }
          - { atribute: b, value: 1 }
          - { orr: [] }
          - { not: { attribute: x, op: in, value: 3 } }
          - { zzz: 1 }
          - 5`,
      ),
    );
    const at = "inputs.coupons[0]";
    const rule = "a rule { attribute, op, value }, { and: [...] }, { or: [...] } or { not: ... }";
    expect(lines.map((line) => line.replace('coupon "C1": ', ""))).toEqual([
      `c:8: ${at}.scope.items[0]: expected text of 1 to 512 characters but received 84879 (text needs quotes: "84879")`,
      `c:11: ${at}.eligibility.and[0].op: expected one of eq, ne, lt, le, gt, ge, in, not-in, exists but received "equals"`,
      `c:12: ${at}.eligibility.and[1].attribute: expected text of 1 to 256 characters but the field is missing`,
      `c:12: ${at}.eligibility.and[1].atribute: unknown field; did you mean "attribute"? (allowed: attribute, op, value)`,
      `c:13: ${at}.eligibility.and[2].or: expected a list (1 to 100 elements) of ${rule} but the field is missing`,
      `c:13: ${at}.eligibility.and[2].orr: unknown field; did you mean "or"? (allowed: or)`,
      `c:14: ${at}.eligibility.and[3].not.value: op in: expected a list of values but received 3`,
      `c:15: ${at}.eligibility.and[4]: expected ${rule} but received an object with "zzz"`,
      `c:16: ${at}.eligibility.and[5]: expected ${rule} but received 5`,
    ]);
  });

  it.each([
    ["events: [{ files: e.csv, formt: csv }]", 'inputs.events[0].formt: unknown field; did you mean "format"?'],
    ["events: { files: e.csv, formt: csv }", 'inputs.events.formt: unknown field; did you mean "format"?'],
    ["events: e.csv", "inputs.events: expected an object with files, format"],
    [
      "events: { files: [] }",
      "inputs.events.files: expected a list (at least 1 elements) of non-empty text but received a list of 0",
    ],
    [
      "events: { files: e.csv }\n  users:",
      "inputs.users: expected an object with files, format, delimiter, postgres, columns but received null (the field is empty)",
    ],
    [
      "events: { files: e.csv, columns: { behaviour: { constant: purchse } } }",
      'inputs.events.columns.behaviour.constant: expected one of the behaviours browse, search, purchase but received "purchse"; did you mean "purchase"?',
    ],
    [
      "events: { files: e.csv, time: { timeZone: Europe/Berln } }",
      'inputs.events.time.timeZone: expected an IANA time zone such as Europe/Berlin or UTC but received "Europe/Berln"; did you mean "Europe/Berlin"?',
    ],
    [
      "events: { files: e.csv, reject: [{ reason: x, column: y }] }",
      "inputs.events.reject[0]: expected exactly one of in, startsWith, isNull but received none of them",
    ],
  ])("of inputs %j says %s", async (events, expected) => {
    const lines = await problems(valid().replace("events: { files: e.csv }", events));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(expected);
  });

  it.each([
    ["asOf: 2026-02-30", "asOf: expected an ISO 8601 date or time"],
    ["asOf: 20260101", "asOf: expected text but received 20260101 (text needs quotes"],
    ["timeZone: Mars", 'timeZone: expected an IANA time zone such as Europe/Berlin or UTC but received "Mars"'],
    [
      "purchaseBehaviour: buy",
      'purchaseBehaviour: expected one of the behaviours browse, search, purchase but received "buy"',
    ],
    [
      "behaviours: { buy: 1 }",
      'purchaseBehaviour: expected one of the behaviours buy but received the default "purchase"',
    ],
    ["behaviours: { purchase: 1, Purchase: 2 }", "behaviours.Purchase: expected names that differ in more than case"],
    ["behaviours: { purchase: 1, '': 2 }", 'behaviours[""]: expected non-empty text as the name but received ""'],
    ["behaviours: { purchase: 1, __proto__: 2 }", "behaviours.__proto__: a field of this name is not allowed"],
    ["__proto__: { a: 1 }", "__proto__: a field of this name is not allowed"],
    ["constructor: 1", "constructor: unknown field"],
    ["toString: 1", "toString: unknown field"],
    ['asOf: "2026-01-01\\0"', "asOf: expected text without NUL characters"],
    ["seed: 1e400", "seed: expected integer >= 0 and <= 4294967295 but received Infinity"],
    ["seed: 99999999999999999999999", "seed: expected integer >= 0 and <= 4294967295 but received 1e+23"],
    ["seed: .nan", "seed: expected integer >= 0 and <= 4294967295 but received NaN"],
    ["seed: '5'", 'seed: expected integer >= 0 and <= 4294967295 but received "5" (a number has no quotes: 5)'],
    ["currency: euro", "currency: expected text that matches ^[A-Z]{3}$"],
    ["caps: { perUser: 30 }", "caps.perUser: expected candidatesPerUser >= perUser"],
    ["name: y", 'the key "name" is given twice'],
    ["seed: *x", "Unresolved alias"],
    ["seed: &a [*a]", "expected at most 100 levels of nesting"],
  ])("of %j says %s", async (line, expected) => {
    const lines = await problems(valid(line));
    expect(
      lines.some((l) => l.includes(expected)),
      lines.join("\n"),
    ).toBe(true);
  });

  it("paints no terminal", async () => {
    const [line] = await problems(valid('seed: "\\e[31m\\u009b\\u202e"'));
    expect(line).toContain('received "\\u001b[31m\\u009b\\u202e"');
  });

  it("of cross references", async () => {
    const coupons = `    - { id: SUMMER, kind: percent, percent: 10, validFrom: 2026-02-01, validUntil: 2026-01-01 }
    - { id: SUMMER, kind: amount, amountMinor: 5, timeZone: Mars, validFrom: soon }`;
    const lines = await problems(
      head("budget: { totalMinor: 1, perCouponMinor: { SUMER: 1, SUMMER: 1 } }").replace(COUPON, coupons),
    );
    expect(lines).toEqual([
      'c:5: coupon "SUMMER": inputs.coupons[0].validUntil: expected a time after validFrom ("2026-02-01", zone UTC) but received "2026-01-01"',
      'c:6: coupon "SUMMER": inputs.coupons[1].timeZone: expected an IANA time zone such as Europe/Berlin or UTC but received "Mars"',
      expect.stringContaining("inputs.coupons[1].validFrom: expected an ISO 8601 date or time"),
      'c:6: coupon "SUMMER": inputs.coupons[1].id: expected an id of its own but received "SUMMER", which inputs.coupons[0] (line 5) has too',
      'c:7: budget.perCouponMinor.SUMER: expected the id of a coupon ("SUMMER") but received "SUMER"; did you mean "SUMMER"?',
    ]);
  });

  it("of limits that name what there is not", async () => {
    const [coupon, segment, floor, cap] = await problems(
      head(`segments: { k: 2 }
budget: { totalMinor: 1, scopes: [{ name: spring, limitMinor: 1, coupons: [C2] }, { name: new, limitMinor: 1, segments: [2] }] }
fairness: [{ name: all, coupons: [C3], leastPieces: 1 }]
caps: { groups: [{ name: few, coupons: [C4], perUser: 1 }] }`),
    );
    expect(coupon).toContain('budget.scopes[0].coupons[0]: expected the id of a coupon ("C1") but received "C2"');
    expect(segment).toContain("budget.scopes[1].segments[0]: expected a segment below segments.k (2) but received 2");
    expect(floor).toContain("fairness[0].coupons[0]: expected the id of a coupon");
    expect(cap).toContain("caps.groups[0].coupons[0]: expected the id of a coupon");
  });

  it("of a rule that is too deep or too long", async () => {
    const nest = (depth: number) => `${"{ not: ".repeat(depth)}{ attribute: a, value: 1 }${" }".repeat(depth)}`;
    const withRule = (rule: string) =>
      valid().replace(COUPON, `    - { id: C1, kind: percent, percent: 10, eligibility: ${rule} }`);
    await expect(loadCampaign(await file(withRule(nest(32))))).resolves.toBeDefined();
    expect(await problems(withRule(nest(33)))).toEqual([
      'c:5: coupon "C1": inputs.coupons[0].eligibility: expected at most 32 levels of and, or, not',
    ]);
    expect((await problems(withRule(nest(50_000))))[0]).toMatch(/c:5: expected at most 100 levels of nesting/);
    const many = (n: number) => `{ and: [${Array(n).fill("{ attribute: a, value: 1 }").join(", ")}] }`;
    const wide = `{ or: [${Array(11).fill(many(100)).join(", ")}] }`;
    expect(await problems(withRule(wide))).toEqual([
      'c:5: coupon "C1": inputs.coupons[0].eligibility: expected at most 1000 comparisons in one rule',
    ]);
  });

  it("of JSON, with its line", async () => {
    expect(await problems('{\n "name": "x",\n "name": "y"\n}', ".json")).toEqual([
      'c:3: the key "name" is given twice',
    ]);
    expect(await problems('{\n "name": "x",\n}', ".json")).toEqual([
      'c:3: expected a key in double quotes but received "}"',
    ]);
    const lines = await problems('{"name": "x",\n "budget":\n {"totalMinor":\n "1"}}', ".json");
    expect(lines).toContainEqual(expect.stringMatching(/^c:3: budget\.totalMinor: expected integer/));
    expect(lines).toContainEqual(
      expect.stringMatching(/^c:1: inputs: expected an object .* but the field is missing$/),
    );
  });

  it("of files that are no campaign", async () => {
    expect((await errorOf(join(dir, "none.yaml"))).code).toBe("ERR_COUPONCAST_IO");
    expect((await errorOf(await file("", ".toml"))).message).toContain(".yaml, .yml or .json");
    expect((await problems(""))[0]).toContain("(the file is empty)");
    expect((await problems("- 1"))[0]).toContain("but received a list of 1");
    expect((await errorOf(await file(Buffer.from([0x6e, 0xff, 0xfe])))).message).toContain("expected UTF-8 text");
    expect((await errorOf(await file(Buffer.alloc(17 * 2 ** 20, "#")))).message).toContain("at most 16 MiB");
    expect((await errorOf(await file(Buffer.from("name: x", "utf16le")))).code).toBe("ERR_COUPONCAST_INVALID_ARGUMENT");
  });

  it("of a catalogue does not hide those of the campaign, nor the other way round", async () => {
    await writeFile(join(dir, "bad.jsonl"), '{"id":"B","kind":"amount","amountMinor":1}\n{"id":"B2","kind":"amont"}\n');
    const campaign = (files: string) => `name: x
seed: -1
inputs: { events: { files: e.csv }, coupons: { files: ${files} } }
budget: { totalMinor: 1, perCouponMinor: { B: 1 } }`;
    const both = await problems(campaign("bad.jsonl"));
    expect(both[0]).toMatch(/^c:2: seed: /);
    expect(both[1]).toContain('bad.jsonl:2: coupon "B2": kind: expected one of first-order');
    expect(both).toHaveLength(3);
    const missing = await problems(campaign("nowhere.jsonl"));
    expect(missing[0]).toMatch(/^c:2: seed: /);
    expect(missing[1]).toMatch(/^c:3: inputs\.coupons\.files: file not found: .*nowhere\.jsonl/);
  });
});
