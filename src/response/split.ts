/** Which past offers a response model learns from, and which judge it. */
import { Random } from "../util/random.js";
import { forEachYielding } from "../util/yield.js";
import type { ResponseOptions } from "./model.js";
import type { OfferHistory } from "./past-offers.js";

export interface OfferSplit {
  train: number[];
  /** To calibrate with: half of the users that are held out, or none. */
  calibration: number[];
  /** To judge with. */
  heldOut: number[];
}

/** Splits the offers by user, so that no user is in two parts, and samples down to the cap; both by the seed. */
export async function splitOffers(history: OfferHistory, options: ResponseOptions): Promise<OfferSplit> {
  const keep = Math.min(1, options.maxTrainingOffers / Math.max(history.users.length, 1));
  const random = new Random(options.seed);
  const split: OfferSplit = { train: [], calibration: [], heldOut: [] };
  let user = -1;
  let part = split.train;
  let isKept = true;
  await forEachYielding(history.users.length, (i) => {
    if (history.users[i] !== user) {
      user = history.users[i]!;
      random.reseed(options.seed, user);
      const isHeldOut = random.next() < options.heldOutShare;
      isKept = random.next() < keep;
      const calibrates = options.calibration !== "none" && random.next() < 0.5;
      part = !isHeldOut ? split.train : calibrates ? split.calibration : split.heldOut;
    }
    if (isKept) part.push(i);
  });
  return split;
}
