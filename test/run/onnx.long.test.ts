import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { runCampaign } from "../../src/run/run-campaign.js";
import { cli } from "../cli/run-cli.js";
import { couponIds, expectSameOutputs, makeShop, outputsOf, rowsOf } from "../support/campaign-run.js";
import { temporaryFolder } from "../support/matrix.js";
import { logisticOnnx } from "../support/onnx.js";

const folder = temporaryFolder();
let shop: string;

beforeAll(async () => {
  shop = await makeShop(join(folder, "shop"), { users: 600, items: 60, events: 12_000 });
  const ids = couponIds(shop);
  features = ["pair:affinity_share", "user:orders a day", "kind:percent", `coupon:${ids[0]}`];
  writeFileSync(join(dirname(shop), "model.onnx"), logisticOnnx([2, 0.3, 0.2, 0.5], -2));
});
let features: string[];

function campaignWith(name: string, file: string, list: readonly string[]): string {
  const path = join(dirname(shop), `${name}.yaml`);
  const onnx = `response:\n  onnx:\n    file: ${file}\n    features: ${JSON.stringify(list)}\n`;
  writeFileSync(path, `${readFileSync(shop, "utf8")}\n${onnx}`);
  return path;
}

const assigned = (out: string, sql: (table: string) => string) => rowsOf(join(out, "assignments.parquet"), sql);

// Needs the package: bash scripts/setup-onnxruntime.sh
describe("a campaign with an ONNX file", () => {
  it("says what to install where the package is missing", async () => {
    const args = ["run", campaignWith("none", "model.onnx", features), "--out", join(folder, "none"), "--threads", "1"];
    const hidden = new URL("scripts/without-onnxruntime.mjs", import.meta.url);
    const { code, stderr } = await cli(args, { env: { NODE_OPTIONS: `--import=${hidden}` } });
    expect(code).toBe(2);
    expect(stderr).toContain("npm install onnxruntime-node");
  });

  it("takes its chances from it, the same for any number of threads", async () => {
    const campaign = campaignWith("onnx", "model.onnx", features);
    for (const threads of [1, 2]) await runCampaign(campaign, { out: join(folder, `out-${threads}`), threads });
    const outputs = outputsOf(join(folder, "out-1"));
    expectSameOutputs(outputsOf(join(folder, "out-2")), outputs);
    const { response } = JSON.parse(outputs["run.json"]!);
    expect(response).toMatchObject({ kind: "given", given: { from: "the ONNX model model.onnx", hasUplift: false } });
    const [range] = await assigned(
      join(folder, "out-1"),
      (table) => `SELECT count(*) AS n, count(DISTINCT p_redeem) AS different FROM ${table}`,
    );
    expect(Number(range!.n)).toBeGreaterThan(20);
    // Taste and orders a day differ from user to user.
    expect(Number(range!.different)).toBeGreaterThan(Number(range!.n) / 2);
  });

  it("fills in what the features say", async () => {
    const catalogue = JSON.parse(readFileSync(join(dirname(shop), "coupons.json"), "utf8")) as Record<string, string>[];
    writeFileSync(join(dirname(shop), "kinds.onnx"), logisticOnnx([0.2, 0.5], -2));
    await runCampaign(campaignWith("kinds", "kinds.onnx", features.slice(2)), {
      out: join(folder, "kinds"),
      threads: 2,
    });
    const rows = await assigned(join(folder, "kinds"), (table) => `SELECT coupon_id, p_redeem FROM ${table}`);
    expect(rows.length).toBeGreaterThan(20);
    for (const { coupon_id, p_redeem } of rows) {
      const { id, kind } = catalogue.find((coupon) => coupon.id === coupon_id)!;
      const z = -2 + (kind === "percent" ? 0.2 : 0) + (id === catalogue[0]!.id ? 0.5 : 0);
      expect(Number(p_redeem)).toBeCloseTo(1 / (1 + Math.exp(-z)), 6);
    }
  });

  it("refuses names that are no features, a model of other columns and what is no model", async () => {
    const refused = (name: string, file: string, list: readonly string[], message: RegExp) =>
      expect(runCampaign(campaignWith(name, file, list), { out: join(folder, "no"), threads: 1 })).rejects.toThrow(
        message,
      );
    await refused("name", "model.onnx", ["pair:afinity", ...features.slice(1)], /pair:affinity/);
    await refused("columns", "model.onnx", features.slice(1), /model.onnx/);
    await refused("text", "users.csv", features, /users.csv/);
  });
});
