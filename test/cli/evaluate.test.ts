import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readTable } from "./read-table.js";
import { cli, cliJson, scratchFolder } from "./run-cli.js";
import { synthShop } from "./shop.js";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);
let run = "";

beforeAll(async () => {
  run = at("result");
  await cliJson(["run", join(await synthShop(folder), "campaign.yaml"), "--out", run]);
  const assigned = await readTable(join(run, "assignments.parquet"));
  const withheld = await readTable(join(run, "withheld.parquet"));
  const holdout = withheld.filter((row) => row.reason === "holdout").map((row) => row.user_id!);
  const receivers = [...new Set(assigned.map((row) => row.user_id!))];
  const buyers = [...receivers.filter((_, i) => i % 2 === 0), ...holdout.filter((_, i) => i % 4 === 0), "nobody"];
  writeFileSync(at("orders.csv"), `user_id,sales_minor\n${buyers.map((id) => `${id},1000\n`).join("")}`);
  const redeemed = assigned.filter((_, i) => i % 10 === 0);
  writeFileSync(
    at("redeemed.csv"),
    `user_id,coupon_id,discount_minor\n${redeemed.map((row) => `${row.user_id},${row.coupon_id},50\n`).join("")}x,y,1\n`,
  );
  writeFileSync(at("survey.csv"), `user_id,score\n${receivers.map((id, i) => `${id},${i % 11}\n`).join("")}nobody,3\n`);
}, 120_000);

