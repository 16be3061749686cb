import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { CouponcastError } from "../errors.js";
import type { RowRange } from "../executor/executor.js";
import { addon, type Handle } from "../native/addon.js";
import type { TensorFileWriter } from "../store/tensor-file-writer.js";
import { io } from "../table/output-file.js";
import type { Outputs } from "./all-pairs.js";

const PLAN = "plan.json";
const DONE = "done";
const DATA = "neighbours.raw";
const LOCK = "lock";
const OWN_FILES = new Set([PLAN, DONE, DATA, LOCK, `${PLAN}.new`]);

export type WorkShard = RowRange & { work: number };

const planSchema = z.strictObject({
  key: z.string(),
  shards: z.array(z.strictObject({ begin: z.int().min(0), end: z.int().min(0), work: z.number().min(0) })),
});

const COPY_BYTES = 16 << 20;

/**
 * What a long computation of neighbours has finished, in a folder, so that a killed one goes on where it was: the plan of
 * its shards, the shards that are done, and their lists.
 */
export class NeighbourJournal {
  private constructor(
    readonly folder: string,
    readonly shards: readonly WorkShard[],
    /** Shards that are done. */
    readonly done: Set<number>,
    readonly rows: number,
    readonly k: number,
    private readonly data: FileHandle,
    private readonly journal: FileHandle,
    private readonly lock: Handle,
  ) {}

  /**
   * Takes up what is in `folder` if it is of the same computation, which `key` says; else begins with the shards of `plan`.
   * Errors: ERR_COUPONCAST_IO (the folder holds other files, another process works there, disk full).
   */
  static async open(
    folder: string,
    key: string,
    { rows, k }: { rows: number; k: number },
    plan: readonly WorkShard[],
  ): Promise<NeighbourJournal> {
    return io(
      folder,
      (async () => {
        await mkdir(folder, { recursive: true });
        const strange = (await readdir(folder)).find((name) => !OWN_FILES.has(name));
        if (strange !== undefined) {
          throw new CouponcastError("ERR_COUPONCAST_IO", `${folder} holds a file of something else: ${strange}`, {
            file: folder,
            hint: "Unfinished work is kept there: move the folder away, or choose another output.",
          });
        }
        const lock = addon().lockFile({ path: join(folder, LOCK), content: `process ${process.pid}` });
        const opened: FileHandle[] = [];
        try {
          let shards = await shardsOf(folder, key, rows);
          const fresh = shards === undefined;
          if (shards === undefined) {
            // Nothing counts as done before the plan is there.
            await rm(join(folder, DONE), { force: true });
            shards = plan;
            await writeFile(join(folder, `${PLAN}.new`), JSON.stringify({ key, shards }));
            await rename(join(folder, `${PLAN}.new`), join(folder, PLAN));
          }
          const data = await open(join(folder, DATA), fresh ? "w+" : "r+").catch(() => open(join(folder, DATA), "w+"));
          opened.push(data);
          const expected = rows * (8 * k + 4);
          const whole = (await data.stat()).size === expected;
          await data.truncate(expected);
          const done = whole && !fresh ? await doneIn(folder, shards.length) : new Set<number>();
          if (done.size === 0) await rm(join(folder, DONE), { force: true });
          const journal = await open(join(folder, DONE), "a");
          opened.push(journal);
          return new NeighbourJournal(folder, shards, done, rows, k, data, journal, lock);
        } catch (thrown) {
          for (const file of opened) await file.close();
          addon().closeHandle({ handle: lock });
          throw thrown;
        }
      })(),
    );
  }

  /** Where the lists of a shard go. */
  readonly outputs: Outputs = ({ begin, end }) => {
    const at = (position: number) => ({ fd: this.data.fd, position });
    const lists = this.rows * this.k * 4;
    return {
      outIndices: { $write: "I32", length: (end - begin) * this.k, ...at(begin * this.k * 4) },
      outScores: { $write: "F32", length: (end - begin) * this.k, ...at(lists + begin * this.k * 4) },
      outCounts: { $write: "I32", length: end - begin, ...at(2 * lists + begin * 4) },
    };
  };

  /** Notes that the lists of a shard are written. */
  async finished(shard: number): Promise<void> {
    await io(this.folder, this.data.datasync());
    await io(this.folder, this.journal.appendFile(`${shard}\n`));
    this.done.add(shard);
  }

  /** Writes all lists into the tensors of a model. */
  async copyTo(writer: TensorFileWriter): Promise<void> {
    const buffer = Buffer.alloc(COPY_BYTES);
    let position = 0;
    for (const [name, length] of [
      ["neighbours.indices", this.rows * this.k],
      ["neighbours.scores", this.rows * this.k],
      ["neighbours.counts", this.rows],
    ] as const) {
      for (let element = 0; element < length; ) {
        const bytes = Math.min(COPY_BYTES, (length - element) * 4);
        const { bytesRead } = await io(this.folder, this.data.read(buffer, 0, bytes, position));
        const whole = bytesRead - (bytesRead % 4);
        if (whole === 0) throw new CouponcastError("ERR_COUPONCAST_IO", `${this.folder} was cut short`);
        await writer.write(name, element, buffer.subarray(0, whole));
        element += whole / 4;
        position += whole;
      }
    }
  }

  async close(): Promise<void> {
    await this.data.close();
    await this.journal.close();
    addon().closeHandle({ handle: this.lock });
  }

  /** Once it is closed and not needed any more. */
  async remove(): Promise<void> {
    await io(this.folder, rm(this.folder, { recursive: true, force: true }));
  }
}

/** The shards of the plan in the folder, if it is one of this computation: they cover all rows in order. */
async function shardsOf(folder: string, key: string, rows: number): Promise<readonly WorkShard[] | undefined> {
  const text = await readFile(join(folder, PLAN), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const plan = planSchema.safeParse(json);
  if (!plan.success || plan.data.key !== key) return undefined;
  let next = 0;
  for (const { begin, end } of plan.data.shards) {
    if (begin !== next || end <= begin) return undefined;
    next = end;
  }
  return next === rows ? plan.data.shards : undefined;
}

/** Complete lines only: the last one may have been cut. */
async function doneIn(folder: string, shards: number): Promise<Set<number>> {
  const text = await readFile(join(folder, DONE), "utf8").catch(() => "");
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return new Set(lines.filter((line) => /^\d+$/.test(line) && Number(line) < shards).map(Number));
}
