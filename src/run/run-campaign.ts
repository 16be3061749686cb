import { resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { CouponcastError, errorFromData, invalidArgument } from "../errors.js";
import { checkRunOptions, onClose, RUN_OPTIONS, type RunOptions, threadError } from "../executor/executor.js";
import { booleanOf, callbackOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import type { RunResult } from "./pipeline.js";
import type { RunMessage, RunWorkerData } from "./run-worker.js";
import type { OnStage } from "./stage-runner.js";

export type { RunResult } from "./pipeline.js";

export interface RunCampaignOptions extends RunOptions {
  /** Folder of the outputs. It appears whole, by one rename. */
  out: string;
  /** Replace the outputs of another run in `out`; default false. */
  force?: boolean | undefined;
  /** Told when a stage starts, is found finished, or ends. */
  onStage?: OnStage | undefined;
}

/**
 * The whole distribution run: behaviour logs, coupons and a budget in; an explained, certified assignment out.
 *
 * Works on a thread of its own, beside `threads` more for the kernels; the caller's event loop is not held. Stages read
 * and write files in a hidden folder beside `out`; a stage whose inputs are unchanged is not run again, so a killed run
 * continues and ends with the same bytes (all but `timings` in run.json). `out` holds assignments.parquet,
 * withheld.parquet, segments.parquet, rejected.parquet, report.html and run.json, all or none. The same bytes for any
 * number of threads.
 *
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (campaign, inputs; `out` holds something else), _IO (files; another run works
 * on `out`), _CANCELLED, _CLOSED (closeExecutors) and those of the stages; what a callback throws. After an error `out`
 * is as it was.
 */
export async function runCampaign(path: string, options: RunCampaignOptions): Promise<RunResult> {
  if (typeof path !== "string" || path === "") throw invalidArgument("expected the path of a campaign file");
  knownOptions("runCampaign", options, { ...RUN_OPTIONS, out: true, force: true, onStage: true });
  if (typeof options.out !== "string" || options.out === "") throw invalidArgument("expected a folder in `out`");
  const { out, signal, onProgress } = options;
  const onStage = callbackOf("onStage", options.onStage);
  const workerData: RunWorkerData = {
    path,
    out: resolve(out),
    threads: checkRunOptions(options),
    force: booleanOf("force", options.force ?? false),
  };
  if (signal?.aborted) throw new CouponcastError("ERR_COUPONCAST_CANCELLED", "cancelled");

  const worker = new Worker(new URL("./run-worker.js", import.meta.url), { workerData });
  let outcome: { result: RunResult } | { error: unknown } | undefined;
  /** Wins over how the run then ends: why it was asked to stop. */
  let stopReason: { error: unknown } | undefined;
  const stop = () => worker.postMessage("stop");
  const fail = (error: unknown) => {
    stopReason ??= { error };
    stop();
  };
  worker.on("message", (message: RunMessage) => {
    if (message.kind === "result") outcome = { result: message.result };
    else if (message.kind === "error") outcome = { error: errorFromData(message.error) };
    else if (stopReason === undefined) {
      try {
        if (message.kind === "progress") onProgress?.(message.progress);
        else onStage?.(message.name, message.state);
      } catch (thrown) {
        fail(thrown);
      }
    }
  });
  worker.on("error", (thrown) => {
    outcome = { error: threadError(thrown) };
  });
  signal?.addEventListener("abort", stop, { once: true });
  const closed = onClose(fail);
  try {
    await new Promise((ended) => worker.once("exit", ended));
  } finally {
    closed();
    signal?.removeEventListener("abort", stop);
  }
  if (outcome !== undefined && "result" in outcome) return outcome.result;
  if (stopReason !== undefined) throw stopReason.error;
  throw outcome?.error ?? new CouponcastError("ERR_COUPONCAST_INTERNAL", "the thread of the run ended early");
}
