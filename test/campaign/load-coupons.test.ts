import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { type Coupon, type CouponInput, couponSchema } from "../../src/campaign/coupon-schema.js";
import { CSV_COLUMNS } from "../../src/campaign/csv-coupon.js";
import { loadCoupons } from "../../src/campaign/load-coupons.js";
import { CouponcastError } from "../../src/errors.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "couponcast-coupons-"));
});
afterAll(() => rm(dir, { recursive: true }));

async function load(name: string, content: string | Buffer): Promise<Coupon[]> {
  await writeFile(join(dir, name), content);
  return (await loadCoupons(name, dir, { timeZone: "Europe/Berlin" })).coupons;
}

async function problems(name: string, content: string | Buffer): Promise<string[]> {
  try {
    await load(name, content);
  } catch (thrown) {
    if (!(thrown instanceof CouponcastError)) throw thrown;
    const lines = thrown.message.split("\n").map((line) => line.trim().replace(`${dir}/`, ""));
    return lines[0]!.endsWith("problems:") ? lines.slice(1) : lines;
  }
  throw new Error("expected a CouponcastError");
}

const COUPONS: CouponInput[] = [
  { id: "A", kind: "percent", percent: 12.5, maxDiscountMinor: 500, thresholdMinor: 1000, stock: 7, ttlDays: 1.5 },
  {
    id: "B",
    kind: "full-reduction",
    tiers: [
      { thresholdMinor: 10_000, amountMinor: 1000 },
      { thresholdMinor: 20_000, amountMinor: 2500 },
    ],
    validFrom: "2026-01-01",
    validUntil: "2026-02-01T00:00:00Z",
    timeZone: "Asia/Tokyo",
    budgetMinor: 99,
  },
  {
    id: "C",
    kind: "member-only",
    amountMinor: 100,
    channel: "offline",
    stores: ["s1", "s2"],
    scope: { items: ["1", "2"], categories: ["tea, green"], excludeItems: ["3"], excludeCategories: ["x"] },
    eligibility: { and: [{ attribute: "age", op: "ge", value: 18 }, { not: { attribute: "vip", value: true } }] },
    limitPerUser: 2,
    exclusiveGroup: "g",
  },
  { id: "D", kind: "gift-card", amountMinor: 5, scope: { all: true, excludeItems: ["9"] } },
];

const CSV = `id,kind,amountMinor,percent,tiers,thresholdMinor,maxDiscountMinor,stock,budgetMinor,validFrom,validUntil,timeZone,ttlDays,channel,stores,scope.all,scope.items,scope.categories,scope.excludeItems,scope.excludeCategories,eligibility,limitPerUser,exclusiveGroup
A,percent,,12.5,,1000,500,7,,,,,1.5,,,,,,,,,,
B,full-reduction,,,10000:1000|20000:2500,,,,99,2026-01-01,2026-02-01T00:00:00Z,Asia/Tokyo,,,,,,,,,,,
C,member-only,100,,,,,,,,,,,offline,s1|s2,,1|2,"tea, green",3,x,"{""and"":[{""attribute"":""age"",""op"":""ge"",""value"":18},{""not"":{""attribute"":""vip"",""value"":true}}]}",2,g
D,gift-card,5,,,,,,,,,,,,,true,,,9,,,,
`;

describe("every format gives the same coupons", () => {
  const expected = COUPONS.map((raw) => {
    const coupon = couponSchema.parse(raw);
    return { ...coupon, timeZone: coupon.timeZone ?? "Europe/Berlin" };
  });
  it.each([
    ["a.json", JSON.stringify(COUPONS, null, 1)],
    ["a.jsonl", COUPONS.map((coupon) => `${JSON.stringify(coupon)}\n`).join("\n")],
    ["a.yaml", stringify(COUPONS)],
    ["a.csv", CSV],
    ["b.csv", CSV.replaceAll("\n", "\r\n")],
    ["c.csv", `\ufeff${CSV}`],
    ["a.json.gz", gzipSync(JSON.stringify([...COUPONS].reverse()))],
  ])("%s", async (name, content) => {
    expect(await load(name, content)).toEqual(expected);
  });
});

it("a CSV catalogue can hold every field of a coupon, and no other", () => {
  const { shape } = couponSchema;
  const scope = ["all", "items", "categories", "excludeItems", "excludeCategories"].map((field) => `scope.${field}`);
  const fields = Object.keys(shape).flatMap((field) => (field === "scope" ? scope : [field]));
  expect(Object.keys(CSV_COLUMNS).sort()).toEqual(fields.sort());
});

