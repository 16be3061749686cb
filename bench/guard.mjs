#!/usr/bin/env node
/** npm run bench:guard: instructions of the kernels on small inputs, counted by callgrind, beside the committed ones. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { INSTALL, isInstalled, mustRun, ROOT, run, say, table } from "./tools.mjs";

const USAGE = `npm run bench:guard -- [--update] [--only text] [--help]

Counts the instructions that each kernel executes on a small generated input, with valgrind's callgrind, and compares
them with bench/guard.json. Not a timed test: the same program gives the same counts on every machine, since the input is
seeded and the SIMD target fixed. Some minutes with the build.

A kernel whose count has risen by more than 2 % is an error (exit code 1); when it fell, and should stay there, commit the
new figures. Another compiler, C library or Highway counts otherwise for no fault of the code (GCC and Clang differ by up to
a third): then only 35 % is an error, and that is said.

  --update     writes bench/guard.json; commit it with the change that explains it
  --only text  cases with the text in their name; does not go with --update

Exit codes: 0 within the tolerance, 1 risen or a wrong result, 2 nothing to compare (valgrind missing, another processor).`;

const TOLERANCE = 0.02;
const OTHER_TOOLS_TOLERANCE = 0.35;
const FIGURES = join(ROOT, "bench", "guard.json");
const PROGRAM = "build/bench-native/couponcast_guard";
const OUTPUTS = "build/guard";
/** All that counts depend on besides the code. */
const TOOLS = ["target", "compiler", "highway", "libc"];
/** The dynamic linker resolves everything at the start; nothing of the user's environment shifts the stack. */
const ENVIRONMENT = { LC_ALL: "C", LD_BIND_NOW: "1", PATH: process.env.PATH };

class NothingToCompare extends Error {}

async function count(name) {
  const output = `${OUTPUTS}/${name.replaceAll("/", "-")}.callgrind`;
  const options = ["--tool=callgrind", "--toggle-collect=couponcast_guard_measured", `--callgrind-out-file=${output}`];
  const { code, stderr } = await run("valgrind", ["--quiet", ...options, PROGRAM, name], { env: ENVIRONMENT });
  if (code === 3) throw new NothingToCompare(stderr.trim());
  if (code !== 0) throw new Error(`${name}: exit code ${code}\n${stderr.trim()}`);
  const [, total] = /^summary: (\d+)$/m.exec(readFileSync(join(ROOT, output), "utf8")) ?? [];
  if (!(Number(total) > 0)) throw new Error(`${name}: callgrind counted nothing`);
  return Number(total);
}

function readFigures() {
  try {
    return JSON.parse(readFileSync(FIGURES, "utf8"));
  } catch (error) {
    throw new NothingToCompare(`bench/guard.json cannot be read (${error.message}); --update writes it`);
  }
}

const shown = (number) => (number === undefined ? "" : number.toLocaleString("en"));

function verdict(change, tolerance) {
  if (change > tolerance) return "RISEN";
  if (change < -TOLERANCE) return "fallen";
  return "";
}

async function main({ update, only }) {
  if (process.arch !== "x64") throw new NothingToCompare(`the figures are of x64 processors, this is ${process.arch}`);
  if (!isInstalled("valgrind")) throw new NothingToCompare(`valgrind is not installed; ${INSTALL}`);
  const recorded = update ? undefined : readFigures();
  say("building build/bench-native");
  await mustRun("bash", ["scripts/build-bench.sh"]);
  mkdirSync(join(ROOT, OUTPUTS), { recursive: true });
  const { cases, ...tools } = JSON.parse((await mustRun(PROGRAM, ["--list"])).stdout);
  const instructions = {};
  for (const name of cases.filter((one) => one.includes(only))) {
    say(`counting ${name}`);
    instructions[name] = await count(name);
  }
  if (update) {
    writeFileSync(FIGURES, `${JSON.stringify({ ...tools, instructions }, null, 2)}\n`);
    console.log(
      table(
        ["kernel", "instructions"],
        Object.entries(instructions).map(([name, n]) => [name, shown(n)]),
      ),
    );
    say("written to bench/guard.json");
    return 0;
  }

  const others = TOOLS.filter((name) => tools[name] !== recorded[name]);
  const tolerance = others.length > 0 ? OTHER_TOOLS_TOLERANCE : TOLERANCE;
  for (const name of others) say(`${name}: recorded with ${recorded[name]}, this is ${tools[name]}`);
  if (others.length > 0) say(`so only a rise of more than ${tolerance * 100} % is an error`);
  const gone = Object.keys(recorded.instructions).filter((name) => name.includes(only) && !cases.includes(name));
  const rows = [];
  for (const [name, now] of Object.entries(instructions)) {
    const before = recorded.instructions[name];
    const change = before === undefined ? 0 : now / before - 1;
    const note = before === undefined ? "new" : verdict(change, tolerance);
    rows.push([name, shown(before), shown(now), before === undefined ? "" : `${(change * 100).toFixed(2)} %`, note]);
  }
  for (const name of gone) rows.push([name, shown(recorded.instructions[name]), "", "", "GONE"]);
  console.log(table(["kernel", "recorded", "instructions", "change", ""], rows));
  const having = (note) => rows.filter((row) => row.at(-1) === note).map(([name]) => name);
  for (const name of having("RISEN"))
    say(`${name}: where, says callgrind_annotate ${OUTPUTS}/${name.replaceAll("/", "-")}.callgrind`);
  const changed = [...having("fallen"), ...having("new")];
  if (changed.length > 0)
    say(`not as recorded: ${changed.join(", ")}; if that is meant: npm run bench:guard -- --update`);
  if (gone.length > 0) say(`no longer counted: ${gone.join(", ")}; if that is meant: npm run bench:guard -- --update`);
  return having("RISEN").length > 0 || gone.length > 0 ? 1 : 0;
}

let options;
try {
  ({ values: options } = parseArgs({
    options: {
      update: { type: "boolean", default: false },
      only: { type: "string", default: "" },
      help: { type: "boolean", default: false },
    },
  }));
  if (options.update && options.only !== "") throw new Error("--update writes all cases: it does not go with --only");
} catch (error) {
  say(`${error.message}\n(--help explains)`);
  process.exit(2);
}
if (options.help) {
  console.log(USAGE);
} else {
  try {
    process.exitCode = await main(options);
  } catch (error) {
    say(error.message);
    process.exitCode = error instanceof NothingToCompare ? 2 : 1;
  }
}
