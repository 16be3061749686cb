import { join } from "node:path";
import { readText } from "../campaign/read-text.js";
import { CouponcastError, invalidArgument } from "../errors.js";

const MAX_MANIFEST_BYTES = 2 ** 26;

export interface RunSummary {
  /** Of the campaign. */
  name: string;
  currency: string;
  marginRate: number;
}

/** What the evaluation needs of run.json. Errors: ERR_COUPONCAST_IO, _CORRUPT_FILE. */
export async function readRunSummary(folder: string): Promise<RunSummary> {
  const path = join(folder, "run.json");
  let text: string;
  try {
    text = await readText(path, MAX_MANIFEST_BYTES);
  } catch (cause) {
    throw new CouponcastError("ERR_COUPONCAST_IO", (cause as Error).message, {
      cause,
      file: path,
      hint: "RESULT is the folder that `couponcast run --out` made.",
    });
  }
  try {
    const { format, campaign } = JSON.parse(text);
    const { name, currency, economics } = campaign;
    const { marginRate } = economics;
    if (format !== "couponcast-run" || typeof name !== "string" || !/^[A-Z]{3}$/.test(currency))
      throw invalidArgument("it is no manifest of a run");
    if (typeof marginRate !== "number" || !(marginRate >= 0 && marginRate <= 1))
      throw invalidArgument(`economics.marginRate is ${String(marginRate)}`);
    return { name, currency, marginRate };
  } catch (cause) {
    throw new CouponcastError("ERR_COUPONCAST_CORRUPT_FILE", `${path}: ${(cause as Error).message}`, {
      cause,
      file: path,
    });
  }
}
