import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cli, cliJson, scratchFolder } from "./run-cli.js";

const folder = scratchFolder();
const SIZE = ["--users", "300", "--items", "40", "--events", "3_000", "--coupons", "8"];

function digests(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(dir.length), createHash("sha256").update(readFileSync(path)).digest("hex")];
    }),
  );
}

it("makes what was asked for, the same bytes for the same seed and others for another", async () => {
  const first = join(folder, "first");
  const { events, users } = await cliJson(["synth", ...SIZE, "--seed", "9", "-o", first]);
  expect([events, users]).toEqual([3000, 300]);
  expect(readFileSync(join(first, "users.csv"), "utf8").trim().split("\n")).toHaveLength(301);
  await cliJson(["synth", ...SIZE, "--seed", "9", "--threads", "1", "-o", join(folder, "again")]);
  await cliJson(["synth", ...SIZE, "--seed", "10", "-o", join(folder, "other")]);
  expect(digests(join(folder, "again"))).toEqual(digests(first));
  expect(digests(join(folder, "other"))["/truth.safetensors"]).not.toBe(digests(first)["/truth.safetensors"]);
});

it("leaves a folder that is not empty alone", async () => {
  const before = digests(folder);
  const { code, stdout, stderr } = await cli(["synth", ...SIZE, "-o", folder]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^couponcast: [^\n]*new or empty folder[^\n]*\(--out\)\nhint: [^\n]+\n$/);
  expect(digests(folder)).toEqual(before);
});
