import { benefitTiers, horizonDays, isActive } from "../campaign/coupon.js";
import { type Coupon, type CouponInput, type CouponKind, couponSchema } from "../campaign/coupon-schema.js";
import type { Random } from "../util/random.js";
import { ruleHolds } from "./attribute-rule.js";
import { type Calendar, MAX_HORIZON_DAYS, weightAhead } from "./calendar.js";
import { storeName } from "./catalogue.js";
import { AGE_BANDS, CITIES, NUM_STORES, TIERS, type UserLatents } from "./latents.js";
import type { Shop } from "./shop.js";

/** How much more, or less, a kind moves people than plain money off. */
const KIND_EFFECT: Record<CouponKind, number> = {
  "first-order": 0.2,
  "full-reduction": 0,
  percent: 0.05,
  amount: 0.075,
  "limited-time": 0.15,
  "gift-card": 0.3,
  birthday: 0.3,
  "member-only": 0.1,
};
const CHANNEL_BITS = { online: 1, offline: 2, both: 3 } as const;
const NUM_PROFILES = TIERS.length * CITIES.length * AGE_BANDS.length;

/** The catalogue as arrays over coupons (columns of the truth), ready for loops over users x coupons. */
export class CouponTable {
  readonly size: number;
  readonly coupons: Coupon[];
  /** share of a category's popularity that is in scope, Float64 [categories, coupons] */
  readonly scopeShare: Float64Array;
  /** share of all popularity that is in scope */
  readonly scopeMass: Float64Array;
  readonly horizonDays: Float64Array;
  /** season weight of the horizon */
  readonly horizonWeight: Float64Array;
  readonly kindEffect: Float64Array;
  readonly channelBits: Uint8Array;
  readonly isFirstOrder: Uint8Array;
  readonly isBirthday: Uint8Array;
  /** valid at asOf */
  readonly active: Uint8Array;
  readonly limit: Int32Array;
  /** smallest order value that gets anything */
  readonly minThreshold: Float64Array;
  readonly #tierOffsets: Int32Array;
  readonly #tierThreshold: Float64Array;
  readonly #tierAmount: Float64Array;
  readonly #tierRate: Float64Array;
  readonly #tierCap: Float64Array;
  readonly #storeMask: Int32Array;
  /** Uint8 [coupons, profiles] */
  readonly #ruleAllows: Uint8Array;
  readonly #scopeItems: (Int32Array | undefined)[];
  readonly #excludedItems: Set<number>[];
  readonly #shop: Shop;

  constructor(catalogue: CouponInput[], shop: Shop, calendar: Calendar) {
    const coupons = catalogue.map((coupon) => couponSchema.parse(coupon));
    const n = coupons.length;
    this.#shop = shop;
    this.size = n;
    this.coupons = coupons;
    const asOfMs = calendar.startMs + calendar.endSecond * 1000;
    const float = (f: (coupon: Coupon) => number) => Float64Array.from(coupons, f);
    const bytes = (f: (coupon: Coupon) => boolean) => Uint8Array.from(coupons, (coupon) => (f(coupon) ? 1 : 0));
    this.active = bytes((coupon) => isActive(coupon, asOfMs));
    // A coupon that is over has the horizon of its last round.
    this.horizonDays = float((coupon) => {
      const days = horizonDays(coupon, asOfMs);
      return Math.min(MAX_HORIZON_DAYS, days > 0 ? days : (coupon.ttlDays ?? MAX_HORIZON_DAYS));
    });
    this.horizonWeight = this.horizonDays.map((days) => weightAhead(calendar, days));
    this.kindEffect = float((coupon) => KIND_EFFECT[coupon.kind]);
    this.channelBits = Uint8Array.from(coupons, (coupon) => CHANNEL_BITS[coupon.channel]);
    this.isFirstOrder = bytes((coupon) => coupon.kind === "first-order");
    this.isBirthday = bytes((coupon) => coupon.kind === "birthday");
    this.limit = Int32Array.from(coupons, (coupon) => coupon.limitPerUser ?? 0x7fffffff);

    const tiers = coupons.map(benefitTiers);
    const flat = tiers.flat();
    this.#tierOffsets = new Int32Array(n + 1);
    tiers.forEach((list, c) => {
      this.#tierOffsets[c + 1] = this.#tierOffsets[c]! + list.length;
    });
    this.#tierThreshold = Float64Array.from(flat, (tier) => tier.thresholdMinor);
    this.#tierAmount = Float64Array.from(flat, (tier) => tier.amountMinor ?? 0);
    this.#tierRate = Float64Array.from(flat, (tier) => (tier.percent ?? 0) / 100);
    this.#tierCap = Float64Array.from(flat, (tier) => tier.maxDiscountMinor ?? Number.POSITIVE_INFINITY);
    this.minThreshold = Float64Array.from(tiers, (list) => list[0]!.thresholdMinor);

    const storeOf = new Map(Array.from({ length: NUM_STORES }, (_, i) => [storeName(i + 1), i + 1]));
    this.#storeMask = Int32Array.from(coupons, (coupon) =>
      coupon.stores.reduce((mask, store) => mask | (1 << storeOf.get(store)!), 0),
    );
    this.#ruleAllows = new Uint8Array(n * NUM_PROFILES);
    for (let c = 0; c < n; c++) this.#fillRules(c);

