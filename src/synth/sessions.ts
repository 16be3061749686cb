import { Random } from "../util/random.js";
import { type Calendar, DAY_SECONDS, dayAt } from "./calendar.js";
import type { CouponTable } from "./coupon-table.js";
import type { Offer } from "./history.js";
import type { UserLatents } from "./latents.js";
import { MEAN_BOOST, MODEL, STREAM } from "./model.js";
import type { Shop } from "./shop.js";

const BROWSE = 0;
const SEARCH = 1;
export const PURCHASE = 2;
export const BEHAVIOURS = ["browse", "search", "purchase"] as const;

/** Items bought last that a user comes back to. */
const RECENT = 16;
const LOG_GO = Math.log(MODEL.sessionGoesOn);
/** Room for the tag in a session's sort key: 0 ordinary, 1 + i the i-th redemption. */
const TAGS = 32;

/** Draws the events of users, one user at a time, into its own arrays: entry i of each is the i-th event by time. */
export class SessionModel {
  second = new Int32Array(1024);
  item = new Int32Array(1024);
  behaviour = new Uint8Array(1024);
  quantity = new Uint8Array(1024);
  priceMinor = new Int32Array(1024);
  /** number of the user's order, from 1 */
  order = new Int32Array(1024);
  numEvents = 0;
  numPurchases = 0;

  readonly #random = new Random(0);
  #starts = new Float64Array(1024);
  #sizes = new Int32Array(1024);
  readonly #recent = new Int32Array(RECENT);
  #numRecent = 0;

  constructor(
    readonly seed: number,
    readonly shop: Shop,
    readonly table: CouponTable,
    readonly calendar: Calendar,
  ) {}

  /**
   * Draws `count` events: strictly increasing seconds, all before asOf. Redeemed offers are turned into purchases
   * while events suffice (two each), and their redeemedSecond becomes that of the purchase.
   */
  draw(latents: UserLatents, count: number, offers: Offer[]): void {
    this.numEvents = 0;
    this.numPurchases = 0;
    this.#numRecent = 0;
    if (count === 0) return;
    this.#grow(count);
    const random = this.#random.reseed(this.seed, STREAM.events(latents.user));

    let room = count >>> 1;
    let numSessions = 0;
    let firstOrderSecond = 0;
    for (let i = 0; i < offers.length && room > 0; i++) {
      const { redeemedSecond, coupon } = offers[i]!;
      if (redeemedSecond < 0) continue;
      this.#starts[numSessions++] = redeemedSecond * TAGS + 1 + i;
      if (this.table.isFirstOrder[coupon] === 1) firstOrderSecond = redeemedSecond;
      room--;
    }
    const ordinary = count - 2 * numSessions;
    numSessions += this.#planSessions(random, latents, ordinary, numSessions);
    const starts = this.#starts.subarray(0, numSessions).sort();

    let clock = -1;
    let orders = 0;
    let size = 0;
    for (const key of starts) {
      const start = Math.floor(key / TAGS);
      const tag = key - start * TAGS;
      clock = Math.max(clock + 1, start);
      const bought = this.numPurchases;
      if (tag === 0) clock = this.#session(random, latents, this.#sizes[size++]!, clock, firstOrderSecond, orders + 1);
      else clock = this.#redemption(random, latents, offers[tag - 1]!, clock, orders + 1);
      if (this.numPurchases > bought) orders++;
    }
    this.#keepBeforeEnd(offers);
  }

