import type { IngestProgress, IngestRequest } from "./ingest-types.js";

const PROGRESS_INTERVAL_MS = 250;

export interface Progress {
  enter(stage: IngestProgress["stage"], total?: number): void;
  /** Work of the stage that is finished for good. */
  advance(amount: number): void;
  update(done: number, total: number): void;
  stop(): void;
}

/** Reports at steps, and in between by what DuckDB says of the running statement. */
export function startProgress(running: () => number | undefined, onProgress: IngestRequest["onProgress"]): Progress {
  let current: IngestProgress = { stage: "read", done: 0, total: undefined };
  const report = (next: IngestProgress) => {
    current = next;
    onProgress?.(next);
  };
  const timer =
    onProgress === undefined
      ? undefined
      : setInterval(() => {
          const share = running();
          // Only reading and cleaning run long statements without steps of their own.
          if (share !== undefined && current.total === undefined) onProgress({ ...current, done: share, total: 1 });
        }, PROGRESS_INTERVAL_MS);
  timer?.unref();
  return {
    enter: (stage, total) => report({ stage, done: 0, total }),
    advance: (amount) => report({ ...current, done: current.done + amount }),
    update: (done, total) => report({ ...current, done, total }),
    stop: () => clearInterval(timer),
  };
}
