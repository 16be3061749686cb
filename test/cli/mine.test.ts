import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openBaskets } from "../../src/index.js";
import { readTable } from "./read-table.js";
import { cli, cliJson, scratchFolder } from "./run-cli.js";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);

/** ABC, AB, AC, BC, ABCD of formulas.md as five orders of two users; D of the last is bought twice, browsing is no order. */
const ORDERS = ["ABC", "AB", "AC", "BC", "ABCDD"];
const LINES = ORDERS.flatMap((items, order) =>
  [...items].map((item, i) => `u${order % 2},${item},purchase,2025-01-0${order + 1}T0${i}:00:00Z,o${order}`),
);

beforeAll(async () => {
  const lines = [...LINES, "u0,E,browse,2025-01-01T00:00:00Z,"].reverse();
  writeFileSync(at("events.csv"), `user_id,item_id,behaviour,time,order_id\n${lines.join("\n")}\n`);
  for (const by of ["order", "user-day", "user"]) {
    await cliJson([
      "ingest",
      at("events.csv"),
      "-o",
      at("m.safetensors"),
      "--order",
      "order_id",
      "--baskets",
      at(`${by}.safetensors`),
      "--baskets-by",
      by,
    ]);
  }
});

describe("mine", () => {
  it("finds the sets and rules of formulas.md, and writes them", async () => {
    const document = await cliJson([
      "mine",
      at("order.safetensors"),
      "--min-support",
      "40%",
      "--min-confidence",
      "0.6",
      "--itemsets",
      at("sets.csv"),
      "--rules",
      at("rules.csv"),
    ]);
    expect(document).toMatchObject({
      numBaskets: 5,
      numItems: 5,
      minCount: 2,
      numItemsets: 7,
      lengths: [3, 3, 1],
      numRules: 9,
    });
    const sets = await readTable(at("sets.csv"));
    expect(sets.map(({ items, count }) => `${items} ${count}`)).toEqual([
      '["A"] 4',
      '["A","B"] 3',
      '["A","B","C"] 2',
      '["A","C"] 3',
      '["B"] 4',
      '["B","C"] 3',
      '["C"] 4',
    ]);
    const rules = await readTable(at("rules.csv"));
    expect(rules.find(({ antecedent, consequent }) => antecedent === '["A"]' && consequent === '["B"]')).toMatchObject({
      count: "3",
      antecedent_count: "4",
      confidence: "0.75",
      lift: "0.9375",
      conviction: "0.8",
    });
  });

  it("keeps closed sets and infinite convictions, the same with one thread", async () => {
    const args = ["mine", at("order.safetensors"), "--min-count", "1", "--kind", "closed", "--consequent", "A"];
    const outputs = (name: string) => ["--itemsets", at(`${name}.jsonl`), "--rules", at(`${name}.csv`)];
    const document = await cliJson([...args, ...outputs("a"), "--bought-with", "D"]);
    await cliJson([...args, ...outputs("b"), "--threads", "1"]);
    expect(document.suggestions).toMatchObject([{ item: "A", rule: { antecedent: ["D"], conviction: null } }]);
    const sets = await readTable(at("a.jsonl"));
    expect(sets.map(({ items }) => items)).toHaveLength(8);
    const rules = await readTable(at("a.csv"));
    expect(
      rules.find(({ antecedent, consequent }) => antecedent === '["D"]' && consequent === '["A"]')?.conviction,
    ).toBe("inf");
    expect(await readTable(at("b.jsonl"))).toEqual(sets);
    expect(await readTable(at("b.csv"))).toEqual(rules);
  });

  it("takes days, users and matrices as baskets", async () => {
    expect((await openBaskets(at("user-day.safetensors"))).numBaskets).toBe(5);
    const users = await cliJson(["mine", at("user.safetensors"), "--min-count", "2"]);
    expect(users).toMatchObject({ numBaskets: 2, numItemsets: 7 });
    // All that users did: browsing as well.
    const matrix = await cliJson(["mine", at("m.safetensors"), "--min-count", "1", "--max-length", "1"]);
    expect(matrix).toMatchObject({ numBaskets: 2, numItemsets: 5 });
  });

  it("says what is wrong in its own words", async () => {
    const tooMany = await cli(["mine", at("order.safetensors"), "--min-count", "1", "--max-itemsets", "3"]);
    expect(tooMany.code).toBe(7);
    expect(tooMany.stderr).toContain("at most 3 itemsets");
    expect(tooMany.stderr).toContain("--max-itemsets");
    const item = await cli(["mine", at("order.safetensors"), "--bought-with", "Z"]);
    expect(item.code).toBe(2);
    expect(item.stderr).toContain("--bought-with");
    const both = await cli(["mine", at("order.safetensors"), "--min-support", "1%", "--min-count", "1"]);
    expect(both.code).toBe(2);
    const none = await cli(["mine", at("order.safetensors"), "--min-support", "0"]);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain("expected a --min-support above 0");
    const share = await cli(["mine", at("order.safetensors"), "--min-support", "101%"]);
    expect(share.code).toBe(2);
    const events = await cli(["mine", at("events.csv")]);
    expect(events.code).toBe(3);
    const behaviours = await cli([
      "ingest",
      at("events.csv"),
      "-o",
      at("x.safetensors"),
      "--baskets",
      at("y.safetensors"),
      "--baskets-of",
      "browse",
    ]);
    expect(behaviours.stderr).toContain("--baskets-of");
  });
});
