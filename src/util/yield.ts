/** Lets the event loop turn: long loops on the main thread call it every few thousand rows. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise(setImmediate);
}

/** Rows between two yields: about a millisecond of simple work. */
export const ROWS_PER_YIELD = 16_384;

/** Calls `visit(i)` for i in [0, count), yielding on the way; `checkpoint`, called after each yield, may throw to stop. */
export async function forEachYielding(
  count: number,
  visit: (index: number) => void,
  checkpoint?: () => void,
): Promise<void> {
  for (let begin = 0; begin < count; begin += ROWS_PER_YIELD) {
    checkpoint?.();
    const end = Math.min(begin + ROWS_PER_YIELD, count);
    for (let index = begin; index < end; index++) visit(index);
    if (end < count) await yieldToEventLoop();
  }
}

/** Elements between two yields of a copy: a megabyte or two, well below a millisecond. */
const ELEMENTS_PER_YIELD = 262_144;

interface CopyTarget<T> {
  readonly length: number;
  set(from: T, offset: number): void;
}
interface CopySource<T> {
  readonly length: number;
  subarray(begin: number, end: number): T;
}

/** Copies a typed array to the front of another, yielding on the way. Returns the target. */
export async function copyYielding<S, T extends CopyTarget<S>>(target: T, source: CopySource<S>): Promise<T> {
  for (let begin = 0; begin < source.length; begin += ELEMENTS_PER_YIELD) {
    const end = Math.min(begin + ELEMENTS_PER_YIELD, source.length);
    target.set(source.subarray(begin, end), begin);
    if (end < source.length) await yieldToEventLoop();
  }
  return target;
}
