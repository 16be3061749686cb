import { createHash } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, syncPath } from "../util/sync.js";
import { type DigestFiles, openSeal, sealStage } from "./stage-seal.js";
import type { Workspace } from "./workspace.js";

export interface StageMeasurement {
  seconds: number;
  peakRssBytes: number;
  /** Whether the stage was found finished. */
  reused: boolean;
}

export interface StageRecord {
  name: string;
  /** Digest of all that the stage's result depends on. */
  key: string;
  /** Keys of the stages and digests of the files that it read. */
  reads: Record<string, string>;
  rows: number;
}

export interface FinishedStage<T> {
  dir: string;
  key: string;
  result: T;
}

/** Told when a stage starts, is found finished, or ends. */
export type OnStage = (name: string, state: "start" | "reused" | "done") => void;

const RSS_SAMPLE_MS = 50;

/** Bumped when a stage's result changes for the same inputs, so that finished stages of an older version are not reused. */
const STAGE_VERSION = 2;

/**
 * Runs stages that read files and write files. A stage builds its folder under a temporary name; once it is complete
 * and on disk it gets its final name, which holds the digest of everything it depends on. So a stage is found finished
 * exactly when its inputs are the same, whenever the process was killed. One whose files were damaged since is built
 * again.
 */
export class StageRunner {
  readonly records: StageRecord[] = [];
  readonly measurements: Record<string, StageMeasurement> = {};

  constructor(
    readonly workspace: Workspace,
    readonly version: string,
    readonly onStage: OnStage,
    readonly digest: DigestFiles,
  ) {}

  /**
   * The result of stage `name`. `settings` is what its result depends on besides `reads`; `body` fills the folder and
   * returns a result of plain JSON.
   */
  async run<T extends { rows: number }>(
    name: string,
    reads: Record<string, string>,
    settings: unknown,
    body: (dir: string) => Promise<T>,
  ): Promise<FinishedStage<T>> {
    const identity = JSON.stringify({ name, version: this.version, stageVersion: STAGE_VERSION, reads, settings });
    const key = createHash("sha256").update(identity).digest("hex").slice(0, 32);
    const dir = join(this.workspace.root, `${name}-${key}`);
    const started = process.hrtime.bigint();
    const finish = (result: T, peakRssBytes: number, reused: boolean): FinishedStage<T> => {
      this.records.push({ name, key, reads, rows: result.rows });
      this.measurements[name] = { seconds: Number(process.hrtime.bigint() - started) / 1e9, peakRssBytes, reused };
      this.onStage(name, reused ? "reused" : "done");
      return { dir, key, result };
    };
    const sealed = await openSeal<T>(dir, key, this.digest);
    if (sealed !== undefined) return finish(sealed, process.memoryUsage.rss(), true);
    this.onStage(name, "start");
    const building = join(this.workspace.root, `tmp-${name}`);
    await rm(building, { recursive: true, force: true });
    await mkdir(building);
    let peak = process.memoryUsage.rss();
    const sampler = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }, RSS_SAMPLE_MS);
    sampler.unref();
    try {
      // As it will be read back: a continued run sees the very same values (no -0, no undefined).
      const result = JSON.parse(JSON.stringify(await body(building))) as T;
      await sealStage(building, name, key, result, this.digest);
      await syncFolder(building);
      await rm(dir, { recursive: true, force: true });
      await rename(building, dir);
      await syncPath(this.workspace.root);
      return finish(result, peak, false);
    } catch (error) {
      // What cannot be removed now is by the next run; the error that counts is the stage's.
      await rm(building, { recursive: true, force: true }).catch(() => {});
      throw error;
    } finally {
      clearInterval(sampler);
    }
  }

  /** Removes finished stages that this run did not use. */
  async removeUnused(): Promise<void> {
    const used = new Set(this.records.map(({ name, key }) => `${name}-${key}`));
    for (const entry of await readdir(this.workspace.root, { withFileTypes: true })) {
      if (entry.isDirectory() && !used.has(entry.name))
        await rm(join(this.workspace.root, entry.name), { recursive: true, force: true });
    }
  }
}
