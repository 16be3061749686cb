import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Piscina } from "piscina";
import { CouponcastError, errorFromData } from "../errors.js";
import { type CallResult, type KernelCall, sendableArgs, type Task, type TaskReply } from "./call.js";
import { CallQueue } from "./call-queue.js";
import { type CallWindow, isTaken, windowOf, windowSize } from "./call-window.js";
import { checkRunOptions, type RunOptions } from "./run-options.js";

export { checkRunOptions, checkThreads, type Progress, RUN_OPTIONS, type RunOptions } from "./run-options.js";

export interface RowRange {
  begin: number;
  end: number;
}

/** Between two reports of a call that takes long. */
const PROGRESS_MS = 250;

const pools = new Map<number, Promise<Piscina>>();

async function startPool(threads: number): Promise<Piscina> {
  const filename = fileURLToPath(new URL("./worker.js", import.meta.url));
  if (!existsSync(filename))
    throw new CouponcastError("ERR_COUPONCAST_INTERNAL", `the worker ${filename} is missing: build first`);
  // Requiring it and starting a thread take several milliseconds each, importing it twice as many: a turn of the event loop for each.
  const { Piscina } = createRequire(import.meta.url)("piscina") as typeof import("piscina");
  await sleep(0);
  return new Piscina({
    filename,
    minThreads: 1,
    maxThreads: threads,
    idleTimeout: 10_000,
    concurrentTasksPerWorker: 1,
  });
}

function poolOf(threads: number): Promise<Piscina> {
  let pool = pools.get(threads);
  if (pool === undefined) {
    pool = startPool(threads);
    pools.set(threads, pool);
  }
  return pool;
}

/** Calls that are under way, to be stopped by closeExecutors. */
const underWay = new Set<() => void>();

/** Lets closeExecutors stop a call: `close` gets the error that the call should end with. Returns how to end that. */
export function onClose(close: (error: CouponcastError) => void): () => void {
  const entry = () =>
    close(new CouponcastError("ERR_COUPONCAST_CLOSED", "the worker threads were closed during the call"));
  underWay.add(entry);
  return () => underWay.delete(entry);
}

/**
 * Ends all worker threads of this process; calls under way reject with ERR_COUPONCAST_CLOSED, the next call starts new
 * threads. For tests and orderly shutdown.
 */
export async function closeExecutors(): Promise<void> {
  const open = [...pools.values()];
  pools.clear();
  // A thread inside a kernel ends when the kernel does, so kernels are asked to stop first.
  for (const close of underWay) close();
  await Promise.all(open.map(async (pool) => (await pool).destroy()));
}

/** The error of a thread that died: out of heap, or ended from outside. */
export function threadError(thrown: unknown): CouponcastError {
  if (thrown instanceof CouponcastError) return thrown;
  const { code, message } = thrown as NodeJS.ErrnoException;
  if (code === "ERR_WORKER_OUT_OF_MEMORY")
    return new CouponcastError("ERR_COUPONCAST_OUT_OF_MEMORY", `a worker thread ran out of memory: ${message}`, {
      cause: thrown,
    });
  return new CouponcastError("ERR_COUPONCAST_INTERNAL", `a worker thread failed: ${message}`, { cause: thrown });
}

/** Fixed shards of [0, rows): the same for any number of threads, so that reductions over them are too. */
export function shards(rows: number, shardRows: number): RowRange[] {
  const ranges: RowRange[] = [];
  for (let begin = 0; begin < rows; begin += shardRows) ranges.push({ begin, end: Math.min(begin + shardRows, rows) });
  return ranges;
}

export interface Stage {
  name: string;
  weight?: (index: number) => number;
  finished?: (index: number) => Promise<void>;
}

/** Memory that calls write to and share with later ones, but never at the same time. */
export interface Exclusive {
  /** Further arguments of the calls of a lane: lanes are numbered from 0, below `threads`; each makes one call after the other. */
  laneArgs?: (lane: number) => KernelCall["args"];
  /** Numbers of what a call has to itself: calls that share one wait for each other. */
  uses?: (index: number) => readonly number[];
}

/** Runs kernels on worker threads. One per call of the library; the threads behind it are shared and kept. */
export class Executor {
  readonly threads: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: RunOptions["onProgress"];
  readonly #cancel = new Int32Array(new SharedArrayBuffer(4));

  constructor(options: RunOptions = {}) {
    this.threads = checkRunOptions(options);
    this.#signal = options.signal;
    this.#onProgress = options.onProgress;
  }

