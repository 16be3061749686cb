import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { horizonDays, isActive } from "../../src/campaign/coupon.js";
import { COUPON_KINDS, couponSchema, type Rule } from "../../src/campaign/coupon-schema.js";
import { PART_EVENTS, PART_USERS, planActivity, planParts, roundToTotal } from "../../src/synth/activity.js";
import { AliasTables } from "../../src/synth/alias-table.js";
import { ruleHolds } from "../../src/synth/attribute-rule.js";
import { buildCalendar, DAY_SECONDS, dayAt, weightBetween } from "../../src/synth/calendar.js";
import { buildCatalogue } from "../../src/synth/catalogue.js";
import { drawLatents, UserLatents } from "../../src/synth/latents.js";
import { MODEL } from "../../src/synth/model.js";
import type { SynthPlan } from "../../src/synth/options.js";
import { calibrateBias, noPurchaseInSession, ResponseModel } from "../../src/synth/response.js";
import { PURCHASE, SessionModel } from "../../src/synth/sessions.js";
import { buildShop } from "../../src/synth/shop.js";
import { buildWorld } from "../../src/synth/world.js";
import { Random } from "../../src/util/random.js";
import { mean } from "./read-shop.js";

vi.setConfig({ testTimeout: 120_000 });

const plan: SynthPlan = {
  users: 4000,
  items: 2000,
  events: 400_000,
  coupons: 60,
  seed: 3,
  days: 365,
  asOfMs: Date.UTC(2025, 6, 1),
  format: "csv",
};

/** Every user's latents and events, without offers. */
function* simulate(
  latentsOnly = false,
): Generator<{ latents: UserLatents; sessions: SessionModel; response: ResponseModel }> {
  const activity = planActivity(plan);
  const world = buildWorld(plan);
  const response = new ResponseModel(world.shop, world.table, world.calendar, plan.events / activity.totalWeight);
  const sessions = new SessionModel(plan.seed, world.shop, world.table, world.calendar);
  const latents = new UserLatents();
  for (let user = 0; user < plan.users; user++) {
    drawLatents(world.random, plan.seed, user, world.shop, world.calendar, user === activity.forcedCold, latents);
    response.terms(latents);
    if (!latentsOnly) sessions.draw(latents, activity.counts[user]!, []);
    yield { latents, sessions, response };
  }
}

/** Slope of the least-squares line. */
function slope(x: number[], y: number[]): number {
  const mx = mean(x);
  const my = mean(y);
  return mean(x.map((v, i) => (v - mx) * (y[i]! - my))) / mean(x.map((v) => (v - mx) ** 2));
}

describe("roundToTotal", () => {
  it("adds up exactly and stays within one of the quota", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        (list, total) => {
          const weights = Float64Array.from(list);
          const sum = weights.reduce((a, b) => a + b, 0);
          fc.pre(sum > 1e-6);
          const counts = new Int32Array(weights.length);
          roundToTotal(weights, sum, total, counts);
          expect(counts.reduce((a, b) => a + b, 0)).toBe(total);
          counts.forEach((count, i) => {
            expect(Math.abs(count - (total * weights[i]!) / sum)).toBeLessThan(1 + 1e-6);
          });
        },
      ),
    );
  });

  it("gives ties to the smaller index", () => {
    const counts = new Int32Array(4);
    roundToTotal(Float64Array.of(1, 1, 1, 1), 4, 6, counts);
    expect([...counts]).toEqual([2, 2, 1, 1]);
  });
});

