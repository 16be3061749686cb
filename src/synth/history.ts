import { Random } from "../util/random.js";
import { type Calendar, DAY_SECONDS, MAX_HORIZON_DAYS } from "./calendar.js";
import type { CouponTable } from "./coupon-table.js";
import type { UserLatents } from "./latents.js";
import { MODEL, STREAM } from "./model.js";
import type { TruthRow } from "./truth-rows.js";

/** A past offer. Times are seconds of the history. */
export interface Offer {
  coupon: number;
  offeredSecond: number;
  /** false: chosen, but not sent the coupon (control) */
  treated: boolean;
  /** whether the user bought in scope within the horizon */
  converted: boolean;
  /** -1: not redeemed */
  redeemedSecond: number;
}

const DAY_MS = DAY_SECONDS * 1000;
/** Offers go out at 9 in the morning (counted from the start of the history). */
const OFFER_SECOND = 9 * 3600;
/** Draws until a coupon is found that the user may have. */
const MAX_DRAWS = 24;

/** Draws the past offers of users: at random, see model.ts. */
export class HistoryModel {
  readonly #random = new Random(0);
  readonly #ordinary: number[] = [];
  readonly #firstOrder: number[] = [];
  readonly #birthday: number[] = [];
  /** last second at which an offer could go out so that its outcome is known at asOf */
  readonly #lastSecond: number;

  constructor(
    readonly seed: number,
    readonly table: CouponTable,
    readonly calendar: Calendar,
  ) {
    for (let c = 0; c < table.size; c++) {
      if (table.isFirstOrder[c] === 1) this.#firstOrder.push(c);
      else if (table.isBirthday[c] === 1) this.#birthday.push(c);
      else this.#ordinary.push(c);
    }
    this.#lastSecond = (calendar.days - MAX_HORIZON_DAYS) * DAY_SECONDS;
  }

  /**
   * The user's past offers, ordered by time; at most offerRounds + 2 = 20.
   * truth: the user's row, Float32 [coupons] each.
   */
  draw(latents: UserLatents, truth: TruthRow): Offer[] {
    const offers: Offer[] = [];
    if (!latents.consent) return offers;
    const random = this.#random.reseed(this.seed, STREAM.history(latents.user));
    const { calendar } = this;
    const joinedSecond = (latents.joinedMs - calendar.startMs) / 1000;

    if (joinedSecond >= 0 && random.next() < MODEL.welcomeOfferShare) {
      this.#offer(random, latents, this.#firstOrder, joinedSecond, truth, offers);
    }
    const birthdaySecond = this.#birthdayOffer(latents);
    const celebrates = random.next() < MODEL.birthdayOfferShare;
    const span = (this.#lastSecond - OFFER_SECOND) / MODEL.offerRounds;
    for (let round = 0; round < MODEL.offerRounds; round++) {
      const second = Math.floor(((round + 0.5) * span) / DAY_SECONDS) * DAY_SECONDS + OFFER_SECOND;
      const offered = random.next() < MODEL.offerShare;
      if (!offered || second < joinedSecond) continue;
      this.#offer(random, latents, this.#ordinary, second, truth, offers);
    }
    if (celebrates && birthdaySecond >= Math.max(0, joinedSecond)) {
      this.#offer(random, latents, this.#birthday, birthdaySecond, truth, offers);
    }
    return offers.sort((a, b) => a.offeredSecond - b.offeredSecond || a.coupon - b.coupon);
  }

  /** First day of the user's last birthday month whose offer has an outcome; -1: none. */
  #birthdayOffer(latents: UserLatents): number {
    if (Number.isNaN(latents.birthdayMs)) return -1;
    const { startMs } = this.calendar;
    const month = new Date(latents.birthdayMs).getUTCMonth();
    const lastYear = new Date(startMs + this.#lastSecond * 1000).getUTCFullYear();
    for (const year of [lastYear, lastYear - 1]) {
      const second = Math.ceil((Date.UTC(year, month, 1) - startMs) / DAY_MS) * DAY_SECONDS + OFFER_SECOND;
      if (second <= this.#lastSecond) return second;
    }
    return -1;
  }

  #offer(
    random: Random,
    latents: UserLatents,
    among: number[],
    second: number,
    truth: TruthRow,
    offers: Offer[],
  ): void {
    if (among.length === 0 || second > this.#lastSecond) return;
    for (let tries = 0; tries < MAX_DRAWS; tries++) {
      const coupon = among[random.int(among.length)]!;
      if (!this.table.mayHave(coupon, latents) || !this.#free(coupon, second, offers)) continue;
      const treated = random.next() >= MODEL.controlShare;
      const chance = random.next();
      const converted = chance < (treated ? truth.with : truth.without)[coupon]!;
      const redeemed = treated && chance < truth.redeem[coupon]!;
      // Sooner rather than later.
      const wait = random.next();
      const after = Math.floor(this.table.horizonDays[coupon]! * DAY_SECONDS * (0.01 + 0.98 * wait * wait));
      offers.push({
        coupon,
        offeredSecond: second,
        treated,
        converted,
        redeemedSecond: redeemed ? second + after : -1,
      });
      return;
    }
  }

  /** Whether the user has no offer of the coupon running and has not used it up. */
  #free(coupon: number, second: number, offers: Offer[]): boolean {
    let redeemed = 0;
    for (const offer of offers) {
      if (offer.coupon !== coupon) continue;
      if (second < offer.offeredSecond + this.table.horizonDays[coupon]! * DAY_SECONDS) return false;
      if (offer.redeemedSecond >= 0) redeemed++;
    }
    return redeemed < this.table.limit[coupon]!;
  }
}