    this.scopeShare = new Float64Array(shop.numCategories * n);
    this.scopeMass = new Float64Array(n);
    this.#scopeItems = new Array(n);
    this.#excludedItems = new Array(n);
    const categoryOf = new Map(shop.categoryNames.map((name, i) => [name, i]));
    for (let c = 0; c < n; c++) this.#fillScope(c, categoryOf);
  }

  /** Discount on an order of this value, in minor units with fractions; 0 below the threshold. */
  discount(c: number, orderValue: number): number {
    let best = 0;
    const end = this.#tierOffsets[c + 1]!;
    for (let t = this.#tierOffsets[c]!; t < end; t++) {
      if (orderValue < this.#tierThreshold[t]!) break;
      const raw = Math.min(this.#tierAmount[t]! + this.#tierRate[t]! * orderValue, this.#tierCap[t]!, orderValue);
      if (raw > best) best = raw;
    }
    return best;
  }

  /** Whether the shop may hand the coupon to the user: consent, channel, store and rule. Not the kind's own rule. */
  mayHave(c: number, latents: UserLatents): boolean {
    if (!latents.consent || (this.channelBits[c]! & latents.channel) === 0) return false;
    const mask = this.#storeMask[c]!;
    if (mask !== 0 && (mask & (1 << latents.store)) === 0) return false;
    return this.#ruleAllows[c * NUM_PROFILES + profileOf(latents.tier, latents.city, latents.age)] === 1;
  }

  /** An item in the coupon's scope, by the user's tastes and the items' popularity. */
  drawItem(random: Random, c: number, latents: UserLatents): number {
    const listed = this.#scopeItems[c];
    if (listed !== undefined) return listed[random.int(listed.length)]!;
    const category = this.#drawCategory(random, c, latents);
    const { itemsByCategory, itemSampler } = this.#shop;
    const excluded = this.#excludedItems[c]!;
    let item = itemsByCategory[itemSampler.draw(random, category)]!;
    // Only a few items are excluded, and never a whole category, so this ends soon.
    while (excluded.has(item)) item = itemsByCategory[itemSampler.draw(random, category)]!;
    return item;
  }

  #drawCategory(random: Random, c: number, latents: UserLatents): number {
    const n = this.size;
    const { categoryMass, numCategories } = this.#shop;
    let own = 0;
    for (const taste of latents.tastes) own += this.scopeShare[taste * n + c]!;
    if (own > 0 && random.next() < 0.8) {
      let r = random.next() * own;
      for (const taste of latents.tastes) {
        r -= this.scopeShare[taste * n + c]!;
        if (r < 0) return taste;
      }
    }
    let r = random.next() * this.scopeMass[c]!;
    let last = 0;
    for (let g = 0; g < numCategories; g++) {
      const share = this.scopeShare[g * n + c]!;
      if (share === 0) continue;
      last = g;
      r -= share * categoryMass[g]!;
      if (r < 0) break;
    }
    return last;
  }

  #fillRules(c: number): void {
    const rule = this.coupons[c]!.eligibility;
    for (let tier = 0; tier < TIERS.length; tier++) {
      for (let city = 0; city < CITIES.length; city++) {
        for (let age = 0; age < AGE_BANDS.length; age++) {
          const attributes = { tier: TIERS[tier]!, city: CITIES[city]!, age_band: AGE_BANDS[age]! };
          const allows = rule === undefined || ruleHolds(rule, attributes);
          this.#ruleAllows[c * NUM_PROFILES + profileOf(tier, city, age)] = allows ? 1 : 0;
        }
      }
    }
  }

  #fillScope(c: number, categoryOf: Map<string, number>): void {
    const { scope } = this.coupons[c]!;
    const { categoryMass, category, popularity, numCategories } = this.#shop;
    const itemOf = (id: string) => Number(id.slice(1));
    const share = new Float64Array(numCategories);
    if (scope.all) share.fill(1);
    for (const name of scope.categories) share[categoryOf.get(name)!] = 1;
    for (const id of scope.items) {
      const g = category[itemOf(id)]!;
      share[g] = Math.min(1, share[g]! + popularity[itemOf(id)]! / categoryMass[g]!);
    }
    for (const name of scope.excludeCategories) share[categoryOf.get(name)!] = 0;
    for (const id of scope.excludeItems) {
      const g = category[itemOf(id)]!;
      share[g] = Math.max(0, share[g]! - popularity[itemOf(id)]! / categoryMass[g]!);
    }
    let mass = 0;
    for (let g = 0; g < numCategories; g++) {
      this.scopeShare[g * this.size + c] = share[g]!;
      mass += share[g]! * categoryMass[g]!;
    }
    this.scopeMass[c] = mass;
    this.#scopeItems[c] = scope.items.length > 0 ? Int32Array.from(scope.items, itemOf) : undefined;
    this.#excludedItems[c] = new Set(scope.excludeItems.map(itemOf));
  }
}

function profileOf(tier: number, city: number, age: number): number {
  return (tier * CITIES.length + city) * AGE_BANDS.length + age;
}
