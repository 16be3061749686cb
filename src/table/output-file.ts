import { mkdtemp, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { CouponcastError, invalidArgument } from "../errors.js";
import { syncPath } from "../util/sync.js";
import { unknownEnding } from "./table-format.js";

/**
 * A file that appears whole or not at all. It is built in a hidden folder beside its place, so that putting it there
 * is one rename on one file system; the folder also takes what building it needs.
 */
export class OutputFile {
  private constructor(
    /** Where the file will be: absolute, a symbolic link to a file resolved. */
    readonly target: string,
    /** Hidden folder beside it, empty. */
    readonly scratch: string,
    /** Where to build the file, in `scratch`, with the target's ending. */
    readonly path: string,
  ) {}

  /**
   * @param endings of file names that are allowed, such as ".csv"; any case
   * @param others absolute paths of files that must stay as they are: inputs, and other outputs
   *
   * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (ending, NUL byte, one of `others`), ERR_COUPONCAST_IO (a folder or a
   * device is there, the parent folder is missing or cannot be written).
   */
  static async create(path: string, endings: readonly string[], others: readonly string[] = []): Promise<OutputFile> {
    if (path === "" || path.includes("\0")) {
      throw invalidArgument(`expected a path for the output but received ${JSON.stringify(path)}`);
    }
    const ending = extname(path).toLowerCase();
    const asked = resolve(path);
    const there = await io(path, statOrUndefined(asked));
    if (there?.isDirectory())
      throw blocked(asked, "is a folder", `Name a file in it, such as ${join(path, "output")}${endings[0]}`);
    if (!endings.includes(ending) || path.endsWith("/")) throw unknownEnding(path, endings);
    if (there !== undefined && !there.isFile()) throw blocked(asked, "is no regular file");
    // The link stays, the file behind it is replaced.
    const target = there === undefined ? asked : await io(path, realpath(asked));
    for (const other of others) {
      const known = await statOrUndefined(other).catch(() => undefined);
      const same = known !== undefined && known.ino === there?.ino && known.dev === there?.dev;
      if (same || resolve(other) === target) {
        throw invalidArgument(`the output ${path} is a file that this command reads or writes already`, {
          file: target,
          hint: "Name another file.",
        });
      }
    }
    const parent = dirname(target);
    let scratch: string;
    try {
      // DuckDB takes a ? in a path for the start of parameters, and globs have their own signs.
      const name = basename(target)
        .replace(/[^\w.-]/g, "_")
        .slice(0, 100);
      scratch = await mkdtemp(join(parent, `.${name}.partial-`));
    } catch (cause) {
      throw cannotWrite(parent, cause);
    }
    return new OutputFile(target, scratch, join(scratch, `output${ending}`));
  }

  /** Removes what was built. Does nothing after commit. */
  async discard(): Promise<void> {
    await rm(this.scratch, { recursive: true, force: true });
  }
}

/**
 * Puts finished files into their places, the first one last: when it is there, all are.
 * Errors: ERR_COUPONCAST_IO.
 */
export async function commitOutputs(outputs: readonly OutputFile[]): Promise<void> {
  for (const output of outputs) await io(output.target, syncPath(output.path));
  for (const output of [...outputs].reverse()) {
    await io(output.target, rename(output.path, output.target));
    await io(output.target, syncPath(dirname(output.target)));
    await output.discard();
  }
}

function blocked(path: string, what: string, hint?: string): CouponcastError {
  return new CouponcastError("ERR_COUPONCAST_IO", `expected a file for the output but ${path} ${what}`, {
    file: path,
    hint,
  });
}

function cannotWrite(folder: string, cause: unknown): CouponcastError {
  const code = (cause as NodeJS.ErrnoException).code;
  const [why, hint] =
    code === "ENOENT"
      ? ["it does not exist", `Make it first: mkdir -p ${folder}`]
      : code === "ENOTDIR"
        ? ["it, or a part of its path, is a file", undefined]
        : code === "EACCES" || code === "EPERM"
          ? ["permission denied", undefined]
          : [(cause as Error).message, undefined];
  return new CouponcastError("ERR_COUPONCAST_IO", `cannot write into the folder ${folder}: ${why}`, {
    cause,
    file: folder,
    hint,
  });
}

async function statOrUndefined(path: string) {
  try {
    return await stat(path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  }
}

/** Waits for a step of writing `path`; what goes wrong names it. */
export async function io<T>(path: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (cause) {
    if (cause instanceof CouponcastError) throw cause;
    throw new CouponcastError("ERR_COUPONCAST_IO", `cannot write ${path}: ${(cause as Error).message}`, {
      cause,
      file: path,
    });
  }
}
