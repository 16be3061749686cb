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
  });

  it("says what is missing", async () => {
    const noParts = campaign("no-parts", { method: "blend" });
    await expect(runCampaign(noParts, { out: join(folder, "none"), threads: 1 })).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
    });
  });
});
