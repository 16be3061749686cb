/**
 * Our own globs. DuckDB would expand patterns too, but then a file really named `sales[1].csv` reads `sales1.csv`,
 * and what may be opened could not be listed before the database is locked down.
 */
import { readdir, stat } from "node:fs/promises";
import { isAbsolute, join, resolve, sep } from "node:path";
import { CouponcastError, invalidArgument } from "../errors.js";
import { nearestName } from "./nearest-name.js";

const MAGIC = /[*?[]/;

/**
 * The files that a path or glob stands for, as absolute paths in ascending order of their UTF-16 code units.
 * `*` and `?` match within one folder, `[abc]` and `[!a-z]` one character, `**` any number of folders. A file that
 * exists under the literal name, or a folder on the way to it, wins over the pattern. Hidden files match only a pattern that starts with a dot.
 *
 * Errors: IO when nothing matches or a match is no regular file, INVALID_ARGUMENT for a NUL byte.
 */
export async function resolveFiles(pattern: string, baseDir: string, field?: string): Promise<string[]> {
  if (pattern.includes("\0")) {
    throw invalidArgument(`expected a path, received one with a NUL byte: ${JSON.stringify(pattern)}`, { field });
  }
  const absolute = resolve(baseDir, pattern);
  const literal = await statOrUndefined(absolute);
  if (literal?.isFile()) return [absolute];
  if (literal !== undefined) {
    throw new CouponcastError("ERR_COUPONCAST_IO", `expected a file, but ${absolute} is a folder or a device`, {
      file: absolute,
      field,
      hint: literal.isDirectory() ? `to read every file in it, write ${join(pattern, "*.csv")}` : undefined,
    });
  }
  if (!MAGIC.test(pattern)) {
    throw new CouponcastError("ERR_COUPONCAST_IO", `file not found: ${absolute}`, {
      file: absolute,
      field,
      hint: await nearestFileHint(absolute),
    });
  }
  // Only what the user wrote is a pattern: a base folder named [x] is taken literally.
  const root = isAbsolute(pattern) ? sep : resolve(baseDir);
  const segments = pattern.split("/").filter((s) => s !== "" && s !== ".");
  const found = await expand(root, segments);
  const files = [...new Set(found)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  if (files.length === 0) {
    throw new CouponcastError("ERR_COUPONCAST_IO", `no file matches ${pattern} in ${root}`, { file: absolute, field });
  }
  return files;
}

async function expand(folder: string, segments: readonly string[]): Promise<string[]> {
  const [segment, ...rest] = segments;
  if (segment === undefined) return [];
  if (segment === "**") {
    const here = rest.length === 0 ? await expand(folder, ["*"]) : await expand(folder, rest);
    const entries = await entriesOf(folder);
    const folders = entries.filter((e) => e.isDirectory() && !e.name.startsWith("."));
    const below = await Promise.all(folders.map((e) => expand(join(folder, e.name), segments)));
    return [...here, ...below.flat()];
  }
  let names: string[];
  const isLiteral =
    !MAGIC.test(segment) || (rest.length > 0 && (await statOrUndefined(join(folder, segment))) !== undefined);
  if (!isLiteral) {
    const matcher = segmentMatcher(segment);
    names = (await entriesOf(folder))
      .map((e) => e.name)
      .filter((name) => matcher(name) && (!name.startsWith(".") || segment.startsWith(".")));
  } else {
    names = [segment];
  }
  const out: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
    if (rest.length > 0) out.push(...(await expand(path, rest)));
    else if ((await statOrUndefined(path))?.isFile()) out.push(path);
  }
  return out;
}

/** Matches one path segment in time linear in pattern x name: no regular expression, so none can be made to explode. */
export function segmentMatcher(pattern: string): (name: string) => boolean {
  const tokens = tokenize(pattern);
  return (name) => {
    const chars = [...name];
    // reachable[t]: the first t tokens match the characters read so far.
    let reachable = new Array<boolean>(tokens.length + 1).fill(false);
    reachable[0] = true;
    skipStars(reachable, tokens);
    for (const char of chars) {
      const next = new Array<boolean>(tokens.length + 1).fill(false);
      tokens.forEach((token, t) => {
        if (!reachable[t]) return;
        if (token === "*") next[t] = true;
        else if (token(char)) next[t + 1] = true;
      });
      skipStars(next, tokens);
      reachable = next;
    }
    return reachable[tokens.length]!;
  };
}

type Token = "*" | ((char: string) => boolean);

function skipStars(reachable: boolean[], tokens: readonly Token[]): void {
  tokens.forEach((token, t) => {
    if (token === "*" && reachable[t]) reachable[t + 1] = true;
  });
}

function tokenize(pattern: string): Token[] {
  const chars = [...pattern];
  const tokens: Token[] = [];
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i]!;
    if (char === "*") tokens.push("*");
    else if (char === "?") tokens.push(() => true);
    else if (char === "[") {
      const negated = chars[i + 1] === "!" || chars[i + 1] === "^";
      const first = i + (negated ? 2 : 1);
      // A ] right after the opening is a member, as in every shell.
      const close = chars.indexOf("]", first + 1);
      if (close === -1) {
        tokens.push((c) => c === "[");
        continue;
      }
      const ranges: [string, string][] = [];
      for (let j = first; j < close; j++) {
        if (chars[j + 1] === "-" && j + 2 < close) {
          ranges.push([chars[j]!, chars[j + 2]!]);
          j += 2;
        } else ranges.push([chars[j]!, chars[j]!]);
      }
      tokens.push((c) => ranges.some(([low, high]) => c >= low && c <= high) !== negated);
      i = close;
    } else tokens.push((c) => c === char);
  }
  return tokens;
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw new CouponcastError("ERR_COUPONCAST_IO", `cannot list the folder ${folder} (${code})`, {
      file: folder,
      cause: thrown,
    });
  }
}

async function statOrUndefined(path: string) {
  try {
    return await stat(path);
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG" || code === "ELOOP") return undefined;
    throw new CouponcastError("ERR_COUPONCAST_IO", `cannot read ${path} (${code})`, { file: path, cause: thrown });
  }
}

async function nearestFileHint(path: string): Promise<string | undefined> {
  const folder = resolve(path, "..");
  const names = (await entriesOf(folder)).filter((e) => !e.isDirectory()).map((e) => e.name);
  const name = path.slice(folder.length + (folder.endsWith(sep) ? 0 : 1));
  if (names.includes(name)) return "it is a link that leads to no file";
  const near = nearestName(name, names);
  return near === undefined ? undefined : `did you mean ${join(folder, near)}?`;
}
