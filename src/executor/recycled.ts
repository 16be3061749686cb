import { type AnyTypedArray, addon } from "../native/addon.js";
import { yieldToEventLoop } from "../util/yield.js";
import { shared } from "./executor.js";

/** Arrays that may be taken anew, the oldest first. */
const free: { kind: Kind; array: WeakRef<object>; length: number }[] = [];
const MAX_FREE = 32;
/** Where large pages save more than what they round up. */
const LARGE_BYTES = 2 ** 22;
/** Zeros to write before the event loop gets a turn. */
const ZEROS_AT_ONCE = 2 ** 20;

type Kind = keyof typeof shared;
type ArrayOf<K extends Kind> = ReturnType<(typeof shared)[K]>;

/**
 * Arrays of `shared` for calls that are made one after the other: what a call is done with, the next one writes to, until
 * the garbage collector takes it. The first write to fresh memory costs more than what many a kernel does with it.
 */
export class Recycled {
  readonly #taken: { kind: Kind; array: object; length: number }[] = [];

  /** An array that holds anything; of the aligned kinds on large pages where the system has them, which pay once they are used again. */
  take<K extends Kind>(kind: K, length: number): ArrayOf<K> {
    return this.#keep(kind, find(kind, length) ?? make(kind, length));
  }

  async takeZeros(length: number): Promise<Float32Array> {
    const array = find("f32", length);
    if (array === undefined) return this.#keep("f32", shared.f32(length));
    for (let begin = 0; begin < length; begin += ZEROS_AT_ONCE) {
      array.fill(0, begin, begin + ZEROS_AT_ONCE);
      await yieldToEventLoop();
    }
    return this.#keep("f32", array);
  }

  #keep<K extends Kind>(kind: K, array: ArrayOf<K>): ArrayOf<K> {
    this.#taken.push({ kind, array, length: array.length });
    return array;
  }

  /** Gives all back but those that are `kept`: nobody may use them any longer, and no thread write to them. */
  giveBack(kept: readonly object[] = []): void {
    for (const { kind, array, length } of this.#taken.splice(0)) {
      if (!kept.includes(array)) free.push({ kind, array: new WeakRef(array), length });
    }
    free.splice(0, free.length - MAX_FREE);
  }
}

function make<K extends Kind>(kind: K, length: number): ArrayOf<K> {
  const array: AnyTypedArray = shared[kind](length);
  if (kind.startsWith("aligned") && array.byteLength >= LARGE_BYTES) {
    addon().preferLargePages({ memory: new Uint8Array(array.buffer, array.byteOffset, array.byteLength) });
  }
  return array as ArrayOf<K>;
}

function find<K extends Kind>(kind: K, length: number): ArrayOf<K> | undefined {
  for (let place = free.length - 1; place >= 0; place--) {
    const entry = free[place]!;
    const array = entry.array.deref();
    if (array !== undefined && (entry.kind !== kind || entry.length !== length)) continue;
    free.splice(place, 1);
    if (array !== undefined) return array as ArrayOf<K>;
  }
  return undefined;
}
