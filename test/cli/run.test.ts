import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { OUTPUT_FILES } from "../../src/run/workspace.js";
import { readTable } from "./read-table.js";
import { cli, cliJson, scratchFolder } from "./run-cli.js";
import { synthShop } from "./shop.js";

const folder = scratchFolder();
const out = join(folder, "result");
let shop: string;

beforeAll(async () => {
  shop = await synthShop(folder);
});

const campaign = () => join(shop, "campaign.yaml");
const sum = (rows: Record<string, string>[], column: string) =>
  rows.reduce((total, row) => total + Number(row[column]), 0);

// One story: each step goes on where the one before it ended.

it("decides: outputs, manifest and a certified allocation within the budget", async () => {
  const { code, stdout, stderr } = await cli(["run", campaign(), "--out", out]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/assigned +[\d,]+ coupons to [\d,]+ users/);
  expect(readdirSync(out).sort()).toEqual([...OUTPUT_FILES].sort());

  const run = JSON.parse(readFileSync(join(out, "run.json"), "utf8"));
  expect(run.inputs.map((file: { path: string }) => file.path)).toEqual(
    expect.arrayContaining(["events/part-00000.csv", "users.csv", "items.csv", "redemptions.csv"]),
  );
  for (const { name } of run.stages) {
    const { seconds, peakRssBytes } = run.timings.stages[name];
    expect(seconds).toBeGreaterThan(0);
    expect(peakRssBytes).toBeGreaterThan(0);
  }
  expect(run.counts.rowsRead).toBe(12_000);
  const rejected = Object.values<number>(run.counts.rejected).reduce((a, b) => a + b, 0);
  expect(run.counts.rowsAccepted + rejected).toBe(12_000);

  const assignments = await readTable(join(out, "assignments.parquet"));
  const withheld = await readTable(join(out, "withheld.parquet"));
  const segments = await readTable(join(out, "segments.parquet"));
  const users = readFileSync(join(shop, "users.csv"), "utf8").trim().split("\n").slice(1);
  const assigned = assignments.map((row) => row.user_id!);
  expect(new Set(assigned).size).toBe(assigned.length);
  expect([...assigned, ...withheld.map((row) => row.user_id!)].sort()).toEqual(
    users.map((line) => line.split(",")[0]!).sort(),
  );
  expect(segments).toHaveLength(users.length);
  expect(run.counts.assignments).toBe(assignments.length);

  const { allocation } = run;
  expect(allocation.budgetMinor).toBe(run.campaign.budget.totalMinor);
  expect(allocation.expectedSpendMinor).toBeCloseTo(sum(assignments, "expected_cost_minor"), 6);
  expect(allocation.valueMinor).toBeCloseTo(sum(assignments, "expected_value_minor"), 6);
  expect(allocation.expectedSpendMinor).toBeGreaterThan(0);
  expect(allocation.expectedSpendMinor).toBeLessThanOrEqual(allocation.budgetMinor);
  expect(allocation.upperBoundMinor).toBeGreaterThanOrEqual(allocation.valueMinor);
  expect(allocation.gap).toBeCloseTo(1 - allocation.valueMinor / allocation.upperBoundMinor, 12);
  expect(allocation.multipliers.budget).toBeGreaterThanOrEqual(0);
});

it("does nothing when nothing has changed", async () => {
  const before = OUTPUT_FILES.map((name) => statSync(join(out, name)).mtimeMs);
  const { code, stdout } = await cli(["run", campaign(), "--out", out]);
  expect(code).toBe(0);
  expect(stdout).toContain("up to date");
  const { upToDate, run } = await cliJson(["run", campaign(), "--out", out]);
  expect(upToDate).toBe(true);
  expect(run).toEqual(JSON.parse(readFileSync(join(out, "run.json"), "utf8")));
  expect(OUTPUT_FILES.map((name) => statSync(join(out, name)).mtimeMs)).toEqual(before);
});

it("replaces the outputs of another budget only with --force, and does not read the events again", async () => {
  const text = readFileSync(campaign(), "utf8");
  const budget = Number(/totalMinor: (\d+)/.exec(text)![1]);
  const half = Math.floor(budget / 2);
  const changed = join(shop, "half.yaml");
  writeFileSync(changed, text.replace(/totalMinor: \d+/, `totalMinor: ${half}`));
  const before = readFileSync(join(out, "run.json"), "utf8");
  const refused = await cli(["run", changed, "--out", out]);
  expect(refused.code).toBe(2);
  expect(refused.stdout).toBe("");
  expect(refused.stderr).toMatch(/^couponcast: .*not empty.*\nhint: Use --force [^\n]*\n$/);
  expect(readFileSync(join(out, "run.json"), "utf8")).toBe(before);

  const { upToDate, run } = await cliJson(["run", changed, "--out", out, "--force"]);
  expect(upToDate).toBe(false);
  expect(run.allocation.budgetMinor).toBe(half);
  expect(run.allocation.expectedSpendMinor).toBeLessThanOrEqual(half);
  expect(run.allocation.valueMinor).toBeLessThan(JSON.parse(before).allocation.valueMinor);
  expect(run.timings.stages.ingest.reused).toBe(true);
  expect(run.timings.stages.allocate.reused).toBe(false);
});

it("works from another folder, with spaces in the path", async () => {
  const { out: written } = await cliJson(["run", "campaign.yaml", "--out", "../with spaces/ü result"], { cwd: shop });
  expect(written).toBe(join(folder, "with spaces", "ü result"));
  expect(existsSync(join(written, "report.html"))).toBe(true);
});
