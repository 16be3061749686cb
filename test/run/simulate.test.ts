import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Simulation, simulateCampaign } from "../../src/index.js";
import { simulationPage } from "../../src/report/evaluation/simulation.js";
import { percent } from "../../src/report/format.js";
import { play } from "../../src/simulate/play.js";
import type { Truth } from "../../src/simulate/truth.js";
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
});

describe("play", () => {
  const truth: Truth = {
    numUsers: 3,
    numCoupons: 2,
    redeem: Float32Array.of(0.5, 0.5, 0.5, 0.5, 0.5, 0.5),
    extra: Float32Array.of(0.25, 0, 0.5, 0.5, 0.25, 0),
    profitMinor: Float64Array.of(10, -5, 20, 30, 15, -1),
    costMinor: Float64Array.of(4, 4, 4, 4, 4, 4),
  };
  const reasons = Uint8Array.of(0, 0, 0, 9, 0, 0);
  const all = { users: [0, 0, 1, 1, 2], coupons: [0, 1, 0, 1, 0] };

  it("keeps to eligibility, stock, budgets and caps", () => {
    const free = { coupons: [{}, {}], perUser: 2 };
    expect(play(truth, reasons, free, all)).toMatchObject({
      profitMinor: 40,
      spendMinor: 16,
      handedOut: 4,
      keptBack: 1,
    });
    expect(play(truth, reasons, free, all).redeemedAnyway).toBeCloseTo(0.25 + 0.5 + 0 + 0.25, 6);
    expect(play(truth, reasons, { ...free, perUser: 1 }, all)).toMatchObject({ handedOut: 3, profitMinor: 45 });
    expect(play(truth, reasons, { ...free, budgetMinor: 9 }, all)).toMatchObject({ handedOut: 2, profitMinor: 5 });
    expect(play(truth, reasons, { ...free, coupons: [{ stock: 1 }, {}] }, all)).toMatchObject({ handedOut: 2 });
    expect(play(truth, reasons, { ...free, coupons: [{ budgetMinor: 8 }, {}] }, all)).toMatchObject({ handedOut: 3 });
    const group = { ...free, coupons: [{ exclusiveGroup: "a" }, { exclusiveGroup: "a" }] };
    expect(play(truth, reasons, group, all)).toMatchObject({ handedOut: 3 });
  });
});
