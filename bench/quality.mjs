// Quality of recommendations on a campaign's own last days, beside others with the same data, settings and metric: implicit, and
// for EASE and RP3beta their published formulas in numpy.
//   node bench/quality.mjs campaign.yaml [days] [python]
// Python needs numpy, scipy and implicit; what implicit has is measured alone without it. PYTHONPATH may name a built copy.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const dist = (path) => import(new URL(`../dist/${path}`, import.meta.url));
const { loadCampaign } = await dist("campaign/load-campaign.js");
const { splitByTime } = await dist("ingest/time-split.js");
const { ingestRequest } = await dist("run/profile-stages.js");
const { evaluateRanking } = await dist("evaluate/ranking.js");
const { relevantItems } = await dist("evaluate/relevant-items.js");
const { closeExecutors, EASE_MAX_ITEMS, openMatrix, recommend } = await dist("index.js");

const [path, days = "28", python = "python3"] = process.argv.slice(2);
if (path === undefined || path === "--help") {
  console.log("usage: node bench/quality.mjs campaign.yaml [days] [python]");
  process.exit(path === undefined ? 2 : 0);
}
const N = 20;
const ALS = { factors: 64, iterations: 15, regularisation: 0.01, alpha: 1 };
const SEEDS = [1, 2, 3, 4, 5];
/** By start, where there is one. */
const METHODS = [
  ...["cosine", "tfidf", "bm25"].map((similarity) => [{ method: "item-knn", similarity, neighbours: 100 }]),
  SEEDS.map((seed) => ({ method: "als", als: { ...ALS, seed } })),
  [{ method: "ease", ease: { regularisation: 250 } }],
  [{ method: "rp3beta", rp3beta: { alpha: 1, beta: 0.6 }, neighbours: 100 }],
];
const PUBLISHED = ["ease", "rp3beta"];
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values) => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
const told = (values) =>
  mean(values).toFixed(5) +
  (values.length > 1 ? ` ± ${deviation(values).toFixed(5)} over ${values.length} starts` : "");

const root = mkdtempSync(join(tmpdir(), "couponcast-quality-"));
try {
  const { campaign, baseDir } = await loadCampaign(path);
  mkdirSync(join(root, "split"));
  const request = {
    ...ingestRequest(campaign),
    baseDir,
    outDir: join(root, "split"),
    threads: 2,
    heldOutDays: Number(days),
  };
  const { cut, historyMatrix, laterMatrix } = await splitByTime(request);
  const history = await openMatrix(historyMatrix);
  const later = await openMatrix(laterMatrix);
  const relevant = await relevantItems(history, later);
  console.log(`${campaign.name}: ${relevant.numUsers} users, ${relevant.items.length} items first bought after ${cut}`);
  const quality = async (items) => {
    const counts = Int32Array.from({ length: history.numUsers }, (_, u) => {
      const end = items.subarray(u * N, (u + 1) * N).indexOf(-1);
      return end < 0 ? N : end;
    });
    const empty = { scores: new Float32Array(items.length), sources: new Uint8Array(items.length) };
    const range = { begin: 0, end: history.numUsers };
    return (await evaluateRanking(history, relevant, { n: N, range, items, counts, ...empty })).ndcg;
  };
  const out = join(root, "items.i32");
  const theirQuality = async (options) => {
    const task = JSON.stringify({ matrix: historyMatrix, out, n: N, ...options });
    execFileSync(python, [fileURLToPath(new URL("quality.py", import.meta.url)), task], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const bytes = readFileSync(out);
    return quality(new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4));
  };
  for (const starts of METHODS) {
    if (starts[0].method === "ease" && history.numItems > EASE_MAX_ITEMS) {
      console.log(`ease: ${history.numItems} items are more than it takes`);
      continue;
    }
    const ours = [];
    const theirs = [];
    for (const options of starts) {
      // Without popular items to fill up with: implicit has none.
      ours.push(await quality((await recommend(history, { ...options, n: N, fallback: false })).items));
      try {
        theirs.push(await theirQuality(options));
      } catch (error) {
        if (!String(error.stderr).includes("No module named 'implicit'")) throw error;
      }
    }
    const name = `${starts[0].method} ${starts[0].similarity ?? ""}`.trim();
    const other = PUBLISHED.includes(starts[0].method) ? "as published" : "implicit";
    console.log(
      `${name.padEnd(18)} NDCG@${N} ${told(ours)}   ${other} ${theirs.length > 0 ? told(theirs) : "not here"}`,
    );
  }
} finally {
  await closeExecutors();
  rmSync(root, { recursive: true, force: true });
}
