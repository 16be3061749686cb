import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { runCampaign } from "../../src/run/run-campaign.js";
import { couponIds, expectSameOutputs, makeShop, outputsOf, rowsOf } from "../support/campaign-run.js";
import { temporaryFolder } from "../support/matrix.js";

const folder = temporaryFolder();
let shop: string;
let users: string[];

beforeAll(async () => {
  shop = await makeShop(join(folder, "shop"), { users: 600, items: 60, events: 12_000 });
  users = readFileSync(join(dirname(shop), "users.csv"), "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(",")[0]!);
});

const chance = (u: number, c: number) => Math.fround(((u * 31 + c * 17) % 50) / 100);

/** A campaign beside the shop's with a table of predictions, here of every other user. */
function campaignWith(name: string, header: string, row: (u: number, c: number) => string, columns = ""): string {
  const coupons = Array.from({ length: 10 }, (_, c) => c);
  const ids = couponIds(shop);
  const lines = users.flatMap((id, u) => (u % 2 === 0 ? coupons.map((c) => `${id},${ids[c]},${row(u, c)}`) : []));
  writeFileSync(
    join(dirname(shop), `${name}.csv`),
    `user_id,coupon_id,${header}\nstranger,${ids[0]},${row(0, 0)}\n${lines.join("\n")}\n`,
  );
  const inputs = `inputs:\n  predictions:\n    files: ${name}.csv\n${columns}`;
  const path = join(dirname(shop), `${name}.yaml`);
  writeFileSync(path, readFileSync(shop, "utf8").replace(/^inputs:\n/m, inputs));
  return path;
}

const rows = (out: string, sql: (table: string) => string) => rowsOf(join(out, "assignments.parquet"), sql);

describe("a campaign with predictions of another model", () => {
  it("takes its chances from them, for those whom they name only", async () => {
    const campaign = campaignWith("plain", "p_redeem", (u, c) => String(chance(u, c)));
    for (const threads of [1, 2]) await runCampaign(campaign, { out: join(folder, `out-${threads}`), threads });
    const outputs = outputsOf(join(folder, "out-1"));
    expectSameOutputs(outputsOf(join(folder, "out-2")), outputs);
    const { response, warnings } = JSON.parse(outputs["run.json"]!);
    expect(response.kind).toBe("given");
    expect(response.given).toMatchObject({ pairs: { count: 3000 }, numUnknown: 1, hasUplift: false });
    expect(warnings.join()).toContain("1 predictions name users or coupons");
    const assigned = await rows(join(folder, "out-1"), (table) => `SELECT user_id, coupon_id, p_redeem FROM ${table}`);
    expect(assigned.length).toBeGreaterThan(20);
    const ids = couponIds(shop);
    for (const row of assigned) {
      const u = users.indexOf(String(row.user_id));
      expect(u % 2).toBe(0);
      expect(Number(row.p_redeem)).toBeCloseTo(chance(u, ids.indexOf(String(row.coupon_id))), 6);
    }
    expect(readFileSync(join(folder, "out-1", "report.html"), "utf8")).toContain("Another model");
  });

  it("an order that is won is worth more than one that would be made anyway", async () => {
    const value = async (name: string, header: string, other: (p: number) => number) => {
      const columns = `    columns: { ${header === "uplift" ? "uplift: uplift" : "pWithout: p_without"} }\n`;
      const campaign = campaignWith(
        name,
        `p_redeem,${header}`,
        (u, c) => `${chance(u, c)},${other(chance(u, c))}`,
        columns,
      );
      const { manifest } = await runCampaign(campaign, { out: join(folder, name), threads: 2 });
      expect(manifest.response.given?.hasUplift).toBe(true);
      return manifest.allocation.valueMinor;
    };
    const all = await value("won", "uplift", (p) => p);
    const half = await value("half", "uplift", (p) => p / 2);
    const halfAgain = await value("half-again", "p_without", () => 0.5);
    expect(all).toBeGreaterThan(half);
    expect(Math.abs(halfAgain / half - 1)).toBeLessThan(1e-3);
    expect(await value("none", "p_without", () => 1)).toBeLessThan(half / 4);
  });

  it("refuses what are no chances, by row or name", async () => {
    const refused = (
      name: string,
      header: string,
      row: (u: number, c: number) => string,
      message: RegExp,
      columns = "",
    ) =>
      expect(
        runCampaign(campaignWith(name, header, row, columns), { out: join(folder, "no"), threads: 1 }),
      ).rejects.toThrow(message);
    await refused(
      "large",
      "p_redeem",
      (u) => (u === 4 ? "1.5" : "0.1"),
      /from 0 to 1 in the column "p_redeem" but received "1.5"/,
    );
    await refused("empty", "p_redeem", (u) => (u === 4 ? "" : "0.1"), /from 0 to 1/);
    await refused("missing", "p", () => "0.1", /p_redeem/);
    await refused("over", "p_redeem,up", () => "0.1,0.2", /uplift of 0.2/, "    columns: { uplift: up }\n");
    const both = "    columns: { uplift: up, pWithout: up }\n";
    await refused("both", "p_redeem,up", () => "0.1,0.1", /one of uplift and pWithout/, both);
    const twice = campaignWith("twice", "p_redeem", () => "0.1");
    const table = join(dirname(twice), "twice.csv");
    writeFileSync(table, `${readFileSync(table, "utf8")}${users[0]},${couponIds(shop)[0]},0.2\n`);
    await expect(runCampaign(twice, { out: join(folder, "no"), threads: 1 })).rejects.toThrow("have 2 rows");
  });
});
