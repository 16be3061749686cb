/** Frequent itemsets beside Borgelt's programs (module fim) and mlxtend, as far as this machine has them. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { closeExecutors, frequentItemsets, MINING_ALGORITHMS } from "../../dist/index.js";
import { mushroomLike, retailLike } from "./data.mjs";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "7" },
    threads: { type: "string", default: "1,2" },
    algorithms: { type: "string", default: "auto,fp-growth,eclat" },
    only: { type: "string", default: "" },
    mlxtend: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(
    `node bench/mining/mining.mjs [--runs 7] [--threads 1,2] [--algorithms ${MINING_ALGORITHMS.join(",")}] [--only retail] [--mlxtend]`,
  );
  process.exit(0);
}
const CASES = [
  { name: "retail-like", make: retailLike, shares: [0.0005, 0.0002] },
  { name: "mushroom-like", make: mushroomLike, shares: [0.2, 0.1] },
];
const folder = fileURLToPath(new URL("../../build/bench/", import.meta.url));
mkdirSync(folder, { recursive: true });
const runs = Number(values.runs);

function print(name, share, who, sets, seconds) {
  const median = seconds[seconds.length >> 1];
  console.log(
    [
      name,
      `${100 * share} %`,
      who,
      sets,
      `${(1e3 * median).toFixed(1)} ms`,
      `min ${(1e3 * seconds[0]).toFixed(1)}`,
    ].join(" | "),
  );
}

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

for (const { name, make, shares } of CASES.filter((one) => one.name.includes(values.only))) {
  const made = make();
  const baskets = { ...made, indptr: share(made.indptr), items: share(made.items) };
  const path = `${folder}${name}.baskets`;
  writeBaskets(path, made);
  for (const minSupport of shares) {
    for (const algorithm of values.algorithms.split(",")) {
      // In turn, so that a machine that is slower for a while is so for all of them.
      const measured = values.threads.split(",").map((threads) => ({ threads: Number(threads), seconds: [], size: 0 }));
      for (let run = 0; run <= runs; run++) {
        for (const one of measured) {
          const begin = performance.now();
          one.size = (await frequentItemsets(baskets, { minSupport, algorithm, threads: one.threads })).size;
          // The first call makes the threads and is not timed.
          if (run > 0) one.seconds.push((performance.now() - begin) / 1e3);
        }
      }
      for (const { threads, seconds, size } of measured) {
        print(
          name,
          minSupport,
          `couponcast ${algorithm}, ${threads} threads`,
          size,
          seconds.sort((a, b) => a - b),
        );
      }
    }
    const count = Math.ceil(minSupport * (made.indptr.length - 1));
    const script = fileURLToPath(new URL("peers.py", import.meta.url));
    const extra = values.mlxtend ? ["--mlxtend"] : [];
    const peers = spawnSync("python3", [script, path, String(count), String(runs), ...extra], { encoding: "utf8" });
    for (const line of (peers.stdout ?? "").split("\n").filter(Boolean)) {
      const { peer, sets, seconds, missing } = JSON.parse(line);
      if (missing === undefined) print(name, minSupport, peer, sets, seconds);
      else console.log([name, peer, missing].join(" | "));
    }
  }
}
await closeExecutors();
