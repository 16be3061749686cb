import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { readSegmentModel, writeSegmentModel } from "../../src/index.js";
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
  const campaign = campaignWith("cosine.yaml", "  method: dbscan\n  by: items\n  eps: 0.5\n  minSamples: 4");
  for (const threads of [1, 2]) await runCampaign(campaign, { out: join(folder, `cosine-${threads}`), threads });
  const outputs = outputsOf(join(folder, "cosine-1"));
  expectSameOutputs(outputsOf(join(folder, "cosine-2")), outputs);
  const { segments, counts } = JSON.parse(outputs["run.json"]!);
  expect(segments).toMatchObject({ method: "dbscan", dbscan: { eps: 0.5, minSamples: 4 } });
  expect(segments.sizes.length).toBeGreaterThan(0);
  const total = segments.sizes.reduce((sum: number, size: number) => sum + size, 0);
  expect(total + segments.dbscan.usersNoise + segments.usersUnsegmented).toBe(counts.users);
  expect(readFileSync(join(folder, "cosine-1", "report.html"), "utf8")).toContain("Segments are crowds");
  const auto = campaignWith("cosine-auto.yaml", "  method: dbscan\n  by: items");
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

it("K-means in other ways: batches, weights, direction, and the number of segments by the elbow", async () => {
  const lines = "  k: auto\n  kRange: [2, 5]\n  kBy: elbow\n  miniBatch: 200\n  weights: monetary\n  spherical: true";
  const campaign = campaignWith("batches.yaml", lines);
  for (const threads of [1, 2]) await runCampaign(campaign, { out: join(folder, `batches-${threads}`), threads });
  const outputs = outputsOf(join(folder, "batches-1"));
  expectSameOutputs(outputsOf(join(folder, "batches-2")), outputs);
  const { sizes } = JSON.parse(outputs["run.json"]!).segments;
  expect(sizes.length).toBeGreaterThanOrEqual(2);
  expect(sizes.length).toBeLessThanOrEqual(5);
  const page = readFileSync(join(folder, "batches-1", "report.html"), "utf8");
  expect(page).toContain('id="choice-of-k"');
  expect(page).toContain("what segments leave unexplained");
});

it("a model: the segments of an earlier run, their shares beside those of then", async () => {
  const first = join(folder, "first");
  const { manifest: before } = await runCampaign(join(shop, "campaign.yaml"), { out: first, threads: 1 });
  const model = join(first, "segments.safetensors");
  expect(readSegmentModel(model).sizes).toEqual(before.segments.sizes);
  const lines = `  model: ${JSON.stringify(model)}\n  baseline: ${JSON.stringify(first)}`;
  const out = join(folder, "second");
  const { manifest } = await runCampaign(campaignWith("second.yaml", lines), { out, threads: 2 });
  // The same users in the same segments, so the same file of both.
  expect(manifest.segments).toMatchObject({ sizes: before.segments.sizes, model: { psi: 0, level: "stable" } });
  expect(manifest.inputs.map(({ role }) => role)).toContain("segment-model");
  for (const name of ["segments.parquet", "segments.safetensors"])
    expect(readFileSync(join(out, name)).equals(readFileSync(join(first, name))), name).toBe(true);
  expect(readFileSync(join(out, "report.html"), "utf8")).toContain("so that their numbers mean the same");
  // Fewer, other users: counted in the model's own segments.
  const few = dirname(await makeShop(join(folder, "few"), { users: 300, items: 60, events: 2000 }));
  const file = join(few, "few.yaml");
  writeFileSync(
    file,
    readFileSync(join(few, "campaign.yaml"), "utf8").replace(/segments:\n {2}k: 6/, `segments:\n${lines}`),
  );
  const later = await runCampaign(file, { out: join(folder, "few-out"), threads: 2 });
  const { sizes, drift, model: stability } = later.manifest.segments;
  expect(sizes).toHaveLength(before.segments.sizes.length);
  expect(drift!.segments!.shares.filter(({ segment }) => segment !== null).map((row) => row.new)).toEqual(sizes);
  expect(stability!.psi).toBeGreaterThan(0);
  for (const [name, wrong, message] of [
    ["both.yaml", `${lines}\n  k: 4`, "segments.model"],
    ["method.yaml", `${lines}\n  method: rfm`, "kmeans"],
    ["choice.yaml", "  k: 4\n  kRange: [2, 5]", "auto"],
    ["range.yaml", "  k: auto\n  kRange: [5, 2]", "ascending"],
    ["empty.yaml", "  k: 4\n  miniBatch: 100\n  emptyClusters: keep", "miniBatch"],
  ] as const) {
    const run = runCampaign(campaignWith(name, wrong), { out: join(folder, "wrong"), threads: 1 });
    await expect(run).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      message: expect.stringContaining(message),
    });
  }
  // A segment that is nobody's any more keeps its number.
  const { scaling, centroids, sizes: old } = readSegmentModel(model);
  const far = new Float32Array(scaling.names.length).fill(1000);
  const more = { scaling, centroids: Float32Array.of(...far, ...centroids), sizes: [0, ...old] };
  await writeSegmentModel(join(shop, "more.safetensors"), more);
  const empty = await runCampaign(campaignWith("more.yaml", "  model: more.safetensors"), {
    out: join(folder, "more"),
    threads: 2,
  });
  expect(empty.manifest.segments.sizes).toEqual([0, ...before.segments.sizes]);
  const nothing = campaignWith("nothing.yaml", `  model: ${JSON.stringify(join(first, "run.json"))}`);
  await expect(runCampaign(nothing, { out: join(folder, "wrong"), threads: 1 })).rejects.toMatchObject({
    code: "ERR_COUPONCAST_CORRUPT_FILE",
  });
});
