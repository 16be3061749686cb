import { randomBytes } from "node:crypto";
import { mkdir, readdir, realpath, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { CouponcastError, invalidArgument } from "../errors.js";
import { makeFolder } from "../util/make-folder.js";
import { syncPath } from "../util/sync.js";

/**
 * A folder that appears whole or not at all: it is filled under a hidden name beside its place and renamed at the end.
 */
export class TargetFolder {
  /** Where to write. */
  readonly path: string;
  readonly #target: string;
  /** parents that this made, deepest first */
  readonly #made: string[];

  /**
   * Errors: ERR_COUPONCAST_INVALID_ARGUMENT when the target is a file or a folder with something in it,
   * ERR_COUPONCAST_IO when it cannot be made.
   */
  static async create(dir: string): Promise<TargetFolder> {
    const asked = resolve(dir);
    // An empty folder behind a symbolic link is filled where it is.
    const target = (await checkTarget(asked)) ? await io(asked, realpath(asked)) : asked;
    const parent = dirname(target);
    const made: string[] = [];
    await io(target, makeFolder(parent, made));
    const path = join(parent, `.${basename(target)}.partial-${randomBytes(6).toString("hex")}`);
    try {
      await io(target, mkdir(path));
    } catch (thrown) {
      await removeEmpty(made);
      throw thrown;
    }
    return new TargetFolder(path, target, made);
  }

  private constructor(path: string, target: string, made: string[]) {
    this.path = path;
    this.#target = target;
    this.#made = made;
  }

  /** Puts the folder into its place. */
  async commit(): Promise<string> {
    for (const entry of await readdir(this.path, { withFileTypes: true })) {
      if (entry.isDirectory()) await syncPath(join(this.path, entry.name));
    }
    await syncPath(this.path);
    try {
      await rename(this.path, this.#target);
    } catch (thrown) {
      await checkTarget(this.#target); // somebody else was first
      throw thrown;
    }
    await syncPath(dirname(this.#target));
    return this.#target;
  }

  /** Removes everything that was made. */
  async discard(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    await removeEmpty(this.#made);
  }
}

async function removeEmpty(folders: string[]): Promise<void> {
  for (const folder of folders) {
    try {
      await rmdir(folder);
    } catch {
      return; // somebody else uses it by now
    }
  }
}

/** Whether the target exists, as an empty folder. */
async function checkTarget(target: string): Promise<boolean> {
  let entries: string[];
  try {
    entries = await readdir(target);
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return false;
    if (code === "ENOTDIR") {
      throw invalidArgument(`Expected ${target} to be a new or empty folder but it, or a part of its path, is a file`, {
        file: target,
        field: "outDir",
      });
    }
    return io(target, Promise.reject(thrown));
  }
  if (entries.length > 0) {
    throw invalidArgument(
      `Expected ${target} to be a new or empty folder but it holds ${entries.length} entries, such as ${entries.sort()[0]}`,
      { file: target, field: "outDir", hint: "Name another folder, or remove this one first." },
    );
  }
  return true;
}

async function io<T>(target: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (cause) {
    throw new CouponcastError("ERR_COUPONCAST_IO", `cannot make ${target}: ${(cause as Error).message}`, {
      cause,
      file: target,
    });
  }
}
