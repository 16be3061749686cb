import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { campaignSchema } from "../../src/campaign/campaign-schema.js";
import { campaignJsonSchema } from "../../src/campaign/json-schema.js";

const schema = campaignJsonSchema();
const validate = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false }).compile(schema);

const coupon = (fields: object) => ({ id: "C1", kind: "percent", percent: 10, ...fields });
const campaign = (fields: object = {}, coupons: unknown = [coupon({})]) => ({
  name: "x",
  inputs: { events: { files: "e.csv" }, coupons },
  budget: { totalMinor: 1 },
  ...fields,
});
const withRule = (eligibility: unknown) => campaign({}, [coupon({ eligibility })]);
const withEvents = (events: unknown) => campaign({ inputs: { events, coupons: { files: ["c.csv"] } } });

const VALID: [string, unknown][] = [
  ["the least", campaign()],
  ["$schema", campaign({ $schema: "x" })],
  ["a list of events", withEvents([{ files: ["a", "b"] }, { postgres: { connectionEnv: "PG", query: "q" } }])],
  [
    "a nested rule",
    withRule({ and: [{ or: [{ not: { attribute: "a", op: "exists" } }] }, { attribute: "b", value: 1 }] }),
  ],
  ["segments by items", campaign({ segments: { by: "items", method: "dbscan", eps: 0.3 } })],
  ["tiers", campaign({}, [{ id: "T", kind: "full-reduction", tiers: [{ thresholdMinor: 1, amountMinor: 1 }] }])],
];
const INVALID: [string, unknown][] = [
  ["nothing", {}],
  ["an unknown key", campaign({ nmae: 1 })],
  ["a wrong type", campaign({ budget: { totalMinor: "1" } })],
  ["a fraction of a cent", campaign({ budget: { totalMinor: 1.5 } })],
  ["a holdout of all", campaign({ holdout: { share: 1 } })],
  ["segments by what there is not", campaign({ segments: { by: "item" } })],
  ["no coupons", campaign({}, [])],
  ["two sources", withEvents({ files: "a", postgres: { connectionEnv: "PG", query: "q" } })],
  ["no source", withEvents({})],
  ["two benefits", campaign({}, [coupon({ amountMinor: 1 })])],
  ["no benefit", campaign({}, [{ id: "C", kind: "amount" }])],
  ["full-reduction without tiers", campaign({}, [coupon({ kind: "full-reduction" })])],
  ["limited-time without a limit", campaign({}, [coupon({ kind: "limited-time" })])],
  ["an empty scope", campaign({}, [coupon({ scope: { items: [] } })])],
  ["a wrong rule deep down", withRule({ and: [{ or: [{ not: { attribut: "a" } }] }] })],
  ["an empty and", withRule({ and: [] })],
  ["a rule of two kinds", withRule({ and: [{ attribute: "a", value: 1 }], not: { attribute: "b", value: 1 } })],
];

describe("the JSON Schema", () => {
  it.each(VALID)("accepts %s, as couponcast does", (_, value) => {
    expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
    expect(campaignSchema.safeParse(value).success).toBe(true);
  });

  it.each(INVALID)("refuses %s, as couponcast does", (_, value) => {
    expect(validate(value)).toBe(false);
    expect(campaignSchema.safeParse(value).success).toBe(false);
  });

  it.each(["online-retail", "complete-journey"])("accepts the example %s", async (name) => {
    const text = await readFile(new URL(`../../examples/${name}.yaml`, import.meta.url), "utf8");
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
  });

  it("keeps descriptions, defaults and the recursion of rules", () => {
    expect(schema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: "urn:couponcast:campaign:1",
      additionalProperties: false,
      required: ["name", "inputs", "budget"],
      properties: { timeZone: { default: "UTC", description: expect.stringContaining("IANA") } },
    });
    expect(JSON.stringify(schema.$defs)).toContain('"$ref":"#/$defs/rule"');
  });

  it("is written by the build step, the same each time", async () => {
    const dir = await mkdtemp(join(tmpdir(), "couponcast-schema-"));
    const path = join(dir, "deep", "campaign.schema.json");
    const argv = process.argv;
    process.argv = [argv[0]!, fileURLToPath(import.meta.url), path];
    try {
      await import("../../src/campaign/write-json-schema.js");
    } finally {
      process.argv = argv;
    }
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual(JSON.parse(JSON.stringify(campaignJsonSchema())));
    await rm(dir, { recursive: true });
  });
});
