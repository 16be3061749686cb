import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Simulation, simulateCampaign } from "../../src/index.js";
import { simulationPage } from "../../src/report/evaluation/simulation.js";
import { percent } from "../../src/report/format.js";
import { synthesize } from "../../src/synth/synthesize.js";
import { cli } from "../cli/run-cli.js";

const scratch = mkdtempSync(join(tmpdir(), "couponcast-simulate-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("simulate", () => {
  const shop = join(scratch, "shop");
  const truth = join(shop, "truth.safetensors");
  let simulation: Simulation;

  beforeAll(async () => {
    await synthesize({ users: 3000, items: 300, events: 150_000, coupons: 12, seed: 4, outDir: shop });
    simulation = await simulateCampaign(join(shop, "campaign.yaml"), { out: join(scratch, "out"), truth });
  }, 300_000);

  const policy = (name: string) => simulation.policies.find((p) => p.name === name)!;

  it("puts no policy above the oracle, nor the oracle above its bound", () => {
    const best = policy("oracle").profitMinor;
    expect(best).toBeLessThanOrEqual(simulation.upperBoundMinor);
    expect(best).toBeGreaterThan(0.99 * simulation.upperBoundMinor);
    for (const { name, profitMinor, closedShare, regretMinor } of simulation.policies) {
      expect(profitMinor, name).toBeLessThanOrEqual(best);
      expect(regretMinor, name).toBeCloseTo(best - profitMinor, 6);
      expect(closedShare, name).toBeLessThanOrEqual(1);
    }
    expect(policy("random").closedShare).toBe(0);
    expect(policy("global rates").closedShare).toBeLessThan(0.25);
  });

  it("finds a shop that is honestly hard", () => {
    expect(simulation.meanRedemption).toBeGreaterThan(0.01);
    expect(simulation.meanRedemption).toBeLessThan(0.05);
    expect(simulation.costOnlyShare).toBeGreaterThan(0.02);
  });

  it("puts the campaign above every baseline", () => {
    const own = policy("couponcast").profitMinor;
    for (const { kind, name, profitMinor } of simulation.policies) {
      if (kind === "baseline") expect(own, name).toBeGreaterThan(profitMinor);
    }
  });

  it("shows on a page what each part brings, also where a policy loses", async () => {
    const losing = { ...policy("top score"), profitMinor: -5000, closedShare: -0.5 };
    const policies = simulation.policies.map((p) => (p.name === losing.name ? losing : p));
    const page = await simulationPage({ ...simulation, policies });
    expect(page).toContain("What each part brings");
    for (const { name } of policies) expect(page, name).toContain(name);
    expect(page).toContain(percent(-0.5));
  });

  it("judges a given table of assignments, and names what it does not know", async () => {
    const table = join(scratch, "policy.csv");
    writeFileSync(table, "user_id,coupon_id\nU0000,C00\nU0001,C01\nU0000,C00\n");
    const args = ["simulate", join(shop, "campaign.yaml"), "--run", join(scratch, "out"), "--truth", truth];
    const page = join(scratch, "simulation.html");
    const done = await cli([...args, "--policy", table, "--no-ablations", "--json", "--report", page]);
    expect(done.stderr).toBe("");
    const given = (JSON.parse(done.stdout) as Simulation).policies.find(({ kind }) => kind === "given")!;
    expect(given.handedOut + given.keptBack).toBe(3);
    expect(given.keptBack).toBeGreaterThan(0);
    const report = readFileSync(page, "utf8");
    expect(report).toContain("What each policy earns");
    expect(report).not.toContain("What each part brings");
    writeFileSync(table, "user_id,coupon_id\nnobody,C00\n");
    const failed = await cli([...args, "--policy", table]);
    expect(failed.code).toBe(2);
    expect(failed.stderr).toContain('expected a user of the campaign in row 1 but received "nobody"');
  });

  it("holds every policy to limits of every kind", async () => {
    const users = join(shop, "users.csv");
    const [head, ...rows] = readFileSync(users, "utf8").trim().split("\n");
    writeFileSync(users, `${head},card\n${rows.map((row, i) => `${row},${Math.floor(i / 2)}`).join("\n")}\n`);
    const coupons = JSON.parse(readFileSync(join(shop, "coupons.json"), "utf8")) as Record<string, string>[];
    const [one, two] = coupons.filter(({ exclusiveGroup }) => exclusiveGroup === undefined);
    const limits = `
  scopes:
    - { name: promised, limitMinor: 40000, cost: face }
    - { name: segment 0, limitMinor: 500, segments: [0] }
fairness:
  - { name: segment 1, leastPieces: 5, segments: [1] }
caps:
  perUser: 2
  groups: [{ name: two, coupons: [${one!.id}, ${two!.id}], perUser: 1 }]
  identity: [card]
`;
    const campaign = join(shop, "limited.yaml");
    const yaml = readFileSync(join(shop, "campaign.yaml"), "utf8");
    writeFileSync(campaign, yaml.replace(/\n\ncaps:\n {2}perUser: 1\n/, `${limits}`));
    const options = { out: join(scratch, "limited"), truth, ablations: false, randomPlays: 2 };
    const limited = await simulateCampaign(campaign, options);
    expect(limited.numFloors).toBe(1);
    const best = limited.policies.find(({ kind }) => kind === "oracle")!;
    // What allocation thinks within the limits is within them when played.
    expect(best).toMatchObject({ keptBack: 0, floorsMissed: 0 });
    expect(best.profitMinor).toBeLessThanOrEqual(limited.upperBoundMinor);
    expect(best.profitMinor).toBeLessThan(0.9 * policy("oracle").profitMinor);
    for (const { name, floorsMissed } of limited.policies.filter(({ kind }) => kind !== "baseline"))
      expect(floorsMissed, name).toBe(0);
    for (const { name, spendMinor } of limited.policies) expect(spendMinor, name).toBeLessThan(40000);
  });
});