describe("activity", () => {
  it("is log-normal with the sigma of the model, adds up, and leaves some without events", () => {
    const activity = planActivity({ ...plan, users: 20_000, events: 20_000_000 });
    let total = 0;
    const logs: number[] = [];
    for (const count of activity.counts) {
      total += count;
      if (count > 0) logs.push(Math.log(count));
    }
    expect(total).toBe(20_000_000);
    const centre = mean(logs);
    const sigma = Math.sqrt(mean(logs.map((x) => (x - centre) ** 2)));
    expect(Math.abs(sigma - MODEL.activitySigma)).toBeLessThan(0.03);
    // Not only the width: quartiles of a normal lie 0.6745 sigma from its median.
    logs.sort((a, b) => a - b);
    const at = (q: number) => logs[Math.floor(q * logs.length)]!;
    expect(Math.abs((at(0.75) - at(0.25)) / (2 * 0.6745) - MODEL.activitySigma)).toBeLessThan(0.03);
    expect(Math.abs(activity.numCold / 20_000 - MODEL.coldShare)).toBeLessThan(0.005);
  });

  it("has a cold user even where chance makes none", () => {
    for (let seed = 0; seed < 20; seed++) {
      const { counts, numCold } = planActivity({ ...plan, users: 5, events: 1000, seed });
      expect(numCold).toBeGreaterThanOrEqual(1);
      expect([...counts].some((count) => count === 0)).toBe(true);
      expect(counts.reduce((a, b) => a + b, 0)).toBe(1000);
    }
  });

  it("cuts users into parts that cover all, each bounded", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300_000 }), { minLength: 1, maxLength: 60 }), (list) => {
        const parts = planParts(Int32Array.from(list));
        let next = 0;
        for (const part of parts) {
          expect(part.begin).toBe(next);
          expect(part.end).toBeGreaterThan(part.begin);
          const events = list.slice(part.begin, part.end).reduce((a, b) => a + b, 0);
          expect(part.events).toBe(events);
          expect(events - list[part.end - 1]!).toBeLessThan(PART_EVENTS);
          next = part.end;
        }
        expect(next).toBe(list.length);
      }),
    );
    expect(planParts(new Int32Array(2 * PART_USERS + 1)).map((part) => part.end)).toEqual([
      PART_USERS,
      2 * PART_USERS,
      2 * PART_USERS + 1,
    ]);
  });
});

describe("AliasTables", () => {
  it("draws in proportion to any weights, table by table", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 8 }), {
          minLength: 1,
          maxLength: 4,
        }),
        (tables) => {
          fc.pre(tables.every((table) => table.some((w) => w > 0)));
          const offsets = Int32Array.from([0, ...tables.map((_, t) => tables.slice(0, t + 1).flat().length)]);
          const alias = AliasTables.build(Float64Array.from(tables.flat()), offsets);
          tables.forEach((weights, t) => {
            // The probability of each position is kept in the table itself: no need to draw.
            const n = weights.length;
            const got = new Array<number>(n).fill(0);
            for (let i = 0; i < n; i++) {
              const position = offsets[t]! + i;
              got[i] = got[i]! + alias.keep[position]! / n;
              const other = alias.alias[position]! - offsets[t]!;
              got[other] = got[other]! + (1 - alias.keep[position]!) / n;
            }
            const sum = weights.reduce((a, b) => a + b, 0);
            got.forEach((p, i) => {
              expect(p).toBeCloseTo(weights[i]! / sum, 12);
            });
          });
          const position = alias.draw(new Random(1), tables.length - 1);
          expect(position >= offsets[tables.length - 1]! && position < offsets[tables.length]!).toBe(true);
        },
      ),
    );
  });
});

describe("calendar", () => {
  it("draws days by their weight", () => {
    const calendar = buildCalendar(Date.UTC(2025, 6, 1, 12), 400);
    const random = new Random(5);
    const counts = new Array<number>(400).fill(0);
    const n = 400_000;
    for (let i = 0; i < n; i++) {
      const day = dayAt(calendar, 20, 390, random.next());
      counts[day] = counts[day]! + 1;
    }
    const all = weightBetween(calendar, 20, 390);
    let chiSquare = 0;
    for (let d = 0; d < 400; d++) {
      if (d < 20 || d >= 390) expect(counts[d]).toBe(0);
      else {
        const expected = (n * weightBetween(calendar, d, d + 1)) / all;
        chiSquare += (counts[d]! - expected) ** 2 / expected;
      }
    }
    expect(chiSquare).toBeLessThan(460); // 369 degrees of freedom, p = 0.001
    expect(dayAt(calendar, 20, 390, 0)).toBe(20);
    expect(dayAt(calendar, 20, 390, 1 - 2 ** -53)).toBe(389);
  });
});

