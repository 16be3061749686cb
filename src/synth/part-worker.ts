/** A worker thread that writes parts. */
import { parentPort, workerData } from "node:worker_threads";
import { type ErrorData, errorData } from "../errors.js";
import type { Part } from "./activity.js";
import { type PartResult, type PartSetup, PartWriter } from "./part-writer.js";

export interface WorkerData {
  setup: PartSetup;
  /** Int32 [1] on shared memory: not 0 means stop */
  cancel: Int32Array;
}

export type WorkerReply =
  | { kind: "progress"; events: number }
  | { kind: "done"; result: PartResult }
  | { kind: "error"; error: ErrorData };

const port = parentPort;
if (port === null) throw new Error("part-worker runs in a worker thread only");
const { setup, cancel } = workerData as WorkerData;
let writer: PartWriter | undefined;
/** Events between two messages of progress. */
const REPORT_EVENTS = 100_000;

function writePart(part: Part): PartResult | undefined {
  writer ??= new PartWriter(setup);
  const steps = writer.write(part);
  let unreported = 0;
  for (;;) {
    const step = steps.next();
    if (step.done) {
      port!.postMessage({ kind: "progress", events: unreported } satisfies WorkerReply);
      return step.value;
    }
    unreported += step.value;
    if (unreported >= REPORT_EVENTS) {
      port!.postMessage({ kind: "progress", events: unreported } satisfies WorkerReply);
      unreported = 0;
    }
    if (Atomics.load(cancel, 0) !== 0) {
      steps.return(undefined as never);
      return undefined;
    }
  }
}

port.on("message", (part: Part) => {
  try {
    const result = writePart(part);
    if (result === undefined) return;
    port.postMessage({ kind: "done", result } satisfies WorkerReply, [result.users.buffer, result.redemptions.buffer]);
  } catch (thrown) {
    port.postMessage({ kind: "error", error: errorData(thrown) } satisfies WorkerReply);
  }
});
