import { readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { CouponcastError, invalidArgument, toCouponcastError } from "../errors.js";

function wildcard(pattern: string): RegExp {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "su");
}

/**
 * The catalogue files that a campaign names, absolute: each name relative to baseDir; `*` and `?` in its last part
 * match names in that folder, in ascending order of their code units, hidden files left out. No file comes twice.
 *
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT for a wildcard in a folder's name, or one that matches nothing;
 * ERR_COUPONCAST_IO for a folder that cannot be read.
 */
export async function expandFiles(names: readonly string[], baseDir: string): Promise<string[]> {
  const found = new Set<string>();
  for (const name of names) {
    const path = resolve(baseDir, name);
    if (!/[*?]/.test(name)) {
      found.add(path);
      continue;
    }
    if (/[*?]/.test(dirname(name))) {
      throw invalidArgument(`${name}: expected * and ? only in the file's name, not in a folder's`, { file: name });
    }
    const folder = dirname(path);
    const pattern = wildcard(basename(path));
    const entries = await readFolder(folder, name);
    const matches = entries.filter((entry) => pattern.test(entry) && !entry.startsWith(".")).sort();
    if (matches.length === 0) {
      throw new CouponcastError("ERR_COUPONCAST_IO", `${name}: no file in ${folder} matches`, { file: name });
    }
    for (const match of matches) found.add(join(folder, match));
  }
  return [...found];
}

async function readFolder(folder: string, name: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  } catch (thrown) {
    const error = toCouponcastError(thrown);
    throw new CouponcastError(error.code, `${name}: ${error.message}`, { file: name, cause: thrown });
  }
}
