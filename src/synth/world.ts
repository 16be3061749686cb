import { Random } from "../util/random.js";
import { buildCalendar, type Calendar } from "./calendar.js";
import { buildCatalogue } from "./catalogue.js";
import { CouponTable } from "./coupon-table.js";
import { MODEL } from "./model.js";
import type { SynthPlan } from "./options.js";
import { buildShop, type Shop } from "./shop.js";

/** What all users share. Made of the plan alone, so every thread makes its own, the same. */
export interface World {
  plan: SynthPlan;
  shop: Shop;
  calendar: Calendar;
  table: CouponTable;
  /** of the thread: reseeded for each user */
  random: Random;
}

export function buildWorld(plan: SynthPlan): World {
  const shop = buildShop(plan.seed, plan.items, MODEL.saleDepth);
  const calendar = buildCalendar(plan.asOfMs, plan.days);
  const table = new CouponTable(buildCatalogue(plan, shop), shop, calendar);
  return { plan, shop, calendar, table, random: new Random(plan.seed) };
}
