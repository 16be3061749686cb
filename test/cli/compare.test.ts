import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { CampaignComparison } from "../../src/evaluate/compare.js";
import { temporaryFolder } from "../support/matrix.js";
import { cli, cliJson } from "./run-cli.js";
import { makeShop, synthShop } from "./shop.js";

const folder = temporaryFolder();

describe("compare, content and recommend", () => {
  it("rank methods on a campaign's own last days, and recommend by content and by a blend", async () => {
    const { shop, matrix } = await makeShop(folder);
    const campaign = join(shop, "campaign.yaml");
    const methods = ["popular", "item-knn", "content", "blend"];
    const args = ["compare", campaign, "--methods", methods.join(","), "--held-out-days", "21", "-n", "10"];
    const found = (await cliJson(args)) as unknown as CampaignComparison;
    expect(found.methods.map(({ name }) => name).toSorted()).toEqual(methods.toSorted());
    const quality = found.methods.map(({ quality }) => quality.ndcg);
    expect(quality).toEqual(quality.toSorted((a, b) => b - a));
    expect(quality.every((ndcg) => ndcg > 0 && ndcg < 1)).toBe(true);
    expect(found.blend!.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 9);
    const page = join(folder, "methods.html");
    const some = ["--methods", "popular,content", "--threads", "1", "--report", page];
    const { stdout } = await cli([...args, ...some]);
    // The same as among more methods, with any number of threads.
    for (const name of ["popular", "content"]) {
      const { ndcg } = found.methods.find((method) => method.name === name)!.quality;
      expect(stdout).toMatch(new RegExp(`^ +${name} +${ndcg.toFixed(4)} `, "m"));
    }
    expect(readFileSync(page, "utf8")).toContain("<svg");
    const profiles = join(folder, "profiles.safetensors");
    const summary = await cliJson([
      ...["content", join(shop, "items.csv"), "--matrix", matrix, "-o", profiles],
      ...["--category", "category", "--attributes", "price_minor,margin_rate"],
    ]);
    expect(summary).toMatchObject({ numWithout: 0, numUnknown: 0, rejected: {} });
    for (const method of [["content"], ["blend", "--parts", "item-knn=1,content=0.5"]]) {
      const out = join(folder, `${method[0]}.jsonl`);
      const { rowsBySource } = await cliJson([
        "recommend",
        matrix,
        "--method",
        ...method,
        "--profiles",
        profiles,
        "-o",
        out,
      ]);
      expect((rowsBySource as Record<string, number>).model).toBeGreaterThan(0);
    }
  }, 180_000);

  it("hold out each user's last new item", async () => {
    const shop = await synthShop(join(folder, "last-out"));
    const args = ["compare", join(shop, "campaign.yaml"), "--split", "last-out", "-n", "10"];
    const found = (await cliJson(args)) as unknown as CampaignComparison;
    expect(found).toMatchObject({ split: "last-out", numSeen: 0 });
    // A blend has no weights to be compared with.
    expect(found.methods.map(({ name }) => name)).not.toContain("blend");
    expect(found.numUsers).toBeGreaterThan(100);
    expect(found.methods[0]!.quality.ndcg).toBeGreaterThan(0);
    const page = join(folder, "last-out.html");
    const { stdout } = await cli([...args, "--methods", "popular", "--report", page]);
    expect(stdout).toContain(`the last new ones of ${found.numUsers.toLocaleString("en")} users`);
    expect(readFileSync(page, "utf8")).toContain("shopper&#39;s last new item");
    const blended = await cli([...args, "--methods", "blend"]);
    expect(blended.code).toBe(2);
    expect(blended.stderr).toContain("scoring.parts");
  }, 180_000);

  it("say what is wrong", async () => {
    const nothing = await cli(["content", "items.csv", "-o", join(folder, "p.safetensors")]);
    expect(nothing.code).toBe(2);
    expect(nothing.stderr).toContain("at least one column");
    const unknown = await cli(["compare", "campaign.yaml", "--methods", "nonsense"]);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("popular");
  });
});