  /** Cuts the ordinary events into sessions and draws their starts. Returns the number of sessions. */
  #planSessions(random: Random, latents: UserLatents, events: number, before: number): number {
    const { calendar } = this;
    let left = events;
    let n = 0;
    while (left > 0) {
      const size = Math.min(left, 1 + Math.floor(Math.log(1 - random.next()) / LOG_GO));
      left -= size;
      const day = dayAt(calendar, latents.beginDay, latents.endDay, random.next32());
      const hour = calendar.hours[random.uint32() >>> 20]!;
      const second = day * DAY_SECONDS + hour * 3600 + Math.floor(random.next32() * 3600);
      this.#sizes[n] = size;
      this.#starts[before + n++] = second * TAGS;
    }
    return n;
  }

  /** Looks and purchases until the session has its size. Returns the second of its last event. */
  #session(
    random: Random,
    latents: UserLatents,
    size: number,
    clock: number,
    noPurchaseBefore: number,
    order: number,
  ): number {
    const { shop } = this;
    const [w0, w1] = MODEL.tasteWeights;
    for (let left = size; left > 0; left--) {
      let item: number;
      let boost: number;
      if (this.#numRecent > 0 && random.next32() < MODEL.repeatShare) {
        item = this.#recent[Math.floor(random.next32() * Math.min(RECENT, this.#numRecent))]!;
        boost = MEAN_BOOST;
      } else {
        let category: number;
        if (random.next32() < MODEL.ownShare) {
          const r = random.next32();
          category = latents.tastes[r < w0 ? 0 : r < w0 + w1 ? 1 : 2]!;
          boost = MODEL.ownBoost;
        } else {
          category = shop.categorySampler.draw(random, 0);
          boost = MODEL.otherBoost;
        }
        item = shop.itemsByCategory[shop.itemSampler.draw(random, category)]!;
      }
      this.#push(clock, item, random.next32() < latents.searchShare ? SEARCH : BROWSE);
      if (left > 1 && random.next32() < latents.conversion * boost && clock >= noPurchaseBefore) {
        left--;
        clock += 10 + Math.floor(random.next32() * 240);
        const onSale = random.next32() < latents.saleShare;
        const price = onSale ? shop.salePriceMinor[item]! : shop.priceMinor[item]!;
        let quantity = 1;
        while (quantity < MODEL.maxQuantity && random.next32() < latents.basket) quantity++;
        this.#purchase(clock, item, quantity, price, order);
      }
      if (left > 1) clock += 5 + Math.floor(random.next32() * 150);
    }
    return clock;
  }

  /** A look and a purchase in the coupon's scope, at the list price, of enough pieces for the threshold if 9 do. */
  #redemption(random: Random, latents: UserLatents, offer: Offer, clock: number, order: number): number {
    const item = this.table.drawItem(random, offer.coupon, latents);
    const price = this.shop.priceMinor[item]!;
    const pieces = Math.ceil(this.table.minThreshold[offer.coupon]! / price);
    this.#push(clock, item, BROWSE);
    clock += 10 + Math.floor(random.next32() * 240);
    this.#purchase(clock, item, Math.max(1, Math.min(MODEL.maxQuantity, pieces)), price, order);
    offer.redeemedSecond = clock;
    return clock;
  }

  #push(second: number, item: number, behaviour: number): void {
    const i = this.numEvents++;
    this.second[i] = second;
    this.item[i] = item;
    this.behaviour[i] = behaviour;
  }

  #purchase(second: number, item: number, quantity: number, price: number, order: number): void {
    const i = this.numEvents;
    this.#push(second, item, PURCHASE);
    this.quantity[i] = quantity;
    this.priceMinor[i] = price;
    this.order[i] = order;
    this.numPurchases++;
    this.#recent[this.#numRecent++ % RECENT] = item;
  }

  /** The last sessions of a very busy user may run over the end: pushes them back, each event still on its own. */
  #keepBeforeEnd(offers: Offer[]): void {
    let latest = this.calendar.endSecond - 1;
    if (this.second[this.numEvents - 1]! <= latest) return;
    for (let i = this.numEvents - 1; i >= 0 && this.second[i]! > latest; i--) this.second[i] = latest--;
    for (const offer of offers) {
      if (offer.redeemedSecond >= this.calendar.endSecond) offer.redeemedSecond = this.calendar.endSecond - 1;
    }
  }

  #grow(count: number): void {
    if (count <= this.second.length) return;
    const capacity = Math.max(count, this.second.length * 2);
    this.second = new Int32Array(capacity);
    this.item = new Int32Array(capacity);
    this.behaviour = new Uint8Array(capacity);
    this.quantity = new Uint8Array(capacity);
    this.priceMinor = new Int32Array(capacity);
    this.order = new Int32Array(capacity);
    this.#sizes = new Int32Array(capacity);
    this.#starts = new Float64Array(capacity);
  }
}
