/** What every long call takes, and its checks. */
import { availableParallelism } from "node:os";
import { invalidArgument } from "../errors.js";
import { callbackOf, shown } from "../util/arguments.js";

export interface Progress {
  /** What is being done, in a word or two. */
  stage: string;
  /** Work done and to do, in units of work (multiply-adds, rows or bytes); total is undefined where it is unknown. */
  done: number;
  total: number | undefined;
}

export interface RunOptions {
  /** Worker threads; default: the processors available. Results do not depend on it. */
  threads?: number | undefined;
  /** Stops the call within some 50 ms; it rejects with ERR_COUPONCAST_CANCELLED. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** For knownOptions. */
export const RUN_OPTIONS = { threads: true, signal: true, onProgress: true };

const MAX_THREADS = 1024;

export function checkThreads(threads: number | undefined): number {
  const count = threads ?? availableParallelism();
  if (!Number.isInteger(count) || count < 1 || count > MAX_THREADS) {
    throw invalidArgument(
      `expected an integer between 1 and ${MAX_THREADS} for threads but received ${String(threads)}`,
    );
  }
  return count;
}

/** Refuses what is no signal or no callback, which would show when it is used, if ever. Returns the number of threads. */
export function checkRunOptions({ threads, signal, onProgress }: RunOptions): number {
  const isSignal = typeof signal?.aborted === "boolean" && typeof signal.addEventListener === "function";
  if ((signal ?? undefined) !== undefined && !isSignal)
    throw invalidArgument(`expected an AbortSignal for signal but received ${shown(signal)} of type ${typeof signal}`);
  callbackOf("onProgress", onProgress);
  return checkThreads(threads);
}
