/** Mines one basket of 600 items, far more sets than are let through, and prints how that ends and the most memory it took. */
import { pathToFileURL } from "node:url";

const [dist, algorithm] = process.argv.slice(2);
const { frequentItemsets } = await import(new URL("index.js", pathToFileURL(dist)).href);
const items = Int32Array.from({ length: 600 }, (_, i) => i);
const baskets = { indptr: BigInt64Array.of(0n, 600n), items, numItems: 600 };
const code = await frequentItemsets(baskets, { minCount: 1, algorithm, maxItemsets: 1_000_000, threads: 2 }).then(
  () => "found",
  (thrown) => thrown.code,
);
console.log(JSON.stringify({ code, megabytes: process.resourceUsage().maxRSS / 1024 }));
