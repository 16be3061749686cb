import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { CouponcastError, errorFromData } from "../errors.js";
import type { Part } from "./activity.js";
import type { WorkerData, WorkerReply } from "./part-worker.js";
import { type PartResult, type PartSetup, PartWriter } from "./part-writer.js";

export interface RunPartsOptions {
  setup: PartSetup;
  parts: readonly Part[];
  threads: number;
  signal: AbortSignal | undefined;
  onEvents: (events: number) => void;
  /** Called once a part, in the order of the parts, never twice at a time. */
  consume: (result: PartResult) => Promise<void>;
}

export function cancelled(): CouponcastError {
  return new CouponcastError("ERR_COUPONCAST_CANCELLED", "synth was cancelled; nothing was written");
}

/** Writes all parts, on this thread or on workers. When it settles, no thread of it runs any more. */
export async function runParts(options: RunPartsOptions): Promise<void> {
  if (options.threads === 1 || options.parts.length === 1) await runHere(options);
  else await runOnWorkers(options);
}

/** On this thread, in slices of some milliseconds, so that timers and the signal get their turn. */
async function runHere({ setup, parts, signal, onEvents, consume }: RunPartsOptions): Promise<void> {
  const writer = new PartWriter(setup);
  for (const part of parts) {
    const steps = writer.write(part);
    let step = steps.next();
    try {
      while (!step.done) {
        onEvents(step.value);
        await nextTurn();
        if (signal?.aborted) throw cancelled();
        step = steps.next();
      }
    } finally {
      steps.return(undefined as never);
    }
    await consume(step.value);
  }
}

async function runOnWorkers(options: RunPartsOptions): Promise<void> {
  const { setup, parts, signal, onEvents } = options;
  const cancel = new Int32Array(new SharedArrayBuffer(4));
  const workerData: WorkerData = { setup, cancel };
  const numWorkers = Math.min(options.threads, parts.length);
  const workers = Array.from(
    { length: numWorkers },
    () => new Worker(new URL("./part-worker.js", import.meta.url), { workerData }),
  );
  let onAbort: (() => void) | undefined;
  let stopped = false;
  let draining: Promise<void> = Promise.resolve();
  try {
    await new Promise<void>((resolve, reject) => {
      // Results wait for their turn; no more than twice as many parts as workers are on the way.
      const waiting = new Map<number, PartResult>();
      const idle = [...workers];
      let sent = 0;
      let consumed = 0;

      const send = (): void => {
        while (idle.length > 0 && sent < parts.length && sent < consumed + 2 * numWorkers) {
          idle.pop()!.postMessage(parts[sent++]);
        }
      };
      const drain = async (): Promise<void> => {
        for (let next = waiting.get(consumed); next !== undefined && !stopped; next = waiting.get(consumed)) {
          waiting.delete(consumed);
          await options.consume(next);
          consumed++;
          send();
        }
        if (consumed === parts.length) resolve();
      };
      onAbort = () => reject(cancelled());
      if (signal?.aborted) onAbort();
      signal?.addEventListener("abort", onAbort, { once: true });
      for (const worker of workers) {
        worker.on("message", (reply: WorkerReply) => {
          if (stopped) return;
          if (reply.kind === "progress") onEvents(reply.events);
          else if (reply.kind === "error") reject(errorFromData(reply.error));
          else {
            waiting.set(reply.result.index, reply.result);
            idle.push(worker);
            send();
            draining = draining.then(drain);
            draining.catch(reject);
          }
        });
        worker.on("error", reject);
        worker.on("exit", (code) => {
          reject(new CouponcastError("ERR_COUPONCAST_INTERNAL", `a synth worker ended early with exit code ${code}`));
        });
      }
      send();
    });
  } finally {
    stopped = true;
    if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
    Atomics.store(cancel, 0, 1);
    await Promise.all(workers.map((worker) => worker.terminate()));
    // What is being written now must be done before the caller removes it.
    await draining.catch(() => undefined);
  }
}
