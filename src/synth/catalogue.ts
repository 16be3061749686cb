import { COUPON_KINDS, type CouponInput, type CouponKind, type Rule } from "../campaign/coupon-schema.js";
import { Random } from "../util/random.js";
import { CITIES, NUM_STORES } from "./latents.js";
import { paddedId, STREAM } from "./model.js";
import type { SynthPlan } from "./options.js";
import type { Shop } from "./shop.js";

const DAY_MS = 86_400_000;
/** An order against the price of one piece, roughly: amounts and thresholds are chosen by it. */
const ORDER_PIECES = 1.7;

/** How often each kind comes after the first eight, which are one of each. */
const KIND_SHARES: Record<CouponKind, number> = {
  "first-order": 0.05,
  "full-reduction": 0.2,
  percent: 0.22,
  amount: 0.2,
  "limited-time": 0.14,
  "gift-card": 0.05,
  birthday: 0.05,
  "member-only": 0.09,
};

type Benefit = Pick<CouponInput, "amountMinor" | "percent" | "tiers" | "thresholdMinor" | "maxDiscountMinor">;

export function storeName(store: number): string {
  return `S${String(store).padStart(2, "0")}`;
}

/** Prices that a shop would print: whole halves of a major unit, at least one. */
function tidy(minor: number): number {
  return Math.max(50, Math.round(minor / 50) * 50);
}

function drawKind(random: Random): CouponKind {
  let r = random.next();
  for (const kind of COUPON_KINDS) {
    r -= KIND_SHARES[kind];
    if (r < 0) return kind;
  }
  return "percent";
}

function distinct(count: number, draw: () => number): number[] {
  const seen = new Set<number>();
  // Draws repeat: give up after a while with fewer.
  for (let tries = 0; seen.size < count && tries < 50 * count; tries++) seen.add(draw());
  return [...seen].sort((a, b) => a - b);
}

/** A scope and the popularity-weighted price in it. Most scopes are some categories, up to a seventh of them. */
function drawScope(random: Random, shop: Shop): { scope: NonNullable<CouponInput["scope"]>; price: number } {
  const itemId = (item: number) => paddedId("I", item, shop.numItems);
  const anyCategory = () => random.int(shop.numCategories);
  const priceOf = (categories: number[]): number => {
    let mass = 0;
    let value = 0;
    for (const c of categories) {
      mass += shop.categoryMass[c]!;
      value += shop.categoryMass[c]! * shop.categoryPrice[c]!;
    }
    return value / mass;
  };
  const itemsOf = (category: number, count: number) =>
    distinct(count, () => shop.itemsByCategory[shop.itemSampler.draw(random, category)]!);
  const everything = Array.from({ length: shop.numCategories }, (_, c) => c);
  const r = random.next();
  if (r < 0.06) return { scope: { all: true }, price: priceOf(everything) };
  if (r < 0.1) {
    const out = distinct(1 + random.int(2), anyCategory);
    const excludeCategories = out.map((c) => shop.categoryNames[c]!);
    return { scope: { all: true, excludeCategories }, price: priceOf(everything.filter((c) => !out.includes(c))) };
  }
  if (r < 0.18) {
    const category = anyCategory();
    const items = itemsOf(category, 20 + random.int(41));
    return { scope: { items: items.map(itemId) }, price: shop.categoryPrice[category]! };
  }
  const chosen = distinct(1 + random.int(Math.max(3, Math.round(shop.numCategories * 0.14))), anyCategory);
  const categories = chosen.map((c) => shop.categoryNames[c]!);
  if (r < 0.25) {
    // One to three items of the first category are out of the offer, never all of it.
    const size = shop.categoryOffsets[chosen[0]! + 1]! - shop.categoryOffsets[chosen[0]!]!;
    const excludeItems = size > 4 ? itemsOf(chosen[0]!, 1 + random.int(3)).map(itemId) : [];
    return { scope: { categories, excludeItems }, price: priceOf(chosen) };
  }
  return { scope: { categories }, price: priceOf(chosen) };
}

/** `order`: usual order value in scope. */
function drawBenefit(random: Random, kind: CouponKind, order: number, wide: boolean): Benefit {
  // A shop gives less off everything than off some categories, and about half of its margin.
  const depth = (0.12 + 0.08 * random.next()) * (wide ? 0.4 : 1);
  const percent = 5 * Math.max(1, Math.round((100 * depth) / 5));
  const threshold = order * (0.7 + 0.7 * random.next());
  switch (kind) {
    case "full-reduction":
      return {
        tiers: [0.8, 1.4, 2.2].map((step, i) => ({
          thresholdMinor: tidy(order * step),
          amountMinor: tidy(order * step * depth * (0.8 + 0.2 * i)),
        })),
      };
    case "percent":
    case "member-only":
    case "limited-time": {
      const maxDiscountMinor = tidy((1.5 * order * percent) / 100);
      return random.next() < 0.5
        ? { percent, maxDiscountMinor }
        : { percent, maxDiscountMinor, thresholdMinor: tidy(threshold * 0.7) };
    }
    case "gift-card":
      return { amountMinor: tidy(order * depth) };
    case "first-order":
      return { amountMinor: tidy(order * 1.3 * depth), thresholdMinor: tidy(threshold * 0.6) };
    case "birthday":
      return random.next() < 0.5
        ? { percent, maxDiscountMinor: tidy(order * 0.5) }
        : { amountMinor: tidy(order * depth) };
    case "amount":
      return { amountMinor: tidy(threshold * depth), thresholdMinor: tidy(threshold) };
  }
}

