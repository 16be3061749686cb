/** The thread of a run: DuckDB's appends and closings and the drawing of charts would hold up the caller's event loop. */
import { parentPort, workerData } from "node:worker_threads";
import { type ErrorData, errorData } from "../errors.js";
import { closeExecutors, type Progress } from "../executor/executor.js";
import { type RunResult, runPipeline } from "./pipeline.js";

export interface RunWorkerData {
  path: string;
  out: string;
  threads: number;
  force: boolean;
}

export type RunMessage =
  | { kind: "progress"; progress: Progress }
  | { kind: "stage"; name: string; state: "start" | "reused" | "done" }
  | { kind: "result"; result: RunResult }
  | { kind: "error"; error: ErrorData };

const port = parentPort;
if (port === null) throw new Error("run-worker runs in a worker thread only");
const tell = (message: RunMessage) => port.postMessage(message);

const { path, ...options } = workerData as RunWorkerData;
const controller = new AbortController();
port.once("message", () => controller.abort());
try {
  const result = await runPipeline(path, {
    ...options,
    signal: controller.signal,
    onProgress: (progress) => tell({ kind: "progress", progress }),
    onStage: (name, state) => tell({ kind: "stage", name, state }),
  });
  tell({ kind: "result", result });
} catch (thrown) {
  tell({ kind: "error", error: errorData(thrown) });
} finally {
  await closeExecutors();
  port.close();
}
