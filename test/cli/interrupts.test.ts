/** Whoever asks a command to stop gets a word about it, no output, and nothing left lying about. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { OUTPUT_FILES } from "../../src/run/workspace.js";
import { type CliResult, cliJson, scratchFolder, startCli } from "./run-cli.js";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);
const SIGNALS = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const;

beforeAll(async () => {
  const size = ["--users", "6000", "--items", "400", "--events", "120000", "--coupons", "12", "--seed", "3"];
  await cliJson(["synth", ...size, "-o", at("shop")]);
  await cliJson(["ingest", at("shop/events/*.csv"), "-o", at("matrix.safetensors")]);
});

/** Starts a command and sends it a signal as soon as `isReady`. */
async function interrupted(args: string[], signal: NodeJS.Signals, isReady: () => boolean): Promise<CliResult> {
  const { process: child, ended } = startCli(args);
  const watch = setInterval(() => {
    if (isReady()) {
      clearInterval(watch);
      child.kill(signal);
    }
  }, 5);
  try {
    return await ended;
  } finally {
    clearInterval(watch);
  }
}

const hasPartial = () => readdirSync(folder).some((name) => name.includes(".partial-"));

describe.each(SIGNALS)("%s", (signal, code) => {
  it.each([
    ["ingest", ["ingest", "shop/events/*.csv"], "out.safetensors"],
    ["similar to a table", ["similar", "matrix.safetensors", "--axis", "users", "-k", "200"], "out.csv"],
    ["similar to a model", ["similar", "matrix.safetensors", "--axis", "users", "-k", "200"], "out.safetensors"],
  ])("stops %s", async (_, [command, input, ...options], out) => {
    const before = readdirSync(folder).sort();
    const args = [command!, at(input!), ...options, "-o", at(out)];
    const result = await interrupted(args, signal, hasPartial);
    expect([result.code, result.stdout]).toEqual([code, ""]);
    expect(result.stderr).toMatch(/^couponcast: cancelled\nhint: Nothing was written[^\n]+\n$/);
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  it("stops run, and the same command continues and ends well", async () => {
    const out = at(`run-${signal}`);
    const work = at(`.run-${signal}.couponcast`);
    const args = ["run", at("shop/campaign.yaml"), "--out", out];
    const finished = () => (existsSync(work) ? readdirSync(work) : []);
    // Once ingest is done, whose stage is the first that is kept.
    const result = await interrupted(args, signal, () => finished().some((name) => name.startsWith("ingest-")));
    expect(result.code).toBe(code);
    expect(result.stdout).toBe("");
    expect(result.stderr).toMatch(/^couponcast: cancelled\nhint: The same command continues [^\n]+\n$/);
    expect(existsSync(out)).toBe(false);
    expect(finished().filter((name) => name.startsWith("tmp-"))).toEqual([]);

    const { run } = await cliJson(args);
    expect(run.timings.stages.ingest.reused).toBe(true);
    expect(readdirSync(out).sort()).toEqual([...OUTPUT_FILES].sort());
  });
});
