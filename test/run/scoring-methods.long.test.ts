import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { runCampaign } from "../../src/run/run-campaign.js";
import { expectSameOutputs, makeShop, outputsOf } from "../support/campaign-run.js";
import { temporaryFolder } from "../support/matrix.js";

const folder = temporaryFolder();
let text: string;

beforeAll(async () => {
  text = readFileSync(await makeShop(join(folder, "shop"), { users: 1500, items: 60, events: 12_000 }), "utf8");
});

/** A campaign that scores like this. */
function campaign(name: string, scoring: object): string {
  const path = join(folder, "shop", `${name}.yaml`);
  const others = text.replace(/^scoring:\n(?: +.*\n)*/m, "");
  writeFileSync(path, `${others}\nscoring: ${JSON.stringify(scoring)}\n`);
  return path;
}

const BLEND = {
  method: "blend",
  parts: [{ method: "item-knn" }, { method: "content", weight: 0.5 }, { method: "user-knn" }],
};

describe("a run that scores by content or a blend", () => {
  it.each([
    ["content", { method: "content", content: { bins: 5 } }],
    ["blend", BLEND],
  ])("%s gives coupons, the same for any number of threads", async (name, scoring) => {
    const file = campaign(name, scoring);
    const outs = [1, 2].map((threads) => join(folder, `${name}-${threads}`));
    for (const [i, out] of outs.entries()) await runCampaign(file, { out, threads: i + 1 });
    const [one, two] = outs.map(outputsOf);
    expectSameOutputs(two!, one!);
    const page = Buffer.from(one!["report.html"]!, "base64").toString();
    expect(page).toContain(name);
    // Items of the history that explain the example users' coupons.
    expect(page).toContain("Close to what this shopper already chose");
  });

  it.each([
    ["rank", "reciprocal ranks"],
    ["score", "calibrated scores"],
  ])("chooses the weights of a blend by %s on held-out days, and reports how well it ranks", async (by, told) => {
    const evaluate = { heldOutDays: 20, n: 10, chooseWeights: true };
    const file = campaign(`evaluated-by-${by}`, { ...BLEND, by, evaluate });
    const outs = [1, 2].map((threads) => join(folder, `evaluated-by-${by}-${threads}`));
    for (const [i, out] of outs.entries()) await runCampaign(file, { out, threads: i + 1 });
    const [one, two] = outs.map(outputsOf);
    expectSameOutputs(two!, one!);
    const { quality } = JSON.parse(one!["run.json"]!);
    expect(quality.methods.map(({ name }: { name: string }) => name).sort()).toEqual(
      ["blend", "content", "item-knn", "popular", "user-knn"].sort(),
    );
    for (const { ndcg, recall, coverage } of quality.methods)
      for (const value of [ndcg, recall, coverage]) expect(value >= 0 && value <= 1).toBe(true);
    expect(Object.keys(quality.weights)).toEqual(["item-knn", "content", "user-knn"]);
    const page = Buffer.from(one!["report.html"]!, "base64").toString();
    expect(page).toContain('id="quality"');
    expect(page).toContain("chosen on the days before the cut alone and used in this run");
    expect(page).toContain(`(${told})`);
  });

  it("judges a blend by what its lists are made of", async () => {
    const evaluate = { heldOutDays: 20, n: 10 };
    // Of every curve but the first the same value everywhere: only item-knn orders the items.
    const flat = { x: [0], y: [0.1] };
    const parts = BLEND.parts.map((part, p) => ({ ...part, curve: p === 0 ? { x: [0, 1e6], y: [0, 1e3] } : flat }));
    const quality = async (by: string) => {
      const out = join(folder, `judged-by-${by}`);
      await runCampaign(campaign(`judged-by-${by}`, { ...BLEND, parts, by, evaluate }), { out, threads: 2 });
      const { methods } = JSON.parse(readFileSync(join(out, "run.json"), "utf8")).quality;
      return methods.find(({ name }: { name: string }) => name === "blend").ndcg;
    };
    expect(await quality("score")).not.toBe(await quality("rank"));
  });

  it("says what is missing", async () => {
    const noParts = campaign("no-parts", { method: "blend" });
    const noCurves = campaign("no-curves", { ...BLEND, by: "score" });
    await expect(runCampaign(noCurves, { out: join(folder, "none"), threads: 1 })).rejects.toMatchObject({
      message: expect.stringContaining("expected a curve of each part"),
    });
    await expect(runCampaign(noParts, { out: join(folder, "none"), threads: 1 })).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
    });
  });
});