function drawRule(random: Random, kind: CouponKind): Rule | undefined {
  if (kind === "member-only") {
    return random.next() < 0.6
      ? { attribute: "tier", op: "in", value: ["silver", "gold", "platinum"] }
      : { attribute: "tier", op: "in", value: ["gold", "platinum"] };
  }
  const r = random.next();
  if (kind === "first-order" || kind === "birthday" || r > 0.18) return undefined;
  const cities = distinct(2 + random.int(3), () => random.int(CITIES.length)).map((c) => CITIES[c]!);
  if (r < 0.06) return { attribute: "city", op: "in", value: cities };
  if (r < 0.1) return { attribute: "age_band", op: "in", value: ["18-24", "25-34"] };
  if (r < 0.14) return { not: { attribute: "tier", op: "eq", value: "platinum" } };
  return {
    or: [
      { attribute: "tier", op: "eq", value: "gold" },
      {
        and: [
          { attribute: "city", op: "in", value: cities },
          { attribute: "age_band", op: "ne", value: "65+" },
        ],
      },
    ],
  };
}

/** Window and ttl, such that a coupon handed out at asOf can be redeemed for 30 days at most. */
function drawValidity(random: Random, kind: CouponKind, asOfMs: number, index: number): Partial<CouponInput> {
  const day = (offset: number) => new Date(asOfMs + offset * DAY_MS).toISOString();
  const iso = (offset: number) => day(offset).replace(".000Z", "Z");
  const r = random.next();
  const before = 10 + random.int(110);
  const after = 31 + random.int(60);
  const shortTtl = 3 + random.int(5);
  const longTtl = [7, 14, 21, 30][random.int(4)]!;
  const ttlDays = kind === "limited-time" ? shortTtl : kind === "birthday" ? 30 : longTtl;
  // The first of each kind is on now; the ninth is over, so that every larger catalogue has one that is.
  if (index === COUPON_KINDS.length || (index > COUPON_KINDS.length && r < 0.08)) {
    return { validFrom: iso(-before - 60), validUntil: iso(-1 - random.int(40)), ttlDays };
  }
  if (index > COUPON_KINDS.length && r < 0.11) {
    return { validFrom: iso(5 + random.int(10)), validUntil: iso(after), ttlDays };
  }
  if (r < 0.3) return { ttlDays };
  if (r < 0.4) return { validFrom: iso(-before), validUntil: iso(8 + random.int(22)) };
  if (r < 0.5) {
    // Wall clock of a zone: midnight there.
    const local = (offset: number) => `${day(offset).slice(0, 10)}T00:00:00`;
    return { validFrom: local(-before), validUntil: local(after), timeZone: "Europe/Berlin", ttlDays };
  }
  return { validFrom: iso(-before), validUntil: iso(after), ttlDays };
}

function drawChannel(random: Random): Partial<CouponInput> {
  const r = random.next();
  const stores = distinct(5 + random.int(6), () => 1 + random.int(NUM_STORES)).map(storeName);
  if (r < 0.6) return {};
  if (r < 0.85) return { channel: "online" };
  return r < 0.92 ? { channel: "offline" } : { channel: "offline", stores };
}

/**
 * The coupon catalogue of a shop: one coupon of each kind first, then a mixture. Order values of the coupons' scopes
 * set their amounts, the number of users sets stock and budgets. O(coupons).
 */
export function buildCatalogue(plan: SynthPlan, shop: Shop): CouponInput[] {
  const random = new Random(plan.seed, STREAM.coupons);
  return Array.from({ length: plan.coupons }, (_, index) => {
    const kind = COUPON_KINDS[index] ?? drawKind(random);
    const { scope, price } = drawScope(random, shop);
    const order = price * ORDER_PIECES;
    const coupon: CouponInput = {
      id: paddedId("C", index, plan.coupons),
      kind,
      ...drawBenefit(random, kind, order, scope.all === true),
      ...drawValidity(random, kind, plan.asOfMs, index),
      ...drawChannel(random),
      scope,
    };
    const rule = drawRule(random, kind);
    if (rule !== undefined) coupon.eligibility = rule;
    const isWide = scope.all === true;
    // What suits many is short, or there would be nothing to decide; the kinds for few limit themselves.
    const pieces = Math.max(1, Math.round(plan.users * (0.01 + (isWide ? 0.04 : 0.14) * random.next())));
    const hasStock = kind !== "first-order" && kind !== "birthday";
    const hasBudget = random.next() < 0.4;
    if (hasStock) coupon.stock = pieces;
    // About one in twenty is redeemed, with about a fifth of the order off.
    if (hasBudget) coupon.budgetMinor = Math.max(1000, Math.round((pieces * order * 0.01) / 100) * 100);
    const limit = random.next();
    if (kind === "first-order" || kind === "birthday" || limit < 0.4) coupon.limitPerUser = 1;
    else if (limit < 0.6) coupon.limitPerUser = 2;
    const group = random.next();
    if (kind === "first-order") coupon.exclusiveGroup = "welcome";
    else if (kind === "gift-card") coupon.exclusiveGroup = "gift";
    else if (group < 0.15) coupon.exclusiveGroup = "season";
    else if (group < 0.25) coupon.exclusiveGroup = "basket";
    return coupon;
  });
}
