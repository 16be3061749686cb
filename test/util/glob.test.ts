import { mkdirSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { resolveFiles, segmentMatcher } from "../../src/util/glob.js";
import { scratch, write } from "../ingest/harness.js";

describe("globs", () => {
  it.each([
    ["*.csv", "a.csv", true],
    ["*.csv", "a.csv.gz", false],
    ["a?c", "abc", true],
    ["a?c", "a😀c", true],
    ["a?c", "ac", false],
    ["[a-c]x", "bx", true],
    ["[!a-c]x", "bx", false],
    ["[!a-c]x", "dx", true],
    ["[]]", "]", true],
    ["[a", "[a", true],
    ["a.c", "abc", false],
    ["**", "abc", true],
    ["", "", true],
  ])("%s against %s", (pattern, name, expected) => {
    expect(segmentMatcher(pattern)(name)).toBe(expected);
  });

  it("takes linear time on patterns that explode regular expressions", () => {
    expect(segmentMatcher(`${"*a".repeat(100)}b`)("a".repeat(2000))).toBe(false);
  });

  it("finds files in order, not folders, not hidden ones", async () => {
    const base = join(scratch(), "base [1]");
    mkdirSync(join(base, "b", "c"), { recursive: true });
    mkdirSync(join(base, ".h"));
    mkdirSync(join(base, "dir.csv"));
    for (const name of ["b/2.csv", "b/c/3.csv", "1.csv", ".x.csv", ".h/4.csv", "5.txt"]) write(base, name, "");
    symlinkSync(join(base, "5.txt"), join(base, "link.csv"));
    const find = async (pattern: string) => (await resolveFiles(pattern, base)).map((p) => relative(base, p));
    expect(await find("*.csv")).toEqual(["1.csv", "link.csv"]);
    expect(await find("**/*.csv")).toEqual(["1.csv", "b/2.csv", "b/c/3.csv", "link.csv"]);
    expect(await find("*/?.csv")).toEqual(["b/2.csv"]);
    // Absolute, through a folder whose name looks like a pattern.
    expect(await find(join(base, "b", "*.csv"))).toEqual(["b/2.csv"]);
    await expect(find("*.parquet")).rejects.toMatchObject({ code: "ERR_COUPONCAST_IO" });
    await expect(find("b")).rejects.toMatchObject({
      code: "ERR_COUPONCAST_IO",
      hint: expect.stringContaining("*.csv"),
    });
    await expect(find("a\0b")).rejects.toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT" });
  });
});
