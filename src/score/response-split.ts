/** Which past offers a response model learns from, and which judge it. */
import { Random } from "../util/random.js";
import { forEachYielding } from "../util/yield.js";
import type { OfferHistory } from "./past-offers.js";
import type { ResponseOptions } from "./response-model.js";

/** Splits the offers by user, so that no user is in both parts, and samples down to the cap; both by the seed. */
export async function splitOffers(history: OfferHistory, options: ResponseOptions) {
  const keep = Math.min(1, options.maxTrainingOffers / Math.max(history.users.length, 1));
  const random = new Random(options.seed);
  const train: number[] = [];
  const heldOut: number[] = [];
  let user = -1;
  let isHeldOut = false;
  let isKept = true;
  await forEachYielding(history.users.length, (i) => {
    if (history.users[i] !== user) {
      user = history.users[i]!;
      random.reseed(options.seed, user);
      isHeldOut = random.next() < options.heldOutShare;
      isKept = random.next() < keep;
    }
    if (isKept) (isHeldOut ? heldOut : train).push(i);
  });
  return { train, heldOut };
}
