import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/matrix.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = temporaryFolder();

const bench = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, ["bench/bench.mjs", ...args], { cwd: root })).stdout;

// Not for its times: that it runs, and that the peer of every test machine agrees with every score.
it("the benchmark runs, and scipy's results are ours", async () => {
  const options = ["--size", "tiny", "--runs", "1", "--threads", "1", "--weights", "real", "--peers", "scipy"];
  const stdout = await bench(...options, "--only", "node,peers", "--out", folder);
  expect(stdout).toMatch(/\| work \(tiny\) \| weights \| threads \| couponcast \| scipy \|/);
  const read = (part: string) => JSON.parse(readFileSync(join(folder, `tiny-${part}.json`), "utf8"));
  const { rows } = read("peers");
  expect(rows).toHaveLength(10);
  for (const row of rows) {
    expect(row.peakMB, row.work).toBeGreaterThan(1);
    // Of one user at a time there is nothing in scipy.
    if (row.latency === undefined) expect(row.peers.scipy, row.work).toMatchObject({ same: true });
    else expect(row.latency.p99).toBeGreaterThan(0);
  }
  const { scripts } = read("node");
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(["boundary", "open", "latency", "event-loop"]));
  for (const { columns, rows: cells } of Object.values<{ columns: string[]; rows: unknown[][] }>(scripts)) {
    expect(cells.length).toBeGreaterThan(1);
    for (const row of cells) expect(row).toHaveLength(columns.length);
  }
  const report = readFileSync(join(folder, "tiny.md"), "utf8");
  for (const heading of ["# Benchmarks, size tiny", "## node: ", "## peers: "]) expect(report).toContain(heading);
}, 120_000);

it("the benchmark explains its parts, and refuses what it does not know", async () => {
  const help = await bench("--help");
  for (const part of ["native", "node", "cli", "peers"]) expect(help).toMatch(new RegExp(`^\\| ${part} \\|`, "m"));
  await expect(bench("--only", "nothing")).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("no part"),
  });
});