describe("evaluate campaign", () => {
  it("compares with the holdout, counts coupons, asks the survey and writes a page", async () => {
    const args = ["evaluate", "campaign", run, "--orders", at("orders.csv"), "--redemptions", at("redeemed.csv")];
    const more = ["--discount", "discount_minor", "--survey", at("survey.csv"), "--report", at("page.html")];
    const json = await cliJson([...args, ...more, "--threads", "2"]);
    const assigned = await readTable(join(run, "assignments.parquet"));
    const { all } = json.effect;
    expect(all.treated.numUsers + all.holdout.numUsers).toBe(json.numUsers);
    const receivers = new Set(assigned.map((row) => row.user_id)).size;
    expect(all.treated.numBuyers).toBe(Math.ceil(receivers / 2));
    expect(all.treated.salesMinor).toBe(1000 * Math.ceil(receivers / 2));
    const redeemed = Math.ceil(assigned.length / 10);
    expect(all.treated.discountMinor).toBe(50 * redeemed);
    for (const by of [json.byCoupon, json.byKind, json.bySegment]) {
      expect(by.reduce((sum: number, row: { numHanded: number }) => sum + row.numHanded, 0)).toBe(assigned.length);
      expect(by.reduce((sum: number, row: { numRedeemed: number }) => sum + row.numRedeemed, 0)).toBe(redeemed);
    }
    expect(json).toMatchObject({ numForeignOrders: 1, numForeignRedemptions: 1, survey: { numForeign: 1 } });
    expect(json.survey.all.numAnswers).toBe(receivers);
    const page = readFileSync(at("page.html"), "utf8");
    expect(page).toContain("What the campaign changed");
    expect(page).not.toContain("<script");
    const again = await cliJson([...args, ...more, "--threads", "1"]);
    expect(again).toEqual(json);
    expect(readFileSync(at("page.html"), "utf8")).toBe(page);
    const { code, stdout } = await cli(args);
    expect(code).toBe(0);
    expect(stdout).toContain("incremental ROI");
  });

  it("tells what is wrong with its tables", async () => {
    const orders = ["--orders", at("orders.csv")];
    const nowhere = await cli(["evaluate", "campaign", folder, ...orders]);
    expect(nowhere.code).toBe(5);
    expect(nowhere.stderr).toContain("couponcast run --out");
    writeFileSync(at("twice.csv"), "user_id,sales_minor\nu,many\n");
    const wrong = await cli(["evaluate", "campaign", run, "--orders", at("twice.csv")]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain(
      'expected a number from -9000000000000 to 9000000000000 in the column "sales_minor"',
    );
    const missing = await cli(["evaluate", "campaign", run]);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain("required option '--orders <file>'");
  });
});

describe("run with an evaluation", () => {
  it("measures the earlier campaign in run.json and in the report, or says what it misses", async () => {
    const campaign = readFileSync(join(folder, "shop/campaign.yaml"), "utf8");
    const evaluation = [
      "evaluation:",
      "  result: ../result",
      "  orders: { files: ../orders.csv }",
      "  redemptions: { files: ../redeemed.csv, columns: { discount: discount_minor } }",
      "  survey: { files: ../survey.csv }",
      "",
    ];
    writeFileSync(join(folder, "shop/next.yaml"), `${campaign}\n${evaluation.join("\n")}`);
    const out = at("next");
    await cliJson(["run", join(folder, "shop/next.yaml"), "--out", out]);
    const manifest = JSON.parse(readFileSync(join(out, "run.json"), "utf8"));
    const args = ["evaluate", "campaign", run, "--orders", at("orders.csv"), "--redemptions", at("redeemed.csv")];
    const alone = await cliJson([...args, "--discount", "discount_minor", "--survey", at("survey.csv"), "--seed", "5"]);
    expect(manifest.evaluation.effect).toEqual(alone.effect.all);
    expect(manifest.evaluation.survey).toEqual(alone.survey);
    const report = readFileSync(join(out, "report.html"), "utf8");
    for (const title of ["What the earlier campaign changed", "What the receivers did", "What users say"])
      expect(report).toContain(title);
    writeFileSync(
      join(folder, "shop/next.yaml"),
      `${campaign}\n${evaluation.join("\n").replace("sales", "x").replace("../orders.csv", "../redeemed.csv")}`,
    );
    const wrong = await cli(["run", join(folder, "shop/next.yaml"), "--out", at("wrong")]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('expected a column "sales_minor"');
    expect(wrong.stderr).toContain("evaluation.orders.columns.sales");
  }, 120_000);
});

describe("evaluate policy and uplift", () => {
  it("prints estimates and writes a page", async () => {
    writeFileSync(at("log.csv"), "reward,propensity,q,q_new\n1,0.5,.6,.55\n0,0.25,.2,.4\n1,.25,.3,.35\n0,.5,.5,.5\n");
    const args = ["evaluate", "policy", at("log.csv"), "--target", "0.5", "--report", at("policy.html")];
    const json = await cliJson([...args, "--prediction", "q", "--target-prediction", "q_new"]);
    expect(json.ips.value).toBeCloseTo((1 + 2) / 4, 12);
    expect(json.dr.value).toBeCloseTo((0.55 + 0.4 + 0.4 - 0.4 + 0.35 + 1.4 + 0.5 - 0.5) / 4, 12);
    expect(readFileSync(at("policy.html"), "utf8")).toContain("Off-policy evaluation");
    writeFileSync(at("holes.csv"), "reward,propensity\n1,0.5\n0,\n");
    const holes = await cli(["evaluate", "policy", at("holes.csv"), "--target", "1"]);
    expect(holes.code).toBe(2);
    expect(holes.stderr).toContain('in the column "propensity"');
  });

  it("prints both conventions by name", async () => {
    const rows = [..."1101001010"].map((t, i) => `${10 - i},${t},${"1100011000"[i]},${t}\n`);
    writeFileSync(at("test.csv"), `score,treated,outcome,cost\n${rows.join("")}`);
    const args = ["evaluate", "uplift", at("test.csv"), "--cost", "cost", "--report", at("uplift.html")];
    const { code, stdout } = await cli(args);
    expect(code).toBe(0);
    expect(stdout).toContain("Qini, scikit-uplift");
    expect(stdout).toContain("0.4278");
    expect(stdout).toContain("0.2462");
    expect(readFileSync(at("uplift.html"), "utf8")).toContain("Cost curve");
    const wrong = await cli(["evaluate", "uplift", at("test.csv"), "--treated", "score"]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("a whole number from 0 to 1");
  });
});