describe("events", () => {
  it("have Zipf item popularity, and peaks in the evening, at the weekend and before Christmas", () => {
    const { shop, calendar } = buildWorld(plan);
    const items = new Array<number>(plan.items).fill(0);
    const hours = new Array<number>(24).fill(0);
    const weekdays = new Array<number>(7).fill(0);
    const months = new Array<number>(12).fill(0);
    for (const { sessions } of simulate()) {
      for (let i = 0; i < sessions.numEvents; i++) {
        items[sessions.item[i]!]!++;
        const date = new Date(calendar.startMs + sessions.second[i]! * 1000);
        hours[date.getUTCHours()]!++;
        weekdays[date.getUTCDay()]!++;
        months[date.getUTCMonth()]!++;
      }
    }
    const sorted = [...items].sort((a, b) => b - a).slice(0, 500);
    const exponent = -slope(
      sorted.map((_, rank) => Math.log(rank + 1)),
      sorted.map((count) => Math.log(count)),
    );
    expect(Math.abs(exponent - 1)).toBeLessThan(0.08);
    // The planted order, not just any: counts against the popularity of the item.
    const popular = items.map((count, item) => [shop.popularity[item]!, count] as const).filter(([p]) => p > 0.0005);
    const fit = slope(
      popular.map(([p]) => Math.log(p)),
      popular.map(([, count]) => Math.log(count)),
    );
    expect(Math.abs(fit - 1)).toBeLessThan(0.08);
    expect(hours[20]!).toBeGreaterThan(10 * hours[4]!);
    expect(weekdays[6]!).toBeGreaterThan(1.2 * weekdays[1]!);
    expect(months[11]!).toBeGreaterThan(1.2 * months[6]!);
  });

  it("come mostly from the user's own tastes, and purchases more so", () => {
    const { shop } = buildWorld(plan);
    const own = [0, 0];
    const all = [0, 0];
    for (const { latents, sessions } of simulate()) {
      for (let i = 0; i < sessions.numEvents; i++) {
        const k = sessions.behaviour[i] === PURCHASE ? 1 : 0;
        all[k]!++;
        if (latents.tastes.includes(shop.category[sessions.item[i]!]!)) own[k]!++;
      }
    }
    // Three in four by taste, and the others hit a taste now and then by chance.
    expect(own[0]! / all[0]!).toBeGreaterThan(0.77);
    expect(own[0]! / all[0]!).toBeLessThan(0.89);
    expect(own[1]! / all[1]!).toBeGreaterThan(own[0]! / all[0]! + 0.05);
  });

  it("do not go beyond the user's time in the shop", () => {
    let lapsed = 0;
    for (const { latents, sessions } of simulate()) {
      if (sessions.numEvents === 0) continue;
      expect(sessions.second[0]).toBeGreaterThanOrEqual(latents.beginDay * DAY_SECONDS);
      // A session that starts before midnight may end after it; a crowd of sessions pushes on a little.
      expect(sessions.second[sessions.numEvents - 1]).toBeLessThan((latents.endDay + 1) * DAY_SECONDS);
      if (latents.lapsed) lapsed++;
    }
    expect(lapsed / plan.users).toBeGreaterThan(0.05);
    expect(lapsed / plan.users).toBeLessThan(0.15);
  });
});

