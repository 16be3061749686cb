import { isDeepStrictEqual } from "node:util";
import { expect } from "vitest";

function bytes(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
}

/** Compares answers: typed arrays byte by byte (and quickly, whatever their size), the rest by value. */
export function expectSameBytes(actual: unknown, expected: unknown, what = "answer"): void {
  if (ArrayBuffer.isView(expected)) {
    expect(ArrayBuffer.isView(actual) && bytes(actual).equals(bytes(expected)), `${what}: other bytes`).toBe(true);
  } else if (typeof expected === "object" && expected !== null && !Array.isArray(expected)) {
    expect(Object.keys(actual as object).sort(), what).toEqual(Object.keys(expected).sort());
    for (const [key, value] of Object.entries(expected))
      expectSameBytes((actual as Record<string, unknown>)[key], value, `${what}.${key}`);
  } else {
    expect(isDeepStrictEqual(actual, expected), `${what}: other values`).toBe(true);
  }
}
