import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const pages = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" }).trim().split("\n");

/** The text without code, where brackets mean something else. */
function prose(page: string): string {
  return readFileSync(join(root, page), "utf8")
    .replace(/^```[\s\S]*?^```/gm, "")
    .replace(/`[^`\n]*`/g, "");
}

/** What a heading is called in a link, as GitHub does it. */
function anchors(page: string): string[] {
  return [...prose(page).matchAll(/^#+ +(.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

it.each(pages)("links of %s lead somewhere", (page) => {
  const dead: string[] = [];
  for (const [, target] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target!)) continue;
    const [path, anchor] = target!.split("#") as [string, string | undefined];
    const file = path === "" ? page : join(dirname(page), path);
    if (!existsSync(join(root, file)) || (anchor !== undefined && !anchors(file).includes(anchor))) dead.push(target!);
  }
  expect(dead).toEqual([]);
});

it.each(pages)("files that %s names are there", (page) => {
  const text = readFileSync(join(root, page), "utf8");
  const named = text.matchAll(/`((?:src|test|native|bindings|bench|docs|scripts|examples)\/[\w./-]+)`/g);
  const isThere = (path: string) => [".", dirname(page), "native"].some((from) => existsSync(join(root, from, path)));
  expect([...named].map(([, path]) => path!).filter((path) => !isThere(path))).toEqual([]);
});