describe("truth against events", () => {
  it("has the closed form of a session without a purchase in scope", () => {
    const random = new Random(8);
    for (const [p, s] of [
      [0.1, 0.3],
      [0.4, 0.05],
      [0.6, 1],
    ] as const) {
      let none = 0;
      const n = 200_000;
      for (let i = 0; i < n; i++) {
        let size = 1;
        while (random.next() < MODEL.sessionGoesOn) size++;
        let hit = false;
        for (let left = size; left > 0; left--) {
          if (left > 1 && random.next() < p) {
            left--;
            if (random.next() < s) hit = true;
          }
        }
        if (!hit) none++;
      }
      expect(Math.abs(none / n - noPurchaseInSession(p, s))).toBeLessThan(0.005);
    }
    expect(noPurchaseInSession(0.3, 0)).toBeCloseTo(1, 12);
  });

  it("expects the purchases and order values that come", () => {
    let expected = 0;
    let came = 0;
    let orders = 0;
    let value = 0;
    let expectedValue = 0;
    const byLoyal = [0, 0];
    const count = [0, 0];
    for (const { latents, sessions, response } of simulate()) {
      expected += response.habits.expectedPurchases;
      came += sessions.numPurchases;
      let last = 0;
      for (let i = 0; i < sessions.numEvents; i++) {
        if (sessions.behaviour[i] !== PURCHASE) continue;
        if (sessions.order[i] !== last) {
          orders++;
          expectedValue += response.habits.orderValueMinor;
        }
        last = sessions.order[i]!;
        value += sessions.quantity[i]! * sessions.priceMinor[i]!;
      }
      byLoyal[latents.loyal ? 1 : 0]! += sessions.numPurchases;
      count[latents.loyal ? 1 : 0]!++;
    }
    expect(Math.abs(came / expected - 1)).toBeLessThan(0.03);
    expect(Math.abs(value / expectedValue - 1)).toBeLessThan(0.05);
    expect(orders).toBeGreaterThan(10_000);
    expect(count[1]! / plan.users).toBeGreaterThan(0.15);
    expect(count[1]! / plan.users).toBeLessThan(0.2);
    expect(byLoyal[1]! / count[1]!).toBeGreaterThan(2 * (byLoyal[0]! / count[0]!));
  });

  it("p_without is how often users buy in scope within a span as long as the horizon", () => {
    const { shop, table, calendar } = buildWorld(plan);
    const includes = table.coupons.map(({ scope }) => {
      const categories = new Set(scope.categories);
      const items = new Set(scope.items.map((id) => Number(id.slice(1))));
      const noCategories = new Set(scope.excludeCategories);
      const noItems = new Set(scope.excludeItems.map((id) => Number(id.slice(1))));
      return (item: number) => {
        const category = shop.categoryNames[shop.category[item]!]!;
        return (
          (scope.all || categories.has(category) || items.has(item)) &&
          !noCategories.has(category) &&
          !noItems.has(item)
        );
      };
    });
    const begin = 300;
    const expected = new Float64Array(table.size);
    const came = new Float64Array(table.size);
    let users = 0;
    for (const { latents, sessions, response } of simulate()) {
      if (latents.lapsed || latents.cold || latents.beginDay > begin) continue;
      users++;
      for (let c = 0; c < table.size; c++) {
        const days = Math.min(30, Math.max(1, Math.round(table.horizonDays[c]!)));
        // The truth is for the season after asOf; here it is asked for that of the span.
        const sessionsAhead = response.habits.sessionsPerWeight * table.horizonWeight[c]!;
        const perSession = -Math.log(1 - response.without[c]!) / sessionsAhead;
        const span = response.habits.sessionsPerWeight * weightBetween(calendar, begin, begin + days);
        if (Number.isFinite(perSession)) expected[c]! += 1 - Math.exp(-span * perSession);
        else expected[c]! += 1;
        for (let i = 0; i < sessions.numEvents; i++) {
          const second = sessions.second[i]!;
          if (second < begin * DAY_SECONDS || second >= (begin + days) * DAY_SECONDS) continue;
          if (sessions.behaviour[i] === PURCHASE && includes[c]!(sessions.item[i]!)) {
            came[c]!++;
            break;
          }
        }
      }
    }
    const total = (list: Float64Array) => list.reduce((a, b) => a + b, 0);
    expect(users).toBeGreaterThan(2000);
    // Coming back to items bought before bundles purchases a little, so slightly fewer users buy than independence says.
    expect(total(came) / total(expected)).toBeGreaterThan(0.9);
    expect(total(came) / total(expected)).toBeLessThan(1.05);
    for (let c = 0; c < table.size; c++) {
      expect(Math.abs(came[c]! - expected[c]!)).toBeLessThan(5 * Math.sqrt(expected[c]! + 1) + 0.1 * expected[c]!);
    }
  });

  it("has the wanted mean redemption, and uplift where prices matter to people", () => {
    const activity = planActivity(plan);
    const world = buildWorld(plan);
    const response = new ResponseModel(world.shop, world.table, world.calendar, plan.events / activity.totalWeight);
    const bias = calibrateBias(plan, response, activity);
    const redeem: number[] = [];
    const uplift = { loyal: [] as number[], keen: [] as number[], cool: [] as number[] };
    for (const { latents, response: own } of simulate(true)) {
      for (let c = 0; c < world.table.size; c++) {
        if (!world.table.mayHave(c, latents)) continue;
        const p0 = own.without[c]!;
        const persuaded = (1 - p0) * own.persuasion(c, latents.loyal, bias);
        redeem.push(p0 * own.application(c, bias) + persuaded);
        const group = latents.loyal
          ? "loyal"
          : latents.sensitivity > 0.6
            ? "keen"
            : latents.sensitivity < 0.4
              ? "cool"
              : undefined;
        if (group !== undefined) uplift[group].push(persuaded);
      }
    }
    expect(Math.abs(mean(redeem) / MODEL.meanRedemption - 1)).toBeLessThan(0.05);
    expect(mean(uplift.loyal)).toBeLessThan(0.1 * mean(uplift.cool));
    expect(mean(uplift.keen)).toBeGreaterThan(1.4 * mean(uplift.cool));
  });
});

