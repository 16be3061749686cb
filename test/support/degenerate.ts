/** Numbers and calls for tests of degenerate input. */
import fc from "fast-check";
import { expect } from "vitest";

/** Numbers that float32 can square, the smallest to 0. */
export const DEGENERATE_VALUES = [0, 1, 1, 2, -3, 7, 1e-44, 1e-30, 1e-8, 1e9, -1e18].map(Math.fround);
/** Numbers that float32 cannot square. */
export const HUGE_VALUES = [1e30, -3e38].map(Math.fround);

/** One to four of them. */
export const few = (values: readonly number[]) => fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 4 });

/** What a call answers; undefined where it says that its arguments are wrong. Any other error is one of the test. */
export async function answerOf<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    expect(error).toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT" });
    return undefined;
  }
}
