/** Which past offers a response model learns from, and which judge it. */
import { Random } from "../util/random.js";
import { forEachYielding } from "../util/yield.js";
import type { ResponseOptions } from "./model.js";
import type { OfferHistory } from "./past-offers.js";

/** The parts are positions in `kept`, ascending. */
export interface OfferSplit {
  /** int32, ascending: the offers of all parts. */
  kept: Int32Array;
  train: Int32Array;
  /** To calibrate with: half of the users that are held out, or none. */
  calibration: Int32Array;
  /** To judge with. */
  heldOut: Int32Array;
}

const TRAIN = 0;
const CALIBRATION = 1;
const HELD_OUT = 2;

/** Splits the offers by user, so that no user is in two parts, and samples down to the cap; both by the seed. */
export async function splitOffers(history: OfferHistory, options: ResponseOptions): Promise<OfferSplit> {
  const count = history.users.length;
  const keep = Math.min(1, options.maxTrainingOffers / Math.max(count, 1));
  const random = new Random(options.seed);
  const kept = new Int32Array(count);
  const parts = new Uint8Array(count);
  const sizes = [0, 0, 0];
  let numKept = 0;
  let user = -1;
  let part = TRAIN;
  let isKept = true;
  await forEachYielding(count, (i) => {
    if (history.users[i] !== user) {
      user = history.users[i]!;
      random.reseed(options.seed, user);
      const isHeldOut = random.next() < options.heldOutShare;
      isKept = random.next() < keep;
      const calibrates = options.calibration !== "none" && random.next() < 0.5;
      part = !isHeldOut ? TRAIN : calibrates ? CALIBRATION : HELD_OUT;
    }
    if (!isKept) return;
    kept[numKept] = i;
    parts[numKept++] = part;
    sizes[part]!++;
  });
  const rows = sizes.map((size) => new Int32Array(size));
  const ends = [0, 0, 0];
  await forEachYielding(numKept, (at) => {
    const own = parts[at]!;
    rows[own]![ends[own]!++] = at;
  });
  return {
    kept: kept.slice(0, numKept),
    train: rows[TRAIN]!,
    calibration: rows[CALIBRATION]!,
    heldOut: rows[HELD_OUT]!,
  };
}