describe("catalogue", () => {
  const shop = buildShop(plan.seed, plan.items, MODEL.saleDepth);

  it("has every kind, every shape of scope, and validates", () => {
    const coupons = buildCatalogue({ ...plan, coupons: 200 }, shop).map((coupon) => couponSchema.parse(coupon));
    expect(new Set(coupons.map((c) => c.kind))).toEqual(new Set(COUPON_KINDS));
    expect(coupons.slice(0, COUPON_KINDS.length).map((c) => c.kind)).toEqual([...COUPON_KINDS]);
    expect(new Set(coupons.map((c) => c.id)).size).toBe(200);
    const share = (f: (c: (typeof coupons)[number]) => boolean) => coupons.filter(f).length / 200;
    expect(share((c) => c.scope.categories.length > 0)).toBeGreaterThan(0.6);
    expect(share((c) => c.stock !== undefined)).toBeGreaterThan(0.7);
    for (const some of [
      share((c) => c.scope.all),
      share((c) => c.scope.items.length > 0),
      share((c) => c.scope.excludeItems.length + c.scope.excludeCategories.length > 0),
      share((c) => c.budgetMinor !== undefined),
      share((c) => c.exclusiveGroup !== undefined),
      share((c) => c.eligibility !== undefined),
      share((c) => c.stores.length > 0),
      share((c) => c.channel === "online"),
      share((c) => c.timeZone !== undefined),
      share((c) => !isActive(c, plan.asOfMs)),
    ]) {
      expect(some).toBeGreaterThan(0);
      expect(some).toBeLessThan(0.8);
    }
    const names = new Set(shop.categoryNames);
    for (const coupon of coupons) {
      expect([...coupon.scope.categories, ...coupon.scope.excludeCategories].every((name) => names.has(name))).toBe(
        true,
      );
      expect(coupon.scope.items.every((id) => /^I\d{4}$/.test(id) && Number(id.slice(1)) < plan.items)).toBe(true);
      expect(horizonDays(coupon, plan.asOfMs)).toBeLessThanOrEqual(30);
    }
  });

  it("has one that is over as soon as it has more than one of each kind", () => {
    for (let seed = 0; seed < 10; seed++) {
      const coupons = buildCatalogue({ ...plan, seed, coupons: 9 }, shop).map((coupon) => couponSchema.parse(coupon));
      expect(coupons.slice(0, 8).every((coupon) => isActive(coupon, plan.asOfMs))).toBe(true);
      expect(isActive(coupons[8]!, plan.asOfMs)).toBe(false);
    }
  });

  it("draws items of redemptions inside the scope", () => {
    const { table } = buildWorld(plan);
    const random = new Random(1);
    const latents = new UserLatents();
    const world = buildWorld(plan);
    for (let user = 0; user < 40; user++) {
      drawLatents(random, plan.seed, user, world.shop, world.calendar, false, latents);
      table.coupons.forEach(({ scope }, c) => {
        const item = table.drawItem(random, c, latents);
        const id = `I${String(item).padStart(4, "0")}`;
        const category = world.shop.categoryNames[world.shop.category[item]!]!;
        expect(scope.all || scope.categories.includes(category) || scope.items.includes(id)).toBe(true);
        expect(scope.excludeItems.includes(id) || scope.excludeCategories.includes(category)).toBe(false);
      });
    }
  });
});

describe("ruleHolds", () => {
  const attributes = { tier: "gold", city: "Wien" };
  it.each<[Rule, boolean]>([
    [{ attribute: "tier", op: "eq", value: "gold" }, true],
    [{ attribute: "tier", op: "ne", value: "gold" }, false],
    [{ attribute: "tier", op: "in", value: ["silver", "gold"] }, true],
    [{ attribute: "tier", op: "not-in", value: ["silver", "gold"] }, false],
    [{ attribute: "age_band", op: "ne", value: "65+" }, false],
    [{ attribute: "city", op: "exists" }, true],
    [{ not: { attribute: "age_band", op: "exists" } }, true],
    [
      {
        and: [
          { attribute: "tier", op: "eq", value: "gold" },
          { attribute: "city", op: "eq", value: "Bonn" },
        ],
      },
      false,
    ],
    [
      {
        or: [
          { attribute: "tier", op: "eq", value: "gold" },
          { attribute: "city", op: "eq", value: "Bonn" },
        ],
      },
      true,
    ],
  ])("%j is %s", (rule, expected) => {
    expect(ruleHolds(rule, attributes)).toBe(expected);
  });
});
