import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import type { RunManifest } from "../../src/run/manifest.js";
import { runCampaign } from "../../src/run/run-campaign.js";
import { expectSameOutputs, makeShop, outputsOf, rowsOf } from "../support/campaign-run.js";
import { temporaryFolder } from "../support/matrix.js";

const folder = temporaryFolder();
let campaign: string;

beforeAll(async () => {
  const shop = await makeShop(join(folder, "shop"), { users: 1500, items: 60, events: 30_000 });
  campaign = join(dirname(shop), "explore.yaml");
  const lines = "exploration:\n  epsilon: 0.2\n  temperatureMinor: 20\n  reserve: 0.05\n";
  writeFileSync(campaign, `${readFileSync(shop, "utf8")}\n${lines}`);
});

it("a run that draws by lot logs true propensities, the same for any number of threads", async () => {
  for (const threads of [1, 2]) await runCampaign(campaign, { out: join(folder, `out-${threads}`), threads });
  const outputs = outputsOf(join(folder, "out-1"));
  expectSameOutputs(outputsOf(join(folder, "out-2")), outputs);
  const { allocation, counts } = JSON.parse(outputs["run.json"]!) as RunManifest;
  const exploration = allocation.exploration!;
  expect(exploration.givenUpMinor).toBeGreaterThan(0);
  expect(exploration.usersAsBest).toBeLessThan(counts.users);
  for (const { kind, limit, expected } of exploration.limits)
    if (kind === "limit") expect(expected).toBeLessThanOrEqual(0.95 * limit * (1 + 1e-9));
  const [assigned] = await rowsOf(
    join(folder, "out-1", "assignments.parquet"),
    (table) => `SELECT count(*) AS n, min(propensity) AS least, max(propensity) AS most FROM ${table}`,
  );
  expect(Number(assigned!.n)).toBe(counts.assignments);
  expect(Number(assigned!.least)).toBeGreaterThan(0);
  expect(Number(assigned!.most)).toBeLessThanOrEqual(1);
  const [decided] = await rowsOf(
    join(folder, "out-1", "decisions.parquet"),
    (table) =>
      `SELECT count(*) AS n, sum(coupons) AS coupons, min(propensity) AS least, avg(target_propensity / propensity) AS weight FROM ${table}`,
  );
  expect(Number(decided!.n)).toBe(counts.users - (counts.withheld.holdout ?? 0));
  expect(Number(decided!.coupons)).toBe(counts.assignments);
  expect(Number(decided!.least)).toBeGreaterThan(0);
  expect(Math.abs(Number(decided!.weight) - 1)).toBeLessThan(0.2);
  const report = readFileSync(join(folder, "out-1", "report.html"), "utf8");
  expect(report).toContain("Drawn by lot");
  expect(report).toContain('id="exploration-limits"');
});

it("without it a later run into the same folder leaves no decisions behind", async () => {
  const plain = join(dirname(campaign), "campaign.yaml");
  await runCampaign(plain, { out: join(folder, "out-1"), threads: 2, force: true });
  expect(() => readFileSync(join(folder, "out-1", "decisions.parquet"))).toThrow();
});