  /** Throws ERR_COUPONCAST_CANCELLED if the caller has asked to stop. */
  checkCancelled(): void {
    if (this.#signal?.aborted) throw new CouponcastError("ERR_COUPONCAST_CANCELLED", "cancelled");
  }

  progress(stage: string, done: number, total: number | undefined): void {
    this.#onProgress?.({ stage, done, total });
  }

  /** One kernel call on a worker thread. Errors: those of the kernel; ERR_COUPONCAST_CANCELLED. */
  async run(call: KernelCall): Promise<CallResult> {
    const [result] = await this.map([call]);
    return result!;
  }

  /**
   * Calls kernels, as many at once as there are threads; results in the order of the calls. `weight` is the work of
   * each call (default 1) for progress; `finished` is called after each, and waited for. Where nobody looks at each call,
   * threads take the next one themselves. The first error cancels the rest and is thrown once all have stopped.
   */
  async map(
    calls: readonly KernelCall[],
    stage?: Stage,
    { laneArgs = () => ({}), uses }: Exclusive = {},
  ): Promise<CallResult[]> {
    this.checkCancelled();
    const results = new Array<CallResult>(calls.length);
    const weight = stage?.weight ?? (() => 1);
    const total = stage === undefined ? 0 : calls.reduce((sum, _, index) => sum + weight(index), 0);
    let done = 0;
    // How far the call of each lane is, in thousandths; long kernels keep setting it.
    const gauges = new Int32Array(new SharedArrayBuffer(4 * this.threads));
    const running = new Map<number, number>();
    const report = () => {
      if (stage === undefined) return;
      let now = done;
      for (const [lane, index] of running) now += (weight(index) * Atomics.load(gauges, lane)) / 1000;
      this.progress(stage.name, now, total);
    };
    let failure: unknown;
    const stop = () => {
      Atomics.store(this.#cancel, 0, 1);
    };
    const fail = (error: unknown) => {
      failure ??= error;
      stop();
    };
    const tick = () => {
      try {
        report();
      } catch (thrown) {
        fail(thrown);
      }
    };
    Atomics.store(this.#cancel, 0, 0);
    const stopped = () => failure !== undefined || this.#signal?.aborted === true;
    const laneOf = (pool: Piscina, number: number) => {
      const gauge = gauges.subarray(number, number + 1);
      const own = { ...laneArgs(number), progress: gauge };
      return async ({ first, calls: some, taken }: CallWindow): Promise<void> => {
        Atomics.store(gauges, number, 0);
        running.set(number, first);
        let reply: TaskReply;
        try {
          const task: Task = { calls: some, own: sendableArgs(own), taken, cancel: this.#cancel };
          reply = (await pool.run(task)) as TaskReply;
        } catch (thrown) {
          return fail(threadError(thrown));
        } finally {
          running.delete(number);
        }
        if (!reply.ok) return fail(errorFromData(reply.error));
        for (const { place, value, outputs } of reply.made) {
          results[first + place] = { value, outputs };
          done += weight(first + place);
          try {
            await stage?.finished?.(first + place);
            report();
          } catch (thrown) {
            // The caller's onProgress and finished: their errors are the caller's own.
            fail(thrown);
          }
        }
      };
    };
    // Only where somebody looks: most calls are short and tell nobody.
    const watched = stage !== undefined && this.#onProgress !== undefined;
    const size = watched || stage?.finished !== undefined || uses !== undefined ? 1 : windowSize(this.threads);
    const queue = new CallQueue(calls.length, uses ?? (() => []));
    const runQueue = async (run: (window: CallWindow) => Promise<void>): Promise<void> => {
      for (;;) {
        const index = await queue.next(stopped);
        if (index === undefined) return;
        try {
          await run(windowOf(calls, index, 1));
        } finally {
          queue.done(index);
        }
      }
    };
    let open: CallWindow | undefined;
    const runWindows = async (run: (window: CallWindow) => Promise<void>): Promise<void> => {
      while (!stopped()) {
        if (open === undefined || isTaken(open)) {
          const first = open === undefined ? 0 : open.first + open.calls.length;
          if (first >= calls.length) return;
          open = windowOf(calls, first, size);
        }
        await run(open);
      }
    };
    this.#signal?.addEventListener("abort", stop, { once: true });
    const closed = onClose(fail);
    const timer = watched ? setInterval(tick, PROGRESS_MS) : undefined;
    try {
      report();
      const pool = await poolOf(this.threads);
      const lanes = Math.min(this.threads, calls.length);
      const runLane = size === 1 ? runQueue : runWindows;
      await Promise.all(Array.from({ length: lanes }, (_, number) => runLane(laneOf(pool, number)).catch(fail)));
    } finally {
      closed();
      clearInterval(timer);
      this.#signal?.removeEventListener("abort", stop);
    }
    this.checkCancelled();
    if (failure !== undefined) throw failure;
    return results;
  }
}

/** Typed arrays over shared memory: what worker threads can read and write without copies. */
const growable = (bytes: number) => new SharedArrayBuffer(bytes, { maxByteLength: bytes });

export const shared = {
  i64: (length: number) => new BigInt64Array(new SharedArrayBuffer(length * 8)),
  f64: (length: number) => new Float64Array(new SharedArrayBuffer(length * 8)),
  i32: (length: number) => new Int32Array(new SharedArrayBuffer(length * 4)),
  f32: (length: number) => new Float32Array(new SharedArrayBuffer(length * 4)),
  u8: (length: number) => new Uint8Array(new SharedArrayBuffer(length)),
  /**
   * For kernels alone, at the begin of a page, so that vectors do not lie across cache lines: buffers that might grow start
   * there, others 16 bytes behind a line. JavaScript reads these more slowly.
   */
  alignedF32: (length: number) => new Float32Array(growable(length * 4), 0, length),
  alignedU8: (length: number) => new Uint8Array(growable(length), 0, length),
  alignedI32: (length: number) => new Int32Array(growable(length * 4), 0, length),
  alignedI64: (length: number) => new BigInt64Array(growable(length * 8), 0, length),
  alignedF64: (length: number) => new Float64Array(growable(length * 8), 0, length),
};
