#!/usr/bin/env node
/** npm run bench: all parts that this machine can run. See README.md. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import * as cli from "./cli/part.mjs";
import * as native from "./native/part.mjs";
import * as node from "./node/part.mjs";
import * as peers from "./peers/part.mjs";
import { PEERS } from "./peers.mjs";
import { ROOT, requireBuild, SIZE_NAMES, say, table, WEIGHTS } from "./tools.mjs";

const PARTS = { native, node, cli, peers };

async function usage() {
  const rows = [];
  for (const [name, part] of Object.entries(PARTS))
    rows.push([name, part.title, ...SIZE_NAMES.map((size) => part.lasts[size]), (await part.missing()) ?? "runs"]);
  return `npm run bench -- [options]

Builds what is not up to date, measures and writes bench/runs/<date>-<cpu>/<size>.md, and for each part the raw
figures as <size>-<part>.json. A part that this machine cannot run is left out, and the reason is said.

${table(["part", "what it measures", ...SIZE_NAMES, "here"], rows, { figures: false })}

  --size <name>      ${SIZE_NAMES.join(", ")}; default small
  --only <parts>     e.g. native,node; default all
  --filter <text>    of native and peers only what has the text in its name
  --threads <list>   of peers and node (its largest); default 1,2 where there are two processors
  --runs <count>     how often each thing is timed; default 5
  --python <path>    interpreter of the peers; default /usr/bin/python3
  --peers <names>    e.g. implicit,similaripy; none: ours alone; default all
  --weights <list>   of peers: real, counts (small whole numbers); default both
  --out <folder>     instead of bench/runs/<date>-<cpu>
  --help             this text

Exit codes: 0 done, 1 a part failed, a result was wrong or nothing could be measured, 2 wrong arguments.
Instruction counts instead of times, compared with committed ones: npm run bench:guard`;
}

function parse() {
  const { values } = parseArgs({
    options: {
      size: { type: "string", default: "small" },
      only: { type: "string", default: Object.keys(PARTS).join(",") },
      filter: { type: "string", default: "" },
      threads: { type: "string", default: availableParallelism() > 1 ? "1,2" : "1" },
      runs: { type: "string", default: "5" },
      python: { type: "string", default: "/usr/bin/python3" },
      peers: { type: "string" },
      weights: { type: "string", default: WEIGHTS.join(",") },
      out: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const options = {
    ...values,
    only: values.only.split(","),
    peers: values.peers === "none" ? [] : values.peers?.split(","),
    weights: values.weights.split(","),
    threads: values.threads.split(",").map(Number),
    runs: Number(values.runs),
  };
  const stranger = options.only.find((name) => !(name in PARTS));
  if (stranger !== undefined) throw new Error(`no part ${stranger}; there are ${Object.keys(PARTS).join(", ")}`);
  const unknown = options.peers?.find((name) => !PEERS.includes(name));
  if (unknown !== undefined) throw new Error(`no peer ${unknown}; there are ${PEERS.join(", ")}`);
  const weights = options.weights.find((name) => !WEIGHTS.includes(name));
  if (weights !== undefined) throw new Error(`no weights ${weights}; there are ${WEIGHTS.join(", ")}`);
  if (!SIZE_NAMES.includes(options.size))
    throw new Error(`no size ${options.size}; there are ${SIZE_NAMES.join(", ")}`);
  const isCount = (n) => Number.isInteger(n) && n >= 1;
  if (!options.threads.every(isCount) || !isCount(options.runs))
    throw new Error("--threads and --runs need whole numbers");
  return options;
}

/** What a figure depends on besides the code: goes into every JSON file. */
async function circumstances(size) {
  const { coreVersion, simdTargets } = await import("../dist/index.js");
  const { SIZES } = await import("./data.mjs");
  const machine = {
    cpu: cpus()[0].model.trim(),
    processors: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
  return { couponcast: coreVersion(), simd: simdTargets()[0], machine, size, shape: SIZES[size] };
}

/** One document of all parts that were measured in this folder, also by an earlier call. */
function report(folder, size) {
  const sections = [];
  for (const [name, part] of Object.entries(PARTS)) {
    const path = join(folder, `${size}-${name}.json`);
    if (!existsSync(path)) continue;
    const raw = JSON.parse(readFileSync(path, "utf8"));
    const { couponcast, simd, machine } = raw;
    const on = `${raw.measuredAt}, couponcast ${couponcast} (${simd}), ${machine.processors} x ${machine.cpu}, Node ${machine.node}`;
    sections.push(`## ${name}: ${part.title}\n\n${on}\n\n${part.markdown(raw)}`);
  }
  return `# Benchmarks, size ${size}\n\n${sections.join("\n\n")}\n`;
}

async function main(options) {
  const common = await circumstances(options.size);
  const day = new Date().toISOString().slice(0, 10);
  const cpu = common.machine.cpu
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  const folder = options.out ?? join(ROOT, "bench", "runs", `${day}-${cpu}`);
  mkdirSync(folder, { recursive: true });
  const leftOut = [];
  let measured = 0;
  let failed = false;
  for (const [name, part] of Object.entries(PARTS)) {
    if (!options.only.includes(name)) continue;
    const missing = await part.missing();
    if (missing !== undefined) {
      leftOut.push(`left out: ${name}: ${missing}`);
      continue;
    }
    say(`\n== ${name}: ${part.title}`);
    try {
      const measuredNow = {
        part: name,
        measuredAt: new Date().toISOString(),
        ...common,
        ...(await part.measure(options)),
      };
      const path = join(folder, `${options.size}-${name}.json`);
      const earlier = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
      const raw = earlier !== undefined && part.merge !== undefined ? part.merge(earlier, measuredNow) : measuredNow;
      writeFileSync(path, `${JSON.stringify(raw, null, 2)}\n`);
      measured++;
      console.log(`\n## ${name}: ${part.title}\n\n${part.markdown(raw)}\n`);
      for (const text of part.complaints?.(raw) ?? []) {
        failed = true;
        say(`${name}: ${text}`);
      }
    } catch (error) {
      failed = true;
      say(`${name} failed: ${error.message}`);
    }
  }
  for (const text of leftOut) say(text);
  if (measured > 0) {
    writeFileSync(join(folder, `${options.size}.md`), report(folder, options.size));
    say(`written to ${relative(process.cwd(), folder) || "."}`);
  }
  return failed || measured === 0 ? 1 : 0;
}

let options;
try {
  options = parse();
} catch (error) {
  say(`${error.message}\n(--help explains)`);
  process.exit(2);
}
if (options.help) {
  console.log(await usage());
} else {
  requireBuild();
  process.exitCode = await main(options);
}