describe("an error names file, line, coupon and field", () => {
  const kinds = "first-order, full-reduction, percent, amount, limited-time, gift-card, birthday, member-only";

  it("in CSV", async () => {
    expect(
      await problems(
        "e.csv",
        'id,kind,percent,tiers,eligibility\nA,percnt,5,,\n"B\nB",percent,abc,,\nC,percent,1,,{\nD,percent\nE,full-reduction,,5,\n,percent,1,,\n',
      ),
    ).toEqual([
      `e.csv:2: coupon "A": kind: expected one of ${kinds} but received "percnt"; did you mean "percent"?`,
      'e.csv:3: coupon "B\\nB": percent: expected number > 0 and <= 100 but received "abc"',
      "e.csv:5: eligibility: expected JSON: expected a key in double quotes but received the end of the text",
      "e.csv:6: expected 5 cells as in the header but received 2",
      'e.csv:7: coupon "E": tiers[0]: expected an object with thresholdMinor, amountMinor but received "5"',
      "e.csv:8: coupon without an id: id: expected text of 1 to 512 characters but the field is missing",
    ]);
    const [line] = await problems("h.csv", "id,knid,id,__proto__\n");
    expect(line).toContain('h.csv:1: unknown column "knid"; did you mean "kind"? (allowed: id, kind,');
  });

  it("in JSON, YAML and JSONL", async () => {
    const coupons = [
      { id: "A", kind: "amount", amountMinor: 1 },
      { id: "A", kind: "amount", amountMinor: 1.5, stok: 1 },
    ];
    for (const [name, content, lines] of [
      ["e.json", JSON.stringify(coupons, null, 1), { amount: 10, stok: 11, id: 8, first: 2 }],
      ["e.yaml", stringify(coupons), { amount: 6, stok: 7, id: 4, first: 1 }],
      ["e.jsonl", coupons.map((c) => JSON.stringify(c)).join("\n"), { amount: 2, stok: 2, id: 2, first: 1 }],
    ] as const) {
      const found = await problems(name, content);
      expect(found).toHaveLength(3);
      const at = (line: number) => `${name}:${line}: coupon "A": `;
      expect(found).toContain(
        `${at(lines.amount)}amountMinor: expected integer >= 0 and <= 10000000000000 but received 1.5`,
      );
      expect(found).toContainEqual(
        expect.stringContaining(`${at(lines.stok)}stok: unknown field; did you mean "stock"? (allowed: id, kind,`),
      );
      expect(found).toContainEqual(
        expect.stringMatching(
          `${at(lines.id)}id: expected an id of its own but received "A", which .*:${lines.first} has too`,
        ),
      );
    }
  });

  it("of broken text, and of text that is no list", async () => {
    expect(await problems("s.jsonl", '{"id":"A","kind":"amount","amountMinor":1}\n{"id":\n\n{]\n')).toEqual([
      "s.jsonl:2: expected a value but received the end of the text",
      's.jsonl:4: expected a key in double quotes but received "]"',
    ]);
    expect(await problems("s.json", '[{"id": "A"},\n {"id" "B"}]')).toContain(
      's.json:2: expected ":" but received "\\""',
    );
    expect(await problems("o.json", '{"coupons": []}')).toEqual(['o.json:1: expected a list: [ but received "{"']);
    expect(await problems("o.yaml", "coupons: []")).toEqual(["o.yaml:1: expected a list of coupons (- id: ...)"]);
    expect(await problems("o.txt", "")).toEqual([
      "o.txt: expected a coupon catalogue that ends in .json, .jsonl, .ndjson, .yaml, .yml, .csv (or .gz)",
    ]);
    expect(await problems("empty.jsonl", "\n\n")).toEqual([
      "empty.jsonl: expected at least one coupon but received none",
    ]);
  });

  it("of hostile values", async () => {
    const hostile = [
      '{"id":"A","kind":"amount","amountMinor":1e999}',
      '{"id":"B","kind":"amount","amountMinor":1,"__proto__":{"stock":1}}',
      '{"id":"C\\u0000","kind":"amount","amountMinor":1}',
      '{"id":"\\ud800","kind":"amount","amountMinor":1}',
      `{"id":"E","kind":"amount","amountMinor":1,"eligibility":${'{"not":'.repeat(60_000)}`,
      '{"id":"F","kind":"amount","amountMinor":1,"scope":{"items":{"length":1e9}}}',
      `{"id":"${"G".repeat(1_000_000)}","kind":"amount","amountMinor":1}`,
      "null",
      "[[[[]]]]",
    ];
    const found = await problems("h.jsonl", hostile.join("\n"));
    expect(found.map((line) => /^h\.jsonl:(\d)/.exec(line)?.[1])).toEqual([..."123456789"]);
    expect(found[1]).toContain("__proto__: a field of this name is not allowed");
    expect(found[2]).toContain("id: expected text without NUL characters");
    expect(found[6]!.length).toBeLessThan(500);
    expect(({} as Record<string, unknown>).stock).toBeUndefined();
  });

  it("of damaged and bomb-like gzip", async () => {
    const packed = gzipSync(CSV);
    expect((await problems("d.csv.gz", packed.subarray(0, 100)))[0]).toMatch(/^d\.csv\.gz: damaged gzip/);
    expect((await problems("n.csv.gz", "no gzip"))[0]).toMatch(/^n\.csv\.gz: damaged gzip/);
    const bomb = gzipSync(Buffer.alloc(300 * 2 ** 20, " "), { level: 1 });
    expect((await problems("b.jsonl.gz", bomb))[0]).toContain("expected at most 256 MiB of text");
  });

  it("of names that match nothing", async () => {
    await expect(loadCoupons("nothing-*.csv", dir)).rejects.toMatchObject({ code: "ERR_COUPONCAST_IO" });
    await expect(loadCoupons("no*where/a.csv", dir)).rejects.toThrow("no file matches no*where/a.csv");
    await expect(loadCoupons("nowhere/*.csv", dir)).rejects.toMatchObject({ code: "ERR_COUPONCAST_IO" });
    await expect(loadCoupons(".", dir)).rejects.toThrow("is a folder");
  });
});

