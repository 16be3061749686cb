import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { runCampaign } from "../../src/run/run-campaign.js";
import { couponIds, makeShop, rowsOf } from "../support/campaign-run.js";
import { temporaryFolder } from "../support/matrix.js";

const folder = temporaryFolder();
let shop: string;
let text: string;

beforeAll(async () => {
  shop = await makeShop(join(folder, "shop"), { users: 900, items: 60, events: 20_000 });
  text = readFileSync(shop, "utf8");
  const users = join(dirname(shop), "users.csv");
  const [head, ...rows] = readFileSync(users, "utf8").trim().split("\n");
  // Two accounts a card, and a device that joins two such pairs.
  const shared = rows.map(
    (row, i) => `${row},${Math.floor(i / 2)},${i % 8 === 0 || i % 8 === 3 ? Math.floor(i / 8) : ""}`,
  );
  writeFileSync(users, `${head},card,device\n${shared.join("\n")}\n`);
});

async function run(name: string, edit: (text: string) => string) {
  const path = join(dirname(shop), `${name}.yaml`);
  writeFileSync(path, edit(text));
  return runCampaign(path, { out: join(folder, name), threads: 2 });
}

const rows = (name: string, sql: (table: string) => string) => rowsOf(join(folder, name, "assignments.parquet"), sql);

const withCaps = (lines: string) => (yaml: string) =>
  /^caps:/m.test(yaml) ? yaml.replace(/^caps:.*\n/m, (caps) => `${caps}${lines}`) : `${yaml}\ncaps:\n${lines}`;

describe("limits of a campaign", () => {
  it("accounts of one identity hold one coupon together", async () => {
    await run("identity", withCaps("  identity: [card, device]\n"));
    const users = readFileSync(join(dirname(shop), "users.csv"), "utf8")
      .trim()
      .split("\n")
      .slice(1);
    const unit = new Map(
      users.map((row, i) => [row.split(",")[0]!, i % 8 < 4 ? `${Math.floor(i / 8)}` : `card ${Math.floor(i / 2)}`]),
    );
    const seen = new Set<string>();
    const assigned = await rows("identity", (table) => `SELECT user_id FROM ${table}`);
    expect(assigned.length).toBeGreaterThan(20);
    for (const { user_id } of assigned) {
      const of = unit.get(String(user_id))!;
      expect(seen.has(of)).toBe(false);
      seen.add(of);
    }
    await expect(run("nobody", withCaps("  identity: [cart]\n"))).rejects.toThrow(/cart.*card/s);
  });

  it("caps that overlap are refused before anything is read", async () => {
    const [a, b, c] = couponIds(shop);
    const groups = `  groups:\n    - { name: one, coupons: [${a}, ${b}], perUser: 1 }\n    - { name: two, coupons: [${b}, ${c}], perUser: 1 }\n`;
    await expect(run("overlap", withCaps(groups))).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      field: "caps.groups",
      message: expect.stringContaining("overlap"),
    });
    expect(readdirSync(folder).filter((name) => name.includes("overlap"))).toEqual([]);
  });

  it("a budget of face cost holds if everybody redeems", async () => {
    const free = await run("free", (yaml) => yaml);
    const limit = Math.round(free.manifest.allocation.expectedSpendMinor);
    const scopes = `  scopes:\n    - { name: promised, limitMinor: ${limit}, cost: face }\n`;
    const { manifest } = await run("face", (yaml) => yaml.replace(/^budget:\n/m, `budget:\n${scopes}`));
    const [promised] = manifest.allocation.limits;
    expect(promised).toMatchObject({ name: "promised", limit });
    expect(promised!.used).toBeLessThanOrEqual(limit);
    expect(promised!.multiplier).toBeGreaterThan(0);
    const [sums] = await rows(
      "face",
      (table) => `SELECT sum(expected_cost_minor / p_redeem) AS face, sum(expected_cost_minor) AS spend FROM ${table}`,
    );
    expect(Math.abs(Number(sums!.face) / promised!.used - 1)).toBeLessThan(1e-3);
    expect(Number(sums!.spend)).toBeLessThan(limit / 2);
  });
});
