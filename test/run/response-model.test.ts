import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { linearScores } from "../../src/learn/linear-model.js";
import { readResponseModel } from "../../src/response/model-file.js";
import { runCampaign } from "../../src/run/run-campaign.js";
import { makeShop, workFolder } from "../support/campaign-run.js";
import { temporaryFolder } from "../support/matrix.js";

const folder = temporaryFolder();
let shop: string;
const first = join(folder, "first");
const saved = () => join(first, "response.safetensors");

beforeAll(async () => {
  shop = await makeShop(join(folder, "shop"), { users: 900, items: 60, events: 20_000 });
  await runCampaign(shop, { out: first, threads: 2 });
});

function campaignWith(name: string, edit: (text: string) => string): string {
  const path = join(dirname(shop), `${name}.yaml`);
  writeFileSync(path, edit(readFileSync(shop, "utf8")));
  return path;
}

function candidatesOf(out: string): Buffer {
  const names = readdirSync(workFolder(out), { recursive: true, encoding: "utf8" });
  const found = names.filter((name) => name.endsWith("candidates.safetensors"));
  expect(found.length).toBe(1);
  return readFileSync(join(workFolder(out), found[0]!));
}

describe("the response model of a run", () => {
  it("is told with what each behaviour was learnt to say about taste", async () => {
    const { taste } = JSON.parse(readFileSync(join(first, "run.json"), "utf8"));
    expect(taste.behaviours.map(({ name, given }: { name: string; given: number }) => [name, given])).toEqual([
      ["browse", 1],
      ["search", 2],
      ["purchase", 5],
    ]);
    for (const { learnt } of taste.behaviours) expect(learnt).toBeGreaterThan(0);
    expect(taste.fit.lossAfter).toBeLessThan(taste.fit.lossBefore);
    expect(readFileSync(join(first, "report.html"), "utf8")).toContain("What behaviours say about taste");
  });

  it("is a file that says what was learnt from what", async () => {
    const model = readResponseModel(saved());
    expect(model.parts).toEqual(["anyway", "use", "persuade"]);
    expect(model.coefficients[0]!.length).toBe(model.features.length);
    expect(model.features.filter((name) => name.startsWith("coupon:")).length).toBe(10);
    const { response, campaign } = JSON.parse(readFileSync(join(first, "run.json"), "utf8"));
    expect(model.training).toMatchObject({
      seed: campaign.seed,
      heldOutShare: campaign.response.heldOutShare,
      offers: response.offers,
      redemptions: response.redemptions,
      quality: {
        heldOutLogLoss: response.heldOutLogLoss,
        calibration: response.calibration,
        uplift: response.uplift,
      },
    });
    const row = {
      cols: model.features.length,
      indptr: BigInt64Array.of(0n, 1n),
      indices: Int32Array.of(2),
      values: Float32Array.of(0.5),
    };
    const [score] = await linearScores({ beta: model.coefficients[2]!, intercept: model.intercepts[2]! }, row);
    expect(score).toBeCloseTo(0.5 * model.coefficients[2]![2]! + model.intercepts[2]!, 12);
  });

  it("used by a later run decides the same, and nothing is fitted", async () => {
    copyFileSync(saved(), join(dirname(shop), "saved.safetensors"));
    const again = campaignWith("again", (text) => `${text}\nresponse:\n  model: saved.safetensors\n`);
    const { manifest } = await runCampaign(again, { out: join(folder, "again"), threads: 1 });
    expect(manifest.response).toMatchObject({ kind: "given", given: { numUnknown: 0, hasUplift: true } });
    expect(manifest.inputs.some(({ role }) => role === "response-model")).toBe(true);
    const assigned = (out: string) => readFileSync(join(out, "assignments.parquet"));
    expect(assigned(join(folder, "again")).equals(assigned(first))).toBe(true);
    expect(candidatesOf(join(folder, "again")).equals(candidatesOf(first))).toBe(true);
    expect(readResponseModel(join(folder, "again", "response.safetensors"))).toEqual(readResponseModel(saved()));
  });

  it("of other coupons and attributes counts what is known, and says so", async () => {
    const coupons = join(dirname(shop), "coupons.json");
    const renamed = JSON.parse(readFileSync(coupons, "utf8")) as { id: string }[];
    const known = renamed.at(-1)!.id;
    renamed.at(-1)!.id = "NEW";
    writeFileSync(join(dirname(shop), "renamed.json"), JSON.stringify(renamed));
    const users = readFileSync(join(dirname(shop), "users.csv"), "utf8").replace(/^(.*)\bcity\b/, "$1town");
    writeFileSync(join(dirname(shop), "moved.csv"), users);
    const other = campaignWith("other", (text) =>
      `${text}\nresponse:\n  model: saved.safetensors\n`
        .replaceAll("coupons.json", "renamed.json")
        .replaceAll("users.csv", "moved.csv"),
    );
    const { manifest } = await runCampaign(other, { out: join(folder, "other"), threads: 2 });
    expect(manifest.response.given?.numUnknown).toBe(2);
    expect(manifest.warnings.join()).toContain("2 coupons or attributes are not both");
    const [before, after] = [
      readResponseModel(saved()),
      readResponseModel(join(folder, "other", "response.safetensors")),
    ];
    expect(after.attributes).toEqual(before.attributes);
    expect(before.attributes.map(({ column }) => column)).toContain("attr_city");
    // Read as membership and channel: once is enough.
    for (const column of ["attr_tier", "attr_channel"])
      expect(before.attributes.map(({ column: name }) => name)).not.toContain(column);
    for (const [m, beta] of after.coefficients.entries()) {
      expect(beta[after.features.indexOf("coupon:NEW")]).toBe(0);
      for (const [f, name] of before.features.entries())
        if (name !== `coupon:${known}`) expect(beta[after.features.indexOf(name)]).toBe(before.coefficients[m]![f]);
    }
  });

  it("is refused when it is none, or damaged", async () => {
    const bytes = readFileSync(saved());
    bytes[bytes.length - 3]! ^= 1;
    writeFileSync(join(dirname(shop), "damaged.safetensors"), bytes);
    expect(() => readResponseModel(join(dirname(shop), "damaged.safetensors"))).toThrow(/digest|damaged|changed/i);
    const refused = (file: string, message: RegExp) =>
      expect(
        runCampaign(
          campaignWith("refused", (text) => `${text}\nresponse:\n  model: ${file}\n`),
          { out: join(folder, "no"), threads: 1 },
        ),
      ).rejects.toThrow(message);
    await refused("users.csv", /users.csv/);
    await refused("nowhere.safetensors", /nowhere.safetensors/);
  });
});
