/** Kernels on every SIMD target, beside what the machine can do: runs couponcast_bench. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { INSTALL, isInstalled, median, mustRun, ROOT, run, say, table } from "../tools.mjs";

export const title = "kernels on every SIMD target, with the share of the machine's limit that they reach";
export const lasts = { tiny: "15 s", small: "2 min", large: "20 min" };

const PROGRAM = "build/bench-native/couponcast_bench";
const OUTPUT = "build/bench/native.json";
const MIN_TIME = { tiny: "0.02s", small: "0.2s", large: "0.5s" };
const LIMIT = "limit: ";
const UNITS = ["madds", "flops", "cells", "bytes"];
/** Names of Highway's targets begin so. */
const SIMD = /^(SSE|SSSE|AVX|NEON|SVE|EMU)/;

/** Asks the compiler, which is what will look for it. */
export async function missing() {
  for (const command of ["c++", "cmake", "ninja"])
    if (!isInstalled(command)) return `${command} is not installed; ${INSTALL}`;
  const { code } = await run("c++", ["-E", "-x", "c++", "-include", "benchmark/benchmark.h", "/dev/null"]);
  return code === 0 ? undefined : `google-benchmark (libbenchmark-dev) is not installed; ${INSTALL}`;
}

export async function measure({ size, runs, filter }) {
  say("building build/bench-native");
  await mustRun("bash", ["scripts/build-bench.sh"]);
  mkdirSync(join(ROOT, "build/bench"), { recursive: true });
  const result = await run(
    PROGRAM,
    [
      `--size=${size}`,
      `--benchmark_filter=${filter === "" ? "." : filter.replace(/[^\w/]/g, "\\$&")}`,
      `--benchmark_repetitions=${runs}`,
      `--benchmark_min_time=${MIN_TIME[size]}`,
      ...(runs > 1 ? ["--benchmark_display_aggregates_only=true"] : []),
      "--benchmark_out_format=json",
      `--benchmark_out=${OUTPUT}`,
    ],
    { show: true },
  );
  if (/no benchmarks|Failed to match/.test(result.stderr)) return { runs, context: {}, kernels: [] };
  if (result.code !== 0) throw new Error(`a kernel's result is wrong, see above (exit code ${result.code})`);
  const { context, benchmarks } = JSON.parse(readFileSync(join(ROOT, OUTPUT), "utf8"));
  return { runs, ...digest(context, benchmarks) };
}

/** What google-benchmark measured, without the names of the machine and with the runs of a benchmark side by side. */
function digest({ host_name, executable, ...context }, benchmarks) {
  const kernels = new Map();
  for (const one of benchmarks.filter(({ run_type }) => run_type === "iteration")) {
    const parts = one.run_name.split("/");
    const target = SIMD.test(parts.at(-1)) ? parts.pop() : undefined;
    const unit = UNITS.find((name) => name in one);
    const kernel = kernels.get(one.run_name) ?? {
      kernel: parts.join("/"),
      target,
      unit,
      limit: one.label.slice("of ".length),
    };
    for (const [name, value] of Object.entries({ milliseconds: one.cpu_time, perSecond: one[unit], share: one.share }))
      kernel[name] = [...(kernel[name] ?? []), value];
    kernels.set(one.run_name, kernel);
  }
  return { context, kernels: [...kernels.values()] };
}

const words = (text) => text.replace(/ +/g, " ").replace("( ", "(");

export function markdown({ runs, context, kernels }) {
  if (kernels.length === 0) return "No kernel has such a name.";
  const targets = [...new Set(kernels.flatMap(({ target }) => target ?? []))];
  const rows = [...new Set(kernels.map(({ kernel }) => kernel))].map((name) => {
    const own = kernels.filter(({ kernel }) => kernel === name);
    const cell = (target) => {
      const one = own.find((other) => other.target === target);
      return one && `${(median(one.perSecond) / 1e9).toFixed(2)} (${Math.round(median(one.share) * 100)} %)`;
    };
    const cells = targets.map((target, i) => cell(target) ?? (i === 0 ? cell(undefined) : undefined) ?? "");
    return [name, `G ${own[0].unit}/s`, ...cells, words(own[0].limit)];
  });
  const limits = Object.entries(context)
    .filter(([name]) => name.startsWith(LIMIT))
    .map(([name, figure]) => ({ name: name.slice(LIMIT.length), figure }));
  const ofTarget = ({ name }) => SIMD.test(name.split(" ")[0]);
  const arithmetic = [...new Set(limits.filter(ofTarget).map(({ name }) => name.slice(name.indexOf(" ") + 1)))];
  return [
    `One thread, medians of ${runs} runs, in processor time; in brackets the share of the limit. A kernel without SIMD code of`,
    "its own stands in the first column; the limit named is that of the first column.\n",
    table(["kernel", "", ...targets, "limit"], rows),
    "\nLimits, the best of several passes before:\n",
    table(
      ["arithmetic", ...targets],
      arithmetic.map((what) => [
        what,
        ...targets.map((target) => limits.find(({ name }) => name === `${target} ${what}`)?.figure),
      ]),
    ),
    "",
    table(
      ["memory", ""],
      limits.filter((limit) => !ofTarget(limit)).map(({ name, figure }) => [words(name), figure]),
    ),
  ].join("\n");
}
