/** Whole commands, timed by hyperfine. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { INSTALL, isInstalled, mustRun, ROOT, say, table } from "../tools.mjs";

export const title = "whole commands, from start to exit, with files read and written";
export const lasts = { tiny: "30 s", small: "8 min", large: "1 h" };
export const missing = () => (isInstalled("hyperfine") ? undefined : `hyperfine is not installed; ${INSTALL}`);

const SHOPS = {
  tiny: { users: 2_000, items: 500, events: 40_000, coupons: 12 },
  small: { users: 100_000, items: 20_000, events: 5_000_000, coupons: 50 },
  large: { users: 1_000_000, items: 100_000, events: 50_000_000, coupons: 50 },
};
const COUPONCAST = ["node", "dist/cli/main.js"];

const synth = (size, folder) => [
  ...["synth", "--quiet", "--seed", "1", "--out", folder],
  ...Object.entries(SHOPS[size]).flatMap(([name, count]) => [`--${name}`, String(count)]),
];

/** Each: its name, what hyperfine runs, and the files that must not be there when it starts. */
function commandsOf(size, folder) {
  const matrix = `${folder}/matrix.safetensors`;
  const campaign = `${folder}/shop/campaign.yaml`;
  const result = [`${folder}/result`, `${folder}/.result.couponcast`];
  return [
    { name: "start and end (--version)", args: ["--version"] },
    { name: "synth", args: synth(size, `${folder}/synth`), fresh: [`${folder}/synth`] },
    { name: "ingest", args: ["ingest", `${folder}/shop/events/*.csv`, "--quiet", "--out", matrix] },
    {
      name: "similar, items, 20 neighbours",
      args: ["similar", matrix, "--axis", "items", "-k", "20", "--quiet", "--out", `${folder}/similar.parquet`],
    },
    {
      name: "recommend, 10 items for each user",
      args: ["recommend", matrix, "-n", "10", "--quiet", "--out", `${folder}/recommended.parquet`],
    },
    { name: "run", args: ["run", campaign, "--quiet", "--out", result[0]], fresh: result },
    { name: "run, up to date", args: ["run", campaign, "--quiet", "--out", result[0]] },
  ];
}

const quoted = (args) => args.map((word) => (/^[\w./=-]+$/.test(word) ? word : `'${word}'`)).join(" ");

export async function measure({ size, runs }) {
  const folder = `build/bench/cli-${size}`;
  const output = `${folder}/hyperfine.json`;
  mkdirSync(join(ROOT, folder), { recursive: true });
  if (!existsSync(join(ROOT, folder, "shop", "campaign.yaml"))) {
    say(`making ${folder}/shop`);
    rmSync(join(ROOT, folder, "shop"), { recursive: true, force: true });
    const [command, script] = COUPONCAST;
    await mustRun(command, [script, ...synth(size, `${folder}/shop`)]);
  }
  const results = [];
  for (const { name, args, fresh = [] } of commandsOf(size, folder)) {
    const prepare = fresh.length > 0 ? ["--prepare", quoted(["rm", "-rf", ...fresh])] : [];
    const counts = ["--warmup", "1", "--runs", String(Math.max(runs, 2))];
    const how = ["-N", "--style", "basic", "--command-name", name, "--export-json", output];
    await mustRun("hyperfine", [...how, ...counts, ...prepare, quoted([...COUPONCAST, ...args])], { show: true });
    const [result] = JSON.parse(readFileSync(join(ROOT, output), "utf8")).results;
    results.push({ ...result, command: name, arguments: args });
  }
  return { shop: SHOPS[size], runs: Math.max(runs, 2), results };
}

export function markdown({ shop, runs, results }) {
  const { users, items, events, coupons } = shop;
  const count = (n) => n.toLocaleString("en");
  const rows = results.map(({ command, median, min, max, user, system }) => [
    command,
    ...[median, min, max, user + system].map((value) => `${value.toFixed(3)} s`),
  ]);
  return [
    `A generated shop: ${count(users)} users, ${count(items)} items, ${count(events)} events, ${coupons} coupons. ${runs} runs after one`,
    "that warms up; all processors.\n",
    table(["command", "median", "min", "max", "processor time"], rows),
  ].join("\n");
}
