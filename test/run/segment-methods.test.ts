import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { runCampaign } from "../../src/run/run-campaign.js";
import { expectSameOutputs, makeShop, outputsOf } from "../support/campaign-run.js";
import { temporaryFolder } from "../support/matrix.js";

const folder = temporaryFolder();
let shop: string;

beforeAll(async () => {
  shop = dirname(await makeShop(join(folder, "shop"), { users: 900, items: 60, events: 9000 }));
});

/** The shop's campaign with other lines under `segments`. */
function campaignWith(name: string, segments: string): string {
  const file = join(shop, name);
  writeFileSync(
    file,
    readFileSync(join(shop, "campaign.yaml"), "utf8").replace(/segments:\n {2}k: 6/, `segments:\n${segments}`),
  );
  return file;
}

it("DBSCAN: dense places, the noise counted, the same for any number of threads", async () => {
  const campaign = campaignWith("dbscan.yaml", "  method: dbscan\n  minSamples: 8");
  for (const threads of [1, 2]) await runCampaign(campaign, { out: join(folder, `dbscan-${threads}`), threads });
  const outputs = outputsOf(join(folder, "dbscan-1"));
  expectSameOutputs(outputsOf(join(folder, "dbscan-2")), outputs);
  const { segments, counts } = JSON.parse(outputs["run.json"]!);
  expect(segments).toMatchObject({ method: "dbscan", dbscan: { minSamples: 8 } });
  expect(segments.dbscan.eps).toBeGreaterThan(0);
  const total = segments.sizes.reduce((sum: number, size: number) => sum + size, 0);
  expect(total + segments.dbscan.usersNoise + segments.usersUnsegmented).toBe(counts.users);
  expect(readFileSync(join(folder, "dbscan-1", "report.html"), "utf8")).toContain('id="k-distance"');
});

it("DBSCAN by cosine: crowds of users with alike items, the same for any number of threads", async () => {
  const campaign = campaignWith("cosine.yaml", "  method: dbscan\n  metric: cosine\n  eps: 0.5\n  minSamples: 4");
  for (const threads of [1, 2]) await runCampaign(campaign, { out: join(folder, `cosine-${threads}`), threads });
  const outputs = outputsOf(join(folder, "cosine-1"));
  expectSameOutputs(outputsOf(join(folder, "cosine-2")), outputs);
  const { segments, counts } = JSON.parse(outputs["run.json"]!);
  expect(segments).toMatchObject({ method: "dbscan", dbscan: { eps: 0.5, minSamples: 4 } });
  expect(segments.sizes.length).toBeGreaterThan(0);
  const total = segments.sizes.reduce((sum: number, size: number) => sum + size, 0);
  expect(total + segments.dbscan.usersNoise + segments.usersUnsegmented).toBe(counts.users);
  expect(readFileSync(join(folder, "cosine-1", "report.html"), "utf8")).toContain("Segments are crowds");
  const auto = campaignWith("cosine-auto.yaml", "  method: dbscan\n  metric: cosine");
  await expect(runCampaign(auto, { out: join(folder, "cosine-auto"), threads: 1 })).rejects.toMatchObject({
    code: "ERR_COUPONCAST_INVALID_ARGUMENT",
    message: expect.stringContaining("below 1"),
  });
});

it("refuses more dense places than a report can name", async () => {
  const large = dirname(await makeShop(join(folder, "large"), { users: 1600, items: 60, events: 16_000 }));
  const file = join(large, "crumbs.yaml");
  const lines = "segments:\n  method: dbscan\n  eps: 1.0e-9\n  minSamples: 1";
  writeFileSync(file, readFileSync(join(large, "campaign.yaml"), "utf8").replace(/segments:\n {2}k: 6/, lines));
  await expect(runCampaign(file, { out: join(folder, "crumbs"), threads: 1 })).rejects.toMatchObject({
    code: "ERR_COUPONCAST_INVALID_ARGUMENT",
    message: expect.stringContaining("at most 1000 segments"),
    hint: expect.stringContaining("segments.eps"),
  });
});

it("a baseline: how the users differ from those of an earlier run", async () => {
  const before = join(folder, "before");
  await runCampaign(join(shop, "campaign.yaml"), { out: before, threads: 1 });
  const campaign = campaignWith("later.yaml", `  k: 4\n  baseline: ${JSON.stringify(before)}`);
  const out = join(folder, "later");
  const { manifest } = await runCampaign(campaign, { out, threads: 2 });
  const { drift, sizes } = manifest.segments;
  expect(sizes).toHaveLength(4);
  expect(manifest.inputs.at(-1)).toMatchObject({ role: "baseline" });
  // The same users: nothing has moved, whatever the number of segments now.
  expect(drift).toMatchObject({ numOld: manifest.counts.users, segments: { psi: 0, level: "stable" } });
  expect(drift!.segments!.shares).toHaveLength(7);
  expect(drift!.features.length).toBeGreaterThan(3);
  for (const feature of drift!.features) expect(feature.psi).toBe(0);
  expect(readFileSync(join(out, "report.html"), "utf8")).toContain('id="segment-drift"');
  await expect(runCampaign(campaign, { out: before, threads: 1, force: true })).rejects.toMatchObject({
    code: "ERR_COUPONCAST_INVALID_ARGUMENT",
    field: "segments.baseline",
  });
  const nowhere = campaignWith("nowhere.yaml", "  k: 4\n  baseline: no-such-run");
  await expect(runCampaign(nowhere, { out: join(folder, "no"), threads: 1 })).rejects.toMatchObject({
    code: "ERR_COUPONCAST_IO",
  });
});
