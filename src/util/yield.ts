/** What a loop on the main thread may take before the event loop gets a turn. */
const TURN_MS = 2;
/** When the event loop last turned here: one for all loops, so that many short ones in a row let it turn, too. */
let turned = 0;

/** Lets the event loop turn. */
export async function yieldToEventLoop(): Promise<void> {
  await new Promise(setImmediate);
  turned = performance.now();
}

/** Whether the event loop should get a turn: for steps of well below a millisecond. */
const turnIsDue = () => performance.now() - turned >= TURN_MS;

/** Rows that are read or written at a time: a millisecond or two of work on their ids. */
export const ROWS_PER_YIELD = 4096;
/** Rows between two looks at the clock. */
const ROWS_PER_LOOK = 64;

/** Calls `visit(i)` for i in [0, count), yielding on the way; `checkpoint`, called before a yield, may throw to stop. */
export async function forEachYielding(
  count: number,
  visit: (index: number) => void,
  checkpoint?: () => void,
): Promise<void> {
  for (let begin = 0; begin < count; begin += ROWS_PER_LOOK) {
    if (turnIsDue()) {
      checkpoint?.();
      await yieldToEventLoop();
    }
    const end = Math.min(begin + ROWS_PER_LOOK, count);
    for (let index = begin; index < end; index++) visit(index);
  }
}

/** Elements of a copy between two looks at the clock: a megabyte or two, well below a millisecond. */
const ELEMENTS_PER_LOOK = 262_144;

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
  for (let begin = 0; begin < source.length; begin += ELEMENTS_PER_LOOK) {
    if (turnIsDue()) await yieldToEventLoop();
    target.set(source.subarray(begin, begin + ELEMENTS_PER_LOOK), begin);
  }
  return target;
}
