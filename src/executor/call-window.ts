import { type KernelCall, sendableArgs } from "./call.js";

/** Calls that threads take from a counter that they share, so that none waits for the main thread between two of them. */
export interface CallWindow {
  /** The index of its first call. */
  first: number;
  calls: readonly KernelCall[];
  taken: Int32Array;
}

/** A window goes to every thread: with more of them that costs more than it spares. */
const MAX_THREADS = 8;
const CALLS_OF_ALL = 128;

export function windowOf(calls: readonly KernelCall[], first: number, size: number): CallWindow {
  const some = calls.slice(first, first + size);
  return {
    first,
    calls: some.map(({ kernel, args }) => ({ kernel, args: sendableArgs(args) })),
    taken: new Int32Array(new SharedArrayBuffer(4)),
  };
}

/** How many calls a window may have. */
export const windowSize = (threads: number) => (threads <= MAX_THREADS ? Math.floor(CALLS_OF_ALL / threads) : 1);

export const isTaken = ({ calls, taken }: CallWindow) => Atomics.load(taken, 0) >= calls.length;
