/** What the parts of the benchmark share. */
import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../", import.meta.url));
export const SIZE_NAMES = ["tiny", "small", "large"];
/** Of the cells of a matrix: data.mjs says what they are. */
export const WEIGHTS = ["real", "counts"];
export const INSTALL = "install it with: bash scripts/setup-system.sh bench";

export const say = (text) => process.stderr.write(`${text}\n`);

/** What is measured is what is shipped: ends the process if there is none. */
export function requireBuild() {
  if (existsSync(join(ROOT, "dist", "index.js"))) return;
  say("there is no build in dist/: npm run build");
  process.exit(1);
}

export const median = (list) => {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Of an ascending list, the value that so large a share of it is below. */
export const percentile = (sorted, share) => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)];

/**
 * Peak resident memory of this process in MB. Not getrusage where there is better: what the parent held when it started
 * this process counts there.
 */
export function peakMB() {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}

/** A Markdown table; the first column is text, the others may be right-aligned figures. */
export function table(header, rows, { figures = true } = {}) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const rule = `|${header.map((_, i) => (i > 0 && figures ? "---:|" : "---|")).join("")}`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}

export function seconds(value) {
  if (value >= 1) return `${value.toFixed(3)} s`;
  if (value >= 1e-3) return `${(value * 1e3).toFixed(value >= 0.1 ? 0 : 2)} ms`;
  return `${(value * 1e6).toFixed(2)} µs`;
}

export function isInstalled(command) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Runs a program in the root of the checkout, so that its arguments can be relative. Resolves to
 * { code, stdout, stderr }; with `show`, what it prints is passed on to stderr as it comes.
 */
export function run(command, args, { show = false, env = process.env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    const text = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) {
      child[name].setEncoding("utf8").on("data", (piece) => {
        text[name] += piece;
        if (show) process.stderr.write(piece);
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...text }));
  });
}

/** As `run`, but anything other than exit code 0 is an error, which holds the end of what it said. */
export async function mustRun(command, args, options) {
  const result = await run(command, args, options);
  if (result.code === 0) return result;
  const said = `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-15).join("\n");
  throw new Error(`${command} ${args.join(" ")}: exit code ${result.code}\n${said}`);
}
