import { type Axis, addon } from "../native/addon.js";
import type { Matrix } from "../store/matrix.js";
import { yieldToEventLoop } from "../util/yield.js";

const BATCH = 8192;

/** The ids of all users or items of a matrix, in row order. */
export async function* matrixIds(matrix: Matrix, axis: Axis): AsyncGenerator<string[]> {
  const size = axis === "users" ? matrix.numUsers : matrix.numItems;
  const handle = addon().openMatrix({ path: matrix.path });
  try {
    for (let begin = 0; begin < size; begin += BATCH) {
      yield addon().matrixIds({ matrix: handle, axis, begin, end: Math.min(begin + BATCH, size) });
      await yieldToEventLoop();
    }
  } finally {
    addon().closeHandle({ handle });
  }
}
