#!/usr/bin/env node
/** The scoring methods that no other bench has, RP3beta and content, beside the same products in scipy and scikit-learn. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { matrixOf, randomOf } from "../data.mjs";
import { median, mustRun, ROOT, requireBuild, SIZE_NAMES, say, seconds, table } from "../tools.mjs";

const WHAT = `node bench/methods/bench.mjs [--size small] [--threads 1,2] [--runs 3] [--only rp3beta,profiles,content] [--users 20000]
                                  [--python python3]

  rp3beta   20 neighbours of every item by the random walk, alpha 1, beta .6; similaripy where it is installed;
            scipy: two normalised products by blocks of rows
  profiles  item profiles from a title and a category, to a file; scikit-learn's HashingVectorizer and TfidfTransformer, in memory
  content   20 items for each of the first --users users from these profiles, seen items left out; scipy: profiles times dense
            means by blocks, some five times as long

Results are compared before times are shown. Sizes: ${SIZE_NAMES.join(", ")}. scipy and scikit-learn have one thread whatever
--threads says.`;

const WORDS = 20_000;
const WORDS_A_TITLE = 12;
const CATEGORIES = 300;
const TOLERANCE = 1e-4;

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "small" },
    threads: { type: "string", default: "1,2" },
    runs: { type: "string", default: "3" },
    users: { type: "string", default: "20000" },
    only: { type: "string", default: "rp3beta,profiles,content" },
    python: { type: "string", default: "python3" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help || !SIZE_NAMES.includes(values.size)) {
  say(WHAT);
  process.exit(values.help ? 0 : 2);
}
requireBuild();
const { closeExecutors, openMatrix, recommend, rp3beta, writeItemProfiles } = await import("../../dist/index.js");

const folder = join(ROOT, "build", "bench");
mkdirSync(folder, { recursive: true });
const path = await matrixOf(values.size, say);
const matrix = await openMatrix(path);
const range = { begin: 0, end: Math.min(Number(values.users), matrix.numUsers) };
const profiles = join(folder, `${values.size}-profiles.safetensors`);
const items = itemsOf(matrix.ids("items", 0, matrix.numItems));
writeFileSync(`${profiles}.json`, JSON.stringify(items.map(({ title, category }) => [title, category])));

/** Titles by Zipf's law. */
function itemsOf(ids) {
  const random = randomOf(3);
  const zipf = (count) => Math.floor(count ** random()) - 1;
  const title = () => Array.from({ length: WORDS_A_TITLE }, () => `word${zipf(WORDS)}`).join(" ");
  return ids.map((id) => ({ id, title: title(), category: `category ${zipf(CATEGORIES)}` }));
}

const sumOf = (scores) => scores.reduce((sum, x) => sum + x, 0);
const WORKS = {
  rp3beta: async (threads) => sumOf((await rp3beta(matrix, { neighbours: 20, threads })).scores),
  profiles: async () => {
    const columns = { text: ["title"], categories: ["category"] };
    return (await writeItemProfiles(profiles, items, { ...columns, matrix })).nnz;
  },
  content: async (threads) =>
    sumOf((await recommend(matrix, { method: "content", profiles, n: 20, range, fallback: false, threads })).scores),
};

/** Peers of each work, with whether they have threads. */
const PEERS = {
  rp3beta: { scipy: false, similaripy: true },
  profiles: { "scikit-learn": false },
  content: { scipy: false },
};

async function askPeer(work, peer, threads) {
  try {
    const script = [
      "bench/methods/peers.py",
      work,
      peer,
      path,
      profiles,
      values.runs,
      String(threads),
      String(range.end),
    ];
    return JSON.parse((await mustRun(values.python, script)).stdout.trim().split("\n").at(-1));
  } catch (error) {
    say(`${work}, ${peer}: ${String(error.message).split("\n").at(-1)}`);
    return undefined;
  }
}

const rows = [];
const works = values.only.split(",");
if (works.includes("content") && !works.includes("profiles")) await WORKS.profiles();
for (const work of works) {
  const theirs = {};
  for (const threads of values.threads.split(",").map(Number)) {
    const times = [];
    let result;
    for (let run = -1; run < Number(values.runs); run++) {
      const start = performance.now();
      result = await WORKS[work](threads);
      if (run >= 0) times.push((performance.now() - start) / 1000);
    }
    const ours = median(times);
    const cells = [];
    for (const [peer, hasThreads] of Object.entries(PEERS[work])) {
      if (hasThreads || !(peer in theirs)) theirs[peer] = await askPeer(work, peer, threads);
      const answer = theirs[peer];
      if (answer === undefined) continue;
      if (Math.abs(result - answer.result) > TOLERANCE * Math.abs(answer.result))
        throw new Error(`${work}: ${result} here, ${answer.result} of ${peer}`);
      const other = median(answer.seconds);
      cells.push(`${peer} ${seconds(other)} (${(other / ours).toFixed(1)}x)`);
    }
    rows.push([work, String(threads), seconds(ours), cells.join(", ")]);
  }
}
matrix.close();
await closeExecutors();
console.log(table([`work (${values.size})`, "threads", "couponcast", "peers"], rows));
