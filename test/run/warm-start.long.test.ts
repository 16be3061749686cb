import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { runCampaign } from "../../src/run/run-campaign.js";
import { makeShop, rowsOf } from "../support/campaign-run.js";
import { temporaryFolder } from "../support/matrix.js";

const folder = temporaryFolder();
let shop: string;

beforeAll(async () => {
  shop = dirname(await makeShop(join(folder, "shop"), { users: 300, items: 40, events: 3000 }));
});

/** Runs the shop's campaign with other lines under `segments`. */
async function run(name: string, segments: string) {
  const file = join(shop, `${name}.yaml`);
  const text = readFileSync(join(shop, "campaign.yaml"), "utf8");
  writeFileSync(file, text.replace(/segments:\n {2}k: 6/, `segments:\n${segments}`));
  const out = join(folder, name);
  const { manifest } = await runCampaign(file, { out, threads: 2 });
  const rows = await rowsOf(join(out, "segments.parquet"), (t) => `SELECT user_id, segment FROM ${t} ORDER BY user_id`);
  return { out, manifest, rows };
}

it.each(["features", "items"])(
  "segments by %s go on from an earlier run's, to where they would have come",
  async (by) => {
    const rules = `  by: ${by}\n  tolerance: 0`;
    const half = await run(`half-${by}`, `${rules}\n  k: 5\n  maxIterations: 1`);
    const whole = await run(`whole-${by}`, `${rules}\n  k: 5`);
    const model = JSON.stringify(join(half.out, "segments.safetensors"));
    const from = `${rules}\n  model: ${model}\n  baseline: ${JSON.stringify(half.out)}`;
    const rest = await run(`rest-${by}`, `${from}\n  warmStart: true\n  spherical: false`);
    expect(rest.rows).toEqual(whole.rows);
    expect(rest.rows).not.toEqual(half.rows);
    const own = (out: string) => readFileSync(join(out, "segments.safetensors"));
    expect(own(rest.out).equals(own(half.out))).toBe(false);
    const { segments, inputs } = rest.manifest;
    expect(segments.sizes).toEqual(whole.manifest.segments.sizes);
    // New segments: no shares of the model's, and drift by the nearest of the old ones.
    expect(segments.model).toBeUndefined();
    expect(segments.drift!.segments!.shares.filter(({ segment }) => segment !== null)).toHaveLength(5);
    expect(inputs.map(({ role }) => role)).toContain("segment-model");
    const page = readFileSync(join(rest.out, "report.html"), "utf8");
    expect(page).not.toContain("so that their numbers mean the same");
  },
);
