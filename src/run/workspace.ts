import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { CouponcastError, invalidArgument, toCouponcastError } from "../errors.js";
import { addon, type Handle } from "../native/addon.js";
import { makeFolder } from "../util/make-folder.js";
import { syncFolder, syncPath } from "../util/sync.js";

/** Names of the files that a run publishes, run.json last. */
export const OUTPUT_FILES = [
  "assignments.parquet",
  "withheld.parquet",
  "segments.parquet",
  "segments.safetensors",
  "profiles.parquet",
  "segment_profiles.parquet",
  "rejected.parquet",
  "response.safetensors",
  "report.html",
  "run.json",
] as const;
/** Not of runs with the predictions of another model. */
export const RESPONSE_FILE = "response.safetensors";
/** The model of the segments; only where they are those of K-means. */
export const SEGMENTS_FILE = "segments.safetensors";
export const OPTIONAL_FILES: readonly string[] = [RESPONSE_FILE, SEGMENTS_FILE];
/** Only of runs that draw coupons by lot. */
export const DECISIONS_FILE = "decisions.parquet";

/** Published too where the campaign has `rules`. */
export const RULE_FILES = ["rules.parquet", "itemsets.parquet"] as const;

export const outputFiles = (withRules: boolean): readonly string[] =>
  withRules ? [...RULE_FILES, ...OUTPUT_FILES] : OUTPUT_FILES;

const isOurs = (name: string) => name === DECISIONS_FILE || outputFiles(true).includes(name);

const LOCK_FILE = "lock";
const NONCE_FILE = "run-nonce";

/**
 * Where a run works: a hidden folder beside DIR that holds finished stages (a killed run continues from them, a
 * changed run reuses them) and the outputs until they are complete. DIR appears by one rename.
 */
export class Workspace {
  readonly outDir: string;
  readonly root: string;
  readonly #lock: Handle;

  private constructor(outDir: string, root: string, lock: Handle) {
    this.outDir = outDir;
    this.root = root;
    this.#lock = lock;
  }

  /** Errors: ERR_COUPONCAST_IO when another run works on the same DIR. */
  static async open(out: string): Promise<Workspace> {
    const outDir = resolve(out);
    if (outDir === dirname(outDir)) throw invalidArgument(`expected a folder for the outputs but received ${out}`);
    const root = join(dirname(outDir), `.${basename(outDir)}.couponcast`);
    try {
      await makeFolder(root);
    } catch (error) {
      throw toCouponcastError(error);
    }
    let lock: Handle;
    try {
      lock = addon().lockFile({ path: join(root, LOCK_FILE), content: `process ${process.pid}` });
    } catch (error) {
      if (error instanceof CouponcastError && error.message.includes("is locked by")) {
        const holder = error.message.slice(error.message.indexOf("is locked by ") + "is locked by ".length);
        throw new CouponcastError("ERR_COUPONCAST_IO", `another run (${holder}) is working on ${outDir}`, {
          file: outDir,
          hint: "Wait for it to end, or choose another --out.",
        });
      }
      throw error;
    }
    const workspace = new Workspace(outDir, root, lock);
    try {
      await workspace.#recover();
    } catch (error) {
      workspace.close();
      throw toCouponcastError(error);
    }
    return workspace;
  }

  close(): void {
    addon().closeHandle({ handle: this.#lock });
  }

  get #replaced(): string {
    return join(this.root, "replaced");
  }

  /** A run killed between the two renames of a replacement left no DIR: the old one comes back. */
  async #recover(): Promise<void> {
    if (existsSync(this.#replaced)) {
      if (existsSync(this.outDir)) await rm(this.#replaced, { recursive: true, force: true });
      else await rename(this.#replaced, this.outDir);
    }
    await this.removeTemporaries();
  }

  /** Removes what an interrupted stage or publication left. */
  async removeTemporaries(): Promise<void> {
    for (const name of await readdir(this.root)) {
      if (name.startsWith("tmp-")) await rm(join(this.root, name), { recursive: true, force: true });
    }
  }

  /** After a run that failed before it finished a stage: leaves no folder behind that holds nothing. */
  async removeIfEmpty(): Promise<void> {
    const names = await readdir(this.root);
    if (names.every((name) => name === LOCK_FILE || name === NONCE_FILE)) await rm(this.root, { recursive: true });
  }

  /** Stays the same until a run is published: names one run across its interruptions. */
  async runNonce(): Promise<string> {
    const path = join(this.root, NONCE_FILE);
    try {
      return await readFile(path, "utf8");
    } catch {
      const nonce = randomUUID();
      await writeFile(path, nonce);
      return nonce;
    }
  }

  /** The run that the nonce names is published. */
  async finishNonce(): Promise<void> {
    await rm(join(this.root, NONCE_FILE), { force: true });
  }

  /** The manifest in DIR, if DIR holds a complete run. */
  async publishedManifest(): Promise<unknown> {
    try {
      const names = await readdir(this.outDir);
      if (!OUTPUT_FILES.every((name) => OPTIONAL_FILES.includes(name) || names.includes(name))) return undefined;
      return JSON.parse(await readFile(join(this.outDir, "run.json"), "utf8"));
    } catch {
      return undefined;
    }
  }

  /** Whether DIR is there and holds something. */
  async isOccupied(): Promise<boolean> {
    try {
      return (await readdir(this.outDir)).length > 0;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      if ((error as NodeJS.ErrnoException).code === "ENOTDIR") {
        throw invalidArgument(`expected a folder for the outputs but ${this.outDir} is a file`, { file: this.outDir });
      }
      throw error;
    }
  }

  /**
   * Moves a complete folder to DIR. What was there is replaced in two renames, so DIR is whole or absent; if the second
   * fails, the old one comes back.
   */
  async publish(folder: string): Promise<void> {
    await syncFolder(folder);
    const parent = dirname(this.outDir);
    if (await this.isOccupied()) {
      const foreign = (await readdir(this.outDir)).filter((name) => !isOurs(name));
      if (foreign.length > 0) {
        throw invalidArgument(
          `${this.outDir} holds files that are not couponcast's (${foreign.slice(0, 3).join(", ")}): they would be lost`,
          {
            file: this.outDir,
            hint: "Move them away or choose another --out.",
          },
        );
      }
      await rename(this.outDir, this.#replaced);
    }
    try {
      await rename(folder, this.outDir);
    } catch (error) {
      if (existsSync(this.#replaced)) await rename(this.#replaced, this.outDir);
      throw error;
    }
    await syncPath(parent);
    await this.finishNonce();
    await rm(this.#replaced, { recursive: true, force: true });
  }
}
