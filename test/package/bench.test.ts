import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/matrix.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = temporaryFolder();

// Not for its times: that it runs, and that the peer of every test machine agrees with every score.
it("the benchmark runs, and scipy's results are ours", async () => {
  const args = ["bench/bench.mjs", "--size", "tiny", "--runs", "1", "--threads", "1", "--out", folder];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  expect(stdout).toMatch(/\| work \(tiny\) \| threads \| couponcast \| scipy \|/);
  const { rows } = JSON.parse(readFileSync(join(folder, "tiny.json"), "utf8"));
  expect(rows).toHaveLength(4);
  for (const row of rows) expect(row.peers.scipy, row.work).toMatchObject({ same: true });
});