describe("large catalogues", () => {
  const coupon = (i: number) => ({
    id: `C${String(i).padStart(6, "0")}`,
    kind: "percent",
    percent: 10,
    validUntil: "2026-12-31",
    scope: { categories: [`cat${i % 100}`], items: [`${i}`, `${i + 1}`] },
    eligibility: {
      or: [
        { attribute: "tier", op: "in", value: ["gold", "silver"] },
        { attribute: "age", op: "ge", value: 30 },
      ],
    },
  });

  it("load in seconds", { timeout: 60_000 }, async () => {
    const text = Array.from({ length: 100_000 }, (_, i) => `${JSON.stringify(coupon(i))}\n`).join("");
    await writeFile(join(dir, "big.jsonl"), text);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const start = process.cpuUsage();
    const { coupons } = await loadCoupons("big.jsonl", dir);
    const { user } = process.cpuUsage(start); // microseconds of work: waiting for others does not count
    clearInterval(timer);
    expect(coupons).toHaveLength(100_000);
    expect(coupons[99_999]).toMatchObject({ id: "C099999", scope: { items: ["99999", "100000"] } });
    expect(user).toBeLessThan(20e6); // 2.5 s on an idle core
    expect(turns).toBeGreaterThan(20); // others had their turn meanwhile
  });

  it("are the same from JSON, JSONL and CSV", { timeout: 60_000 }, async () => {
    const all = Array.from({ length: 10_000 }, (_, i) => coupon(i));
    const csvRow = (c: ReturnType<typeof coupon>) =>
      `${c.id},percent,10,2026-12-31,${c.scope.categories[0]},${c.scope.items.join("|")},"${JSON.stringify(c.eligibility).replaceAll('"', '""')}"\n`;
    const header = "id,kind,percent,validUntil,scope.categories,scope.items,eligibility\n";
    const json = await load("many.json", JSON.stringify(all, null, 1));
    expect(json).toHaveLength(10_000);
    expect(await load("many.jsonl", all.map((c) => JSON.stringify(c)).join("\n"))).toEqual(json);
    expect(await load("many.csv", header + all.map(csvRow).join(""))).toEqual(json);
  });

  it("in YAML are read in pieces, with the same result and the right lines", { timeout: 60_000 }, async () => {
    const some = Array.from({ length: 3000 }, (_, i) => coupon(i));
    const text = stringify(some);
    expect(text.length).toBeGreaterThan(600_000);
    expect(await load("big.yaml", text)).toEqual(await load("same.json", JSON.stringify(some)));
    const lines = text.split("\n");
    const line = lines.findIndex((l) => l.includes("C002500")) + 3; // percent: two lines below the id, counted from 1
    lines[line - 1] = "  percent: 101";
    expect(await problems("big.yaml", lines.join("\n"))).toEqual([
      `big.yaml:${line}: coupon "C002500": percent: expected number > 0 and <= 100 but received 101`,
    ]);
    // An anchor that is used across the cut forces reading in one piece.
    const anchored = text
      .replace("kind: percent", "kind: &k percent")
      .replace(/kind: percent(?![\s\S]*kind: percent)/, "kind: *k");
    expect(anchored).toContain("*k");
    expect(await load("anchor.yaml", anchored)).toEqual(await load("same.json", JSON.stringify(some)));
  });
});
