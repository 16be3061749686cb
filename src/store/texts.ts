import { CouponcastError } from "../errors.js";
import { yieldToEventLoop } from "../util/yield.js";

/** Texts from their bytes and offsets, as files hold ids, in batches. Errors: ERR_COUPONCAST_CORRUPT_FILE. */
export async function* textsOf(
  path: string,
  offsets: BigInt64Array,
  bytes: Uint8Array,
  batch = 8192,
): AsyncGenerator<string[]> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let begin = 0; begin + 1 < offsets.length; begin += batch) {
    const ids: string[] = [];
    for (let row = begin; row < Math.min(begin + batch, offsets.length - 1); row++) {
      const [from, to] = [Number(offsets[row]!), Number(offsets[row + 1]!)];
      if (!(from >= 0 && from <= to && to <= bytes.length)) {
        throw new CouponcastError("ERR_COUPONCAST_CORRUPT_FILE", `${path}: the id of row ${row} is outside its bytes`, {
          file: path,
        });
      }
      ids.push(text.toString("utf8", from, to));
    }
    yield ids;
    await yieldToEventLoop();
  }
}
