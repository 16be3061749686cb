/**
 * The synthetic shop: one generative model behind the events, the past offers and the ground truth.
 *
 * Every number comes from `Random(seed, stream)`; each user has streams of their own, so nothing depends on how the
 * users are split over threads.
 *
 * Items. Popularity is Zipf with exponent 1 over a random order of the items. Each item belongs to a category, has a
 * price (log-normal around its category's level) and a margin rate.
 *
 * Users. Latent and never written to a table that the pipeline reads:
 * - activity: the user's share of all events is log-normal with sigma 1; counts are rounded by largest remainder, so
 *   that they add up exactly. 2 % are newcomers without any event (cold users);
 * - three tastes (categories, drawn by category mass, so that the marginal over items stays Zipf), weights .5 .3 .2;
 *   three in four items that a user looks at come from the tastes, the others from the whole shop;
 * - conversion: the odds that a look turns into a purchase, higher for items of the user's own tastes;
 * - price sensitivity in (0, 1): shows in purchases at sale prices, and a little in the age band;
 * - loyal (about 17 %, more among the active): buy more, use coupons, are hardly ever persuaded by one;
 * - lapsed (about 10 %, none of them loyal): stopped some time ago and seldom come back;
 * - coupon proneness, basket size.
 *
 * Events. A user's sessions start at times drawn from a weekly, yearly and daily season within the time that the user
 * was around. A session is a chain: look at an item (browse, or search and click), perhaps buy it, go on with
 * probability 5/6. Now and then the item looked at is one bought before (repeat purchases). Purchases of a session are
 * one order. So the length of a session, its purchases and the chance of none in a scope have closed forms, and the
 * truth uses exactly those.
 *
 * Truth, for each user and coupon over the coupon's horizon (its ttl or the time to its end):
 *   p_without = 1 - exp(-(sessions expected in the horizon) * P(a session buys in scope))
 *   persuade  = sigmoid(z + b), about 0 for the loyal
 *   apply     = sigmoid(.5 z + b + c): somebody who buys anyway uses the coupon
 *   p_with    = p_without + (1 - p_without) * persuade          so p_with >= p_without, always
 *   p_redeem  = p_without * apply + (1 - p_without) * persuade  so p_redeem <= p_with
 * z adds up: share of the user's purchases in scope (taste overlap), less for a scope as wide as the shop, discount at
 * the user's usual order value (counts more for the price-sensitive), stretch from the usual order value to the
 * threshold, kind, channel match, activity,
 * lapse, proneness. b is set so that on average 4 % of eligible offers are redeemed. The three coincide nowhere:
 * p_with - p_without is what a coupon earns, p_redeem is what it costs.
 *
 * The truth supposes that the till takes the coupon; eligibility is a rule of the shop and left to the campaign. For
 * coupons that are over it is that of an earlier round.
 *
 * History. In each of 18 rounds every consenting member of the shop is offered, with probability 3/4, one coupon drawn
 * uniformly from those that they may have: at random, never by merit, so the outcomes are unbiased. Three in ten of those
 * chosen are not sent it: the control group. Whether somebody buys in the coupon's scope within its horizon is logged for
 * both: one draw of p_with or p_without. First-order coupons
 * come once, on joining; birthday coupons come once, in the birthday month. Whether an offer is redeemed is one draw of
 * p_redeem (taken to be the same in the past as at asOf). A redeemed offer shows in the events as a purchase in scope,
 * which takes the place of two ordinary events of that user; where the user has too few, the redemption stands alone.
 */

/** Shares and rates of the model; changing one changes every generated shop, so it changes FORMAT_VERSION too. */
export const MODEL = {
  activitySigma: 1,
  coldShare: 0.02,
  /** A newcomer's activity against that of the others: they may never come back. */
  coldActivity: 0.3,
  /** Newcomers joined this many days ago at most, everybody else this many at least. */
  newcomerDays: 14,
  joinedInWindowShare: 0.3,
  lapsedShare: 0.12,
  /** Sessions of the lapsed that still come, against those when they were active. */
  lapsedActivity: 0.15,

  numTastes: 3,
  tasteWeights: [0.5, 0.3, 0.2],
  ownShare: 0.75,

  /** A session goes on after each event with this probability, so it has 6 events on average. */
  sessionGoesOn: 5 / 6,
  repeatShare: 0.12,
  ownBoost: 1.5,
  otherBoost: 0.6,
  saleDepth: 0.2,
  maxQuantity: 9,

  /** P(loyal) = Phi(loyalOffset + z), z the activity: 17 % on average. */
  loyalOffset: -1.349,

  /** Wanted mean of p_redeem over eligible pairs. */
  meanRedemption: 0.04,
  offerRounds: 18,
  offerShare: 0.75,
  /** Of those chosen for an offer, the share that is not sent it, by lot: the control group. */
  controlShare: 0.3,
  birthdayOfferShare: 0.4,
  welcomeOfferShare: 0.5,
} as const;

/** P(a purchase is of the user's own tastes), by the boosts above. */
export const OWN_PURCHASE_SHARE =
  (MODEL.ownShare * MODEL.ownBoost) / (MODEL.ownShare * MODEL.ownBoost + (1 - MODEL.ownShare) * MODEL.otherBoost);

/** Mean purchase probability of a look, for a conversion of 1. */
export const MEAN_BOOST = MODEL.ownShare * MODEL.ownBoost + (1 - MODEL.ownShare) * MODEL.otherBoost;

/** Version of the generated files: the same version, options and seed give the same bytes. */
export const FORMAT_VERSION = "3";

/** Streams of `Random`: the shop's own lie above those of any user. */
const SHOP_STREAMS = 2 ** 52;
export const STREAM = {
  items: SHOP_STREAMS,
  categories: SHOP_STREAMS + 1,
  coupons: SHOP_STREAMS + 2,
  latents: (user: number): number => user * 4,
  history: (user: number): number => user * 4 + 1,
  events: (user: number): number => user * 4 + 2,
} as const;

/** Zero-padded, so that the order of the numbers is the byte order of the ids. */
export function paddedId(prefix: string, index: number, count: number): string {
  return prefix + String(index).padStart(String(count - 1).length, "0");
}
