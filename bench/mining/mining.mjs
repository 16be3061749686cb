/** Frequent itemsets beside Borgelt's programs (module fim) and mlxtend, as far as this machine has them. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { closeExecutors, frequentItemsets, MINING_ALGORITHMS } from "../../dist/index.js";
import { median, seconds, table } from "../tools.mjs";
import { mushroomLike, retailLike } from "./data.mjs";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "7" },
    threads: { type: "string", default: "1,2" },
    algorithms: { type: "string", default: "auto,fp-growth,eclat" },
    only: { type: "string", default: "" },
    python: { type: "string", default: "python3" },
    mlxtend: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(
    `node bench/mining/mining.mjs [--runs 7] [--threads 1,2] [--algorithms ${MINING_ALGORITHMS.join(",")}] [--only retail] [--mlxtend] [--python python3]`,
  );
  process.exit(0);
}
const CASES = [
  { name: "retail-like", make: retailLike, shares: [0.0005, 0.0001] },
  { name: "mushroom-like", make: mushroomLike, shares: [0.1, 0.07] },
];
const folder = fileURLToPath(new URL("../../build/bench/", import.meta.url));
mkdirSync(folder, { recursive: true });
const runs = Number(values.runs);
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");
const threadCounts = values.threads.split(",").map(Number);

function writeBaskets(path, { indptr, items }) {
  const lines = Array.from({ length: indptr.length - 1 }, (_, b) =>
    items.subarray(Number(indptr[b]), Number(indptr[b + 1])).join(" "),
  );
  writeFileSync(path, `${lines.join("\n")}\n`);
}

/** As they would come from a file or an ingest: in shared memory. */
function share(array) {
  const copy = new array.constructor(new SharedArrayBuffer(array.byteLength));
  copy.set(array);
  return copy;
}

async function measureOurs(baskets, minSupport, algorithm) {
  // In turn, so that a machine that is slower for a while is so for all of them.
  const measured = threadCounts.map((threads) => ({ who: `couponcast ${algorithm}`, threads, times: [], sets: 0 }));
  for (let run = 0; run <= runs; run++) {
    for (const one of measured) {
      const begin = performance.now();
      one.sets = (await frequentItemsets(baskets, { minSupport, algorithm, threads: one.threads })).size;
      // The first call makes the threads and is not timed.
      if (run > 0) one.times.push((performance.now() - begin) / 1e3);
    }
  }
  return measured;
}

function measurePeers(path, count) {
  const script = fileURLToPath(new URL("peers.py", import.meta.url));
  const extra = values.mlxtend ? ["--mlxtend"] : [];
  const { stdout } = spawnSync(values.python, [script, path, String(count), String(runs), ...extra], {
    encoding: "utf8",
  });
  const results = (stdout ?? "").split("\n").filter(Boolean).map(JSON.parse);
  for (const { peer, missing } of results) if (missing !== undefined) console.log(`${peer}: ${missing}`);
  return results
    .filter(({ missing }) => missing === undefined)
    .map(({ peer, sets, seconds: times }) => ({ who: peer, threads: 1, times, sets }));
}

/**
 * Sets of items that are in every basket: with any other set they come as its perfect extensions, but Borgelt's module
 * does not report them alone.
 */
function setsInAll({ indptr, items, numItems }) {
  const counts = new Int32Array(numItems);
  for (const item of items) counts[item]++;
  return 2 ** counts.filter((count) => count === indptr.length - 1).length - 1;
}

/** What is compared has to be equal: throws where a peer finds other sets. */
function compareSets(baskets, ours, peers) {
  const unreported = setsInAll(baskets);
  for (const { who, sets } of [...ours, ...peers]) {
    const found = who.startsWith("borgelt") ? sets + unreported : sets;
    if (found !== ours[0].sets) throw new Error(`${who} finds ${found} sets, ${ours[0].who} ${ours[0].sets}`);
  }
  if (unreported > 0 && peers.some(({ who }) => who.startsWith("borgelt")))
    console.log(`(of sets of items that are in all baskets, here ${unreported}, Borgelt's module reports none)\n`);
}

/** Medians and the least, beside one thread of the same, and beside the fastest peer. */
function report(title, ours, peers) {
  const fastest = peers.length === 0 ? Number.NaN : Math.min(...peers.map(({ times }) => median(times)));
  const rows = [...ours, ...peers].map(({ who, threads, times, sets }) => {
    const time = median(times);
    const single = ours.find((one) => one.who === who && one.threads === 1);
    const ratio = (of) => (Number.isNaN(of) ? "–" : (of / time).toFixed(2));
    const besideSingle = single === undefined ? Number.NaN : median(single.times);
    const figures = [threads, sets, seconds(time), seconds(Math.min(...times)), ratio(besideSingle), ratio(fastest)];
    return [who, ...figures.map(String)];
  });
  const header = [title, "threads", "sets", "median", "least", "times one thread", "times the fastest peer"];
  console.log(`${table(header, rows)}\n`);
}

for (const { name, make, shares } of CASES.filter((one) => one.name.includes(values.only))) {
  const made = make();
  const baskets = { ...made, indptr: share(made.indptr), items: share(made.items) };
  const path = `${folder}${name}.baskets`;
  writeBaskets(path, made);
  // What is left of making them is not to be collected while the miners run.
  collectGarbage();
  for (const minSupport of shares) {
    const ours = [];
    for (const algorithm of values.algorithms.split(","))
      ours.push(...(await measureOurs(baskets, minSupport, algorithm)));
    const count = Math.ceil(minSupport * (made.indptr.length - 1));
    const peers = measurePeers(path, count);
    report(`${name}, ${Number((100 * minSupport).toPrecision(6))} %`, ours, peers);
    compareSets(made, ours, peers);
  }
}
await closeExecutors();
