import type { ByteSink } from "./byte-sink.js";
import { storeName } from "./catalogue.js";
import type { CouponTable } from "./coupon-table.js";
import type { Offer } from "./history.js";
import { AGE_BANDS, CITIES, TIERS, USER_CHANNELS, type UserLatents } from "./latents.js";
import { BEHAVIOURS, PURCHASE, type SessionModel } from "./sessions.js";
import { TIME_TEXT, type TimeText } from "./time-text.js";

export const EVENTS_HEADER = "user_id,item_id,behaviour,time,quantity,price_minor,order_id\n";
export const USERS_HEADER = "user_id,tier,birthday,consent,channel,store,joined,city,age_band\n";
export const REDEMPTIONS_HEADER = "user_id,coupon_id,offered_at,treated,redeemed,redeemed_at,converted\n";

const COMMA = 44;
const NEWLINE = 10;
const DASH = 45;

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const BEHAVIOUR_BYTES = BEHAVIOURS.map((behaviour) => ascii(`,${behaviour},`));

/** The item ids as bytes, all of one width. */
export class IdBytes {
  readonly #digits: number;
  readonly #bytes: Uint8Array;

  /** prefix: one character; ids as in paddedId. */
  constructor(prefix: string, count: number) {
    this.#digits = String(count - 1).length;
    this.#bytes = new Uint8Array(count * this.width);
    for (let i = 0; i < count; i++) {
      let at = (i + 1) * this.width;
      this.#bytes[i * this.width] = prefix.charCodeAt(0);
      for (let rest = i, d = 0; d < this.#digits; d++, rest = (rest / 10) | 0) this.#bytes[--at] = 48 + (rest % 10);
    }
  }

  get width(): number {
    return 1 + this.#digits;
  }

  write(sink: ByteSink, index: number): void {
    sink.copy(this.#bytes, index * this.width, (index + 1) * this.width);
  }
}

/** One line for each event of the user. An order id is the user's digits and a number: 0000123-4. */
export function writeEvents(
  sink: ByteSink,
  userId: string,
  items: IdBytes,
  sessions: SessionModel,
  timeText: TimeText,
): void {
  const user = ascii(`${userId},`);
  const { second, item, behaviour, quantity, priceMinor, order, numEvents } = sessions;
  const longest = 2 * user.length + items.width + 64;
  for (let i = 0; i < numEvents; i++) {
    sink.reserve(longest);
    sink.copy(user, 0, user.length);
    items.write(sink, item[i]!);
    const kind = behaviour[i]!;
    const text = BEHAVIOUR_BYTES[kind]!;
    sink.copy(text, 0, text.length);
    timeText.write(sink, second[i]!);
    sink.byte(COMMA);
    if (kind === PURCHASE) {
      sink.byte(48 + quantity[i]!);
      sink.byte(COMMA);
      sink.number(priceMinor[i]!);
      sink.byte(COMMA);
      sink.copy(user, 1, user.length - 1);
      sink.byte(DASH);
      sink.number(order[i]!);
    } else {
      sink.byte(COMMA);
      sink.byte(COMMA);
    }
    sink.byte(NEWLINE);
  }
}

function dateText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The user's line of the users table: attributes only, no latent variable. */
export function writeUser(sink: ByteSink, userId: string, latents: UserLatents): void {
  const birthday = Number.isNaN(latents.birthdayMs) ? "" : dateText(latents.birthdayMs);
  const store = latents.store === 0 ? "" : storeName(latents.store);
  const channel = USER_CHANNELS[latents.channel]!;
  const line = `${userId},${TIERS[latents.tier]!},${birthday},${latents.consent},${channel},${store},${dateText(latents.joinedMs)},${CITIES[latents.city]!},${AGE_BANDS[latents.age]!}\n`;
  sink.reserve(line.length);
  sink.text(line);
}

/** One line for each past offer of the user, and for each that was withheld by lot. */
export function writeOffers(
  sink: ByteSink,
  userId: string,
  offers: readonly Offer[],
  table: CouponTable,
  timeText: TimeText,
): void {
  for (const { coupon, offeredSecond, treated, converted, redeemedSecond } of offers) {
    const couponId = table.coupons[coupon]!.id;
    sink.reserve(userId.length + couponId.length + 2 * TIME_TEXT + 12);
    sink.text(userId);
    sink.byte(COMMA);
    sink.text(couponId);
    sink.byte(COMMA);
    timeText.write(sink, offeredSecond);
    sink.byte(COMMA);
    sink.byte(treated ? 49 : 48);
    sink.byte(COMMA);
    sink.byte(redeemedSecond >= 0 ? 49 : 48);
    sink.byte(COMMA);
    if (redeemedSecond >= 0) timeText.write(sink, redeemedSecond);
    sink.byte(COMMA);
    sink.byte(converted ? 49 : 48);
    sink.byte(NEWLINE);
  }
}
