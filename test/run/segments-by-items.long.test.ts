import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { clusterUsers, openMatrix, readUserClusterModel } from "../../src/index.js";
import type { RunManifest } from "../../src/run/manifest.js";
import { runCampaign } from "../../src/run/run-campaign.js";
import { expectSameOutputs, makeShop, outputsOf, rowsOf, workFolder } from "../support/campaign-run.js";
import { temporaryFolder } from "../support/matrix.js";

const folder = temporaryFolder();
/** A finished run, of five segments by items. */
const first = join(folder, "first");
let shop: string;
let before: RunManifest["segments"];

beforeAll(async () => {
  shop = dirname(await makeShop(join(folder, "shop"), { users: 900, items: 60, events: 9000 }));
  const campaign = campaignWith("first.yaml", "  by: items\n  k: 5");
  before = (await runCampaign(campaign, { out: first, threads: 1 })).manifest.segments;
});

/** The shop's campaign with other lines under `segments`. */
function campaignWith(name: string, segments: string, from = shop): string {
  const file = join(from, name);
  const text = readFileSync(join(from, "campaign.yaml"), "utf8");
  writeFileSync(file, text.replace(/segments:\n {2}k: 6/, `segments:\n${segments}`));
  return file;
}

const pageOf = (out: string): string => readFileSync(join(out, "report.html"), "utf8");

/** Matrix of a finished run. */
function matrixOf(out: string) {
  const stage = readdirSync(workFolder(out)).find((name) => name.startsWith("ingest-"))!;
  return openMatrix(join(workFolder(out), stage, "matrix.safetensors"));
}

it("K-means by items: the clusters of the users' rows, the same for any number of threads", async () => {
  const campaign = campaignWith("items.yaml", "  by: items\n  k: 4\n  nInit: 3\n  spherical: true");
  for (const threads of [1, 2]) await runCampaign(campaign, { out: join(folder, `items-${threads}`), threads });
  const out = join(folder, "items-1");
  const outputs = outputsOf(out);
  expectSameOutputs(outputsOf(join(folder, "items-2")), outputs);
  const { segments, counts, campaign: resolved } = JSON.parse(outputs["run.json"]!);
  expect(segments.method).toBe("kmeans");
  const matrix = await matrixOf(out);
  try {
    const { seed } = resolved;
    const options = { k: 4, nInit: 3, spherical: true, seed, maxIterations: 100, tolerance: 1e-4 };
    const { labels, sizes } = await clusterUsers(matrix, options);
    const order = [...sizes.keys()].sort((a, b) => sizes[b]! - sizes[a]! || a - b);
    expect(segments.sizes).toEqual(order.map((c) => sizes[c]));
    const rows = await rowsOf(join(out, "segments.parquet"), (t) => `SELECT user_id, segment FROM ${t}`);
    const expected = Array.from(labels, (label, row) => ({
      user_id: matrix.userId(row),
      segment: label < 0 ? null : order.indexOf(label),
    }));
    expect(rows).toEqual(expected);
    expect(segments.usersUnsegmented).toBe(expected.filter(({ segment }) => segment === null).length);
  } finally {
    matrix.close();
  }
  const model = await readUserClusterModel(join(out, "segments.safetensors"));
  expect(model.sizes).toEqual(segments.sizes);
  expect(model.items).toHaveLength(counts.items);
  const page = pageOf(out);
  expect(page).toContain("have to do with the same items");
  for (const id of ["segment-map", "segments"]) expect(page).toContain(`id="${id}"`);
});

it("K-means by items in other ways: weights, the number of segments by the data; by batches", async () => {
  const auto = "  by: items\n  k: auto\n  kRange: [2, 4]\n  kBy: calinski-harabasz\n  weights: events";
  const out = join(folder, "auto");
  const { manifest } = await runCampaign(campaignWith("auto.yaml", auto), { out, threads: 2 });
  expect(manifest.segments.sizes.length).toBeGreaterThanOrEqual(2);
  expect(manifest.segments.sizes.length).toBeLessThanOrEqual(4);
  expect(pageOf(out)).toContain('id="choice-of-k"');
  const campaign = campaignWith("batches.yaml", "  by: items\n  k: 5\n  miniBatch: 200\n  init: random");
  for (const threads of [1, 2]) await runCampaign(campaign, { out: join(folder, `batches-${threads}`), threads });
  expectSameOutputs(outputsOf(join(folder, "batches-2")), outputsOf(join(folder, "batches-1")));
});

it("a model by items: the segments of an earlier run, for other users too", async () => {
  const file = JSON.stringify(join(first, "segments.safetensors"));
  const lines = `  by: items\n  model: ${file}\n  baseline: ${JSON.stringify(first)}`;
  const second = join(folder, "second");
  const { manifest } = await runCampaign(campaignWith("second.yaml", lines), { out: second, threads: 2 });
  expect(manifest.segments).toMatchObject({ sizes: before.sizes, model: { psi: 0, level: "stable" } });
  expect(manifest.segments.drift).toMatchObject({ segments: { psi: 0, level: "stable" } });
  for (const name of ["segments.parquet", "segments.safetensors"])
    expect(readFileSync(join(second, name)).equals(readFileSync(join(first, name))), name).toBe(true);
  expect(pageOf(second)).toContain("so that their numbers mean the same");

  const few = dirname(await makeShop(join(folder, "few"), { users: 300, items: 40, events: 2000 }));
  const later = await runCampaign(campaignWith("few.yaml", lines, few), { out: join(folder, "few-out"), threads: 2 });
  const { sizes, drift } = later.manifest.segments;
  expect(sizes).toHaveLength(5);
  expect(drift!.segments!.shares.filter(({ segment }) => segment !== null).map((row) => row.new)).toEqual(sizes);
});

it("refuses a model of users who are compared in the other way, and what is no model", async () => {
  const file = JSON.stringify(join(first, "segments.safetensors"));
  const byFeatures = join(folder, "features");
  await runCampaign(campaignWith("features.yaml", "  k: 3"), { out: byFeatures, threads: 2 });
  const other = JSON.stringify(join(byFeatures, "segments.safetensors"));
  for (const [name, wrong, code, message] of [
    ["kind.yaml", `  by: items\n  model: ${other}`, "ERR_COUPONCAST_INVALID_ARGUMENT", "compared by features"],
    ["items.yaml", `  model: ${file}`, "ERR_COUPONCAST_INVALID_ARGUMENT", "compared by items"],
    [
      "none.yaml",
      `  by: items\n  model: ${JSON.stringify(join(first, "run.json"))}`,
      "ERR_COUPONCAST_CORRUPT_FILE",
      "",
    ],
  ] as const) {
    const run = runCampaign(campaignWith(name, wrong), { out: join(folder, "wrong"), threads: 1 });
    await expect(run, name).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  }
});
