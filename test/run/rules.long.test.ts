import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { DuckDb, quoteLiteral } from "../../src/duckdb/duckdb.js";
import { runCampaign } from "../../src/run/run-campaign.js";
import { RULE_FILES } from "../../src/run/workspace.js";
import { expectSameOutputs, makeShop, outputsOf } from "../support/campaign-run.js";
import { temporaryFolder } from "../support/matrix.js";

const folder = temporaryFolder();
let campaign: string;

beforeAll(async () => {
  const shop = await makeShop(join(folder, "shop"), { users: 900, items: 60, events: 20_000 });
  campaign = join(dirname(shop), "rules.yaml");
  const lines = "rules:\n  minSupport: 0.001\n  minConfidence: 0.05\n  minLift: 1\n";
  writeFileSync(campaign, `${readFileSync(shop, "utf8")}\n${lines}`);
});

it("a coupon for what goes with the latest basket has the source rule, the same for any number of threads", async () => {
  for (const threads of [1, 2]) await runCampaign(campaign, { out: join(folder, `out-${threads}`), threads });
  const outputs = outputsOf(join(folder, "out-1"));
  expectSameOutputs(outputsOf(join(folder, "out-2")), outputs);
  const { rules } = JSON.parse(outputs["run.json"]!);
  expect(rules.itemsets).toBeGreaterThan(10);
  expect(rules.rules).toBeGreaterThan(0);
  expect(rules.assignments).toBeGreaterThan(0);
  const report = readFileSync(join(folder, "out-1", "report.html"), "utf8");
  expect(report).toContain('id="rule-graph"');
  const table = join(folder, "out-1", "assignments.parquet");
  const [ruleTable, itemsetTable] = RULE_FILES.map((name) => join(folder, "out-1", name)) as [string, string];
  for (const name of RULE_FILES)
    expect(readFileSync(join(folder, "out-1", name)).equals(readFileSync(join(folder, "out-2", name)))).toBe(true);
  const db = await DuckDb.open({
    path: ":memory:",
    tempDir: folder,
    memoryLimitMb: 256,
    threads: 1,
    readable: [table, ruleTable, itemsetTable],
  });
  try {
    const told = await db.rows(
      `SELECT count(*) AS n, count(*) FILTER (WHERE reason LIKE 'bought with %') AS told FROM read_parquet(${quoteLiteral(table)}) WHERE source = 'rule'`,
    );
    expect(Number(told[0]!.n)).toBe(rules.assignments);
    expect(Number(told[0]!.told)).toBe(rules.assignments);
    for (const [file, rows] of [
      [ruleTable, rules.rules],
      [itemsetTable, rules.itemsets],
    ])
      expect(Number(await db.count(`SELECT count(*) FROM read_parquet(${quoteLiteral(file)})`))).toBe(rows);
  } finally {
    db.close();
  }
});

it("rules bring coupons among the candidates that their value alone would not", async () => {
  const few = readFileSync(campaign, "utf8").replace(/candidatesPerUser: \d+/, "candidatesPerUser: 1");
  expect(few).toContain("candidatesPerUser: 1");
  const assignments = async (name: string, more: number) => {
    const path = join(dirname(campaign), `${name}.yaml`);
    writeFileSync(path, `${few}  candidatesPerUser: ${more}\n`);
    await runCampaign(path, { out: join(folder, name), threads: 2 });
    return JSON.parse(outputsOf(join(folder, name))["run.json"]!);
  };
  const none = await assignments("named", 0);
  const some = await assignments("suggested", 2);
  expect(some.rules.assignments).toBeGreaterThan(none.rules.assignments);
});
