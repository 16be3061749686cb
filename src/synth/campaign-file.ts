import { MODEL } from "./model.js";
import type { SynthPlan } from "./options.js";

/** Share of what everybody's best coupon would cost that the campaign may spend: enough to have to choose. */
export const BUDGET_SHARE = 0.25;

/** Two digits, as a person would set a budget: 1234567 becomes 1200000. At least one major unit. */
export function tidyBudget(minor: number): number {
  let unit = 1;
  while (minor / unit >= 100) unit *= 10;
  return Math.max(100, Math.round(minor / unit) * unit);
}

function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** The campaign of the shop, ready to run. */
export function campaignYaml(plan: SynthPlan, budgetMinor: number): string {
  return `# A campaign over this generated shop. Run it with
#   couponcast run campaign.yaml --out OUT
# Paths are relative to this file. Anything left out has its default; unknown keys are errors.
name: synthetic shop, seed ${plan.seed}

# The moment of the decision: the end of the events. Coupons valid then can be handed out.
asOf: "${isoSeconds(plan.asOfMs)}"
timeZone: UTC
currency: EUR
seed: ${plan.seed}

inputs:
  events:
    files: events/*.${plan.format}
    columns:
      user: user_id
      item: item_id
      behaviour: behaviour
      time: time
      quantity: quantity # of purchases; empty otherwise
      price: price_minor # paid for one piece, in cents
      order: order_id # lines of one order share it
    time: { format: iso }
    price: { unit: minor, per: unit }
  users:
    files: users.csv # its other columns (city, age_band, joined) are attributes that rules can use
  items:
    files: items.csv
  coupons:
    files: coupons.json
  redemptions:
    files: redemptions.csv # past offers, made at random, some withheld by lot: what a coupon changes is learned from them

# How much a behaviour says about liking an item.
behaviours:
  browse: 1
  search: 2
  purchase: 5
purchaseBehaviour: purchase

ingest:
  halfLifeDays: 180 # an event counts half after so many days
  normalise: log1p

scoring:
  method: item-knn
  similarity: cosine
  neighbours: 100

segments:
  k: 6

# About ${Math.round(100 * BUDGET_SHARE)} % of what it would cost to give every customer their best coupon.
budget:
  totalMinor: ${budgetMinor}

caps:
  perUser: 1
  candidatesPerUser: 20

# These users get nothing, so that the uplift can be measured afterwards.
holdout:
  share: 0.05
  key: couponcast
`;
}

/** DIR/README.md: what each file is and how it came about. */
export function readmeText(plan: SynthPlan, truthFile: string): string {
  const percent = (share: number) => `${Math.round(share * 1000) / 10} %`;
  const csvOrParquet = plan.format === "csv" ? "CSV" : "Parquet";
  return `# A synthetic shop

Made by \`couponcast synth --users ${plan.users} --items ${plan.items} --events ${plan.events} --coupons ${plan.coupons} --seed ${plan.seed}\`
(${plan.days} days up to ${isoSeconds(plan.asOfMs)}). The same options give the same bytes, with any number of threads.

| file | what it is |
|---|---|
| \`campaign.yaml\` | a campaign over these files: \`couponcast run campaign.yaml --out OUT\` |
| \`events/part-*.${plan.format}\` | ${plan.events} events as ${csvOrParquet}: user, item, behaviour (browse, search, purchase), time (UTC), and of purchases quantity, price paid for one piece (minor units) and order. By user, then time; a user's events have different seconds |
| \`users.csv\` | every user, those without events too: tier (none to platinum), birthday, consent, channel, store, joined, city, age_band |
| \`items.csv\` | every item: category, price in minor units, margin as a share of the price |
| \`coupons.json\` | the catalogue: every kind of coupon; some are over or not begun |
| \`redemptions.csv\` | past offers of these coupons, at most ${MODEL.offerRounds + 2} a user: whether (1, 0) the offer was sent or withheld by lot (treated), whether and when it was redeemed, and whether the user bought in its scope in its time (converted) |
| \`${truthFile}\` | the planted truth. **Only evaluation may read it**, see below |

## The model behind it

Popularity of items is Zipf with exponent 1; users' numbers of events are log-normal with sigma 1 (${percent(MODEL.coldShare)} have none).
Each user has three favourite categories, from which three in four items that they look at come; a conversion; a price
sensitivity; a usual basket; and lasting traits: the *loyal* (about 17 %) buy often, use coupons, and would have bought
anyway; the *lapsed* (about 10 %) have stopped coming. None of this is in the tables: it must be inferred from the
events. Sessions follow a weekly, yearly and daily season, go from looks (browse, search) to purchases, and come back to
items bought before. Sale prices are taken more often by the price-sensitive.

Whether a coupon persuades a user (a purchase in its scope that would not have been) is logistic in: the share of the
user's purchases that fall in its scope (less for a scope as wide as the shop), its discount at the user's usual order value times price sensitivity, the
stretch up to its threshold, its kind, the match of channels, activity, lapse. The loyal are hardly ever persuaded.
About ${percent(MODEL.meanRedemption)} of eligible offers are redeemed.

Past offers went out at random among the coupons that a consenting user may have, never by merit, so their outcomes are
unbiased. ${percent(MODEL.controlShare)} of those chosen for an offer were not sent it, by lot: a control group, which buys with \`p_without\`. First-order coupons were offered on joining, birthday coupons in the birthday month. Outcomes are drawn from
\`p_redeem\` and \`p_with\`, taken to have been the same in the past. A redeemed offer is also a purchase in the events, unless the user has too few events for it.

## The truth

\`${truthFile}\` (safetensors, F32; rows: users in ascending byte order of user_id; columns: coupons in the order of
coupons.json):

| tensor | shape | |
|---|---|---|
| \`p_without\` | users x coupons | P(a purchase in the coupon's scope within its horizon), without it |
| \`p_with\` | users x coupons | the same with the coupon in hand; never less |
| \`p_redeem\` | users x coupons | P(the coupon is redeemed); at most p_with, as not everybody who buys uses it |
| \`order_value_minor\` | users | expected value of an order of the user |

\`p_with - p_without\` is what a coupon earns, \`p_redeem\` is what it costs; for the loyal the first is about 0. The horizon
is the coupon's ttl or the time to its end, whichever is less (of a coupon that is over: its ttl). The numbers suppose
that the coupon is accepted: who may have it (eligibility, consent, first order, birthday) is left to the campaign.
`;
}
