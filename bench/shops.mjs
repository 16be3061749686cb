/**
 * Share of the gap from random to oracle that each policy closes, on shops of the default size: `node bench/shops.mjs SEED...`.
 * With --ablations also without each part. Some 15 seconds a shop on two cores, 25 with the ablations.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { simulateCampaign } from "../dist/index.js";
import { synthesize } from "../dist/synth/synthesize.js";

const ablations = process.argv.includes("--ablations");
const seeds = process.argv.slice(2).filter((arg) => arg !== "--ablations");
for (const seed of seeds.map(Number)) {
  const folder = mkdtempSync(join(tmpdir(), "couponcast-shop-"));
  try {
    const outDir = join(folder, "shop");
    const shop = await synthesize({ users: 20_000, items: 2000, events: 1_000_000, coupons: 30, seed, outDir });
    const truth = join(outDir, "truth.safetensors");
    const { policies } = await simulateCampaign(shop.campaignFile, { out: join(folder, "run"), truth, ablations });
    const closed = policies
      .filter(({ kind, name }) => kind !== "oracle" && name !== "random")
      .map(({ name, closedShare }) => `${name} ${(100 * closedShare).toFixed(1)} %`);
    console.log(`seed ${seed}: ${closed.join(", ")}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
