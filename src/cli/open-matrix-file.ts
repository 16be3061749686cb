import { resolve } from "node:path";
import { CouponcastError } from "../errors.js";
import type { Matrix } from "../store/matrix.js";

/** openMatrix for a file that a person named: of another kind of file the error says what was expected. */
export async function openMatrixFile(path: string): Promise<Matrix> {
  const { openMatrix } = await import("../store/matrix.js");
  try {
    return await openMatrix(path);
  } catch (thrown) {
    if (!(thrown instanceof CouponcastError) || thrown.code !== "ERR_COUPONCAST_CORRUPT_FILE") throw thrown;
    const { code, message } = thrown;
    throw new CouponcastError(code, message, {
      cause: thrown,
      file: resolve(path),
      hint: "Expected a behaviour matrix as `couponcast ingest` writes it; `couponcast inspect` shows what a file is.",
    });
  }
}
