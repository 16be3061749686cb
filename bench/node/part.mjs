/** The scripts of this folder, each in a process of its own. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun, ROOT, say } from "../tools.mjs";
import { shown } from "./script.mjs";

export const title =
  "the boundary between JavaScript and the core, opening, one user at a time, and the event loop under load";
export const lasts = { tiny: "10 s", small: "1 min", large: "10 min" };
export const missing = () => undefined;

const SCRIPTS = ["boundary", "open", "latency", "event-loop"];

export async function measure({ size, threads }) {
  const output = "build/bench/node.json";
  mkdirSync(join(ROOT, "build/bench"), { recursive: true });
  const scripts = {};
  for (const name of SCRIPTS) {
    say(`bench/node/${name}.mjs`);
    const options = ["--size", size, "--threads", String(Math.max(...threads)), "--json", output];
    await mustRun(process.execPath, [`bench/node/${name}.mjs`, ...options]);
    scripts[name] = JSON.parse(readFileSync(join(ROOT, output), "utf8"));
  }
  return { scripts };
}

export function markdown({ scripts }) {
  return Object.values(scripts).map(shown).join("\n\n");
}
