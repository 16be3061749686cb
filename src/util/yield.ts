/** Lets the event loop turn: long loops on the main thread call it every few thousand rows. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise(setImmediate);
}

/** Rows between two yields: about a millisecond of simple work. */
export const ROWS_PER_YIELD = 16_384;

/** Calls `visit(i)` for i in [0, count), yielding on the way. */
export async function forEachYielding(count: number, visit: (index: number) => void): Promise<void> {
  for (let begin = 0; begin < count; begin += ROWS_PER_YIELD) {
    const end = Math.min(begin + ROWS_PER_YIELD, count);
    for (let index = begin; index < end; index++) visit(index);
    if (end < count) await yieldToEventLoop();
  }
}
