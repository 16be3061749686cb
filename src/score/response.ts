import type { Coupon } from "../campaign/coupon-schema.js";
import type { ArgValue } from "../executor/call.js";
import type { Executor } from "../executor/executor.js";
import type { DesignRows } from "../learn/design-rows.js";
import { fitRedemption, fitStrata, strataScores } from "../learn/principal-strata.js";
import type { Journal } from "./moments.js";
import type { OrderValueModel } from "./order-value.js";
import { type OfferHistory, type PastOffers, UNKNOWN_CONVERSION } from "./past-offers.js";
import {
  basisOf,
  coefficientsOf,
  type DesignLayout,
  designOf,
  kindsOf,
  layoutOf,
  pairScale,
  partOf,
} from "./response-design.js";
import { featuresOfOffers } from "./response-features.js";
import {
  type ResponseModel,
  type ResponseOptions,
  traitLabels,
  USER_COLUMNS,
  type UserTraits,
} from "./response-model.js";
import { type Chances, chancesOf, judge } from "./response-quality.js";
import { splitOffers } from "./response-split.js";

/** Of the pair features, those that come from affinity. */
const FROM_AFFINITY = [0, 1, 2, 5, 6];

function logit(p: number): number {
  const clamped = Math.min(Math.max(p, 1e-6), 1 - 1e-6);
  return Math.log(clamped / (1 - clamped));
}

function priorModel(
  counts: Pick<ResponseModel, "numOffers" | "numControls" | "numRedemptions">,
  prior: number,
  layout: DesignLayout,
  orderValue: OrderValueModel,
  { attributes }: UserTraits,
): ResponseModel {
  const part = partOf(new Float64Array(layout.cols + 1), layout, [], []);
  const columns = (value: number) => new Array<number>(USER_COLUMNS).fill(value);
  return {
    kind: "prior",
    ...counts,
    parts: [{ ...part, intercept: logit(prior) }],
    basis: { knots: columns(0), mean: columns(0), deviation: columns(1) },
    attributes,
    orderValue,
    quality: null,
    coefficients: [],
  };
}

/**
 * Learns what a coupon does from past offers: ridge logistic regressions on the pair features, the user's features as
 * curves, its traits, the coupon's kind and the coupon. Features are those of the offer's time: made of strictly earlier
 * events, since a redeemed offer leaves a purchase, and of offers whose time was over. Where offers were withheld by lot and purchases
 * are known (treated, converted), it tells those whom a coupon persuades from those who buy anyway (fitStrata); else it
 * is P(redeem) alone. Standard deviations come from the training part. Held-out users judge it: log loss beside that of
 * the base rate, calibration in ten bins of equal size, and extra orders beside the control group.
 * With fewer than `minRedemptions` redemptions, or none held out, the prior rate stands for everybody.
 * Source: formulas.md, "Allocation" (v must be incremental); Hastie, Tibshirani & Friedman 2009, section 4.4.
 */
export async function fitResponse(
  executor: Executor,
  pairArgs: Record<string, ArgValue>,
  history: OfferHistory,
  past: PastOffers,
  coupons: readonly Coupon[],
  journal: Journal,
  orderValue: OrderValueModel,
  traits: UserTraits,
  options: ResponseOptions,
): Promise<ResponseModel> {
  const labels = traitLabels(traits.attributes);
  const layout = layoutOf(labels.length, coupons.length);
  const split = await splitOffers(history, options);
  const sum = (rows: readonly number[], of: (offer: number) => number) => rows.reduce((total, i) => total + of(i), 0);
  const isRedeemed = (i: number) => history.redeemed[i]!;
  const isControl = (i: number) => 1 - history.treated[i]!;
  const all = [...split.train, ...split.heldOut];
  const counts = {
    numOffers: history.users.length,
    numControls: sum([...history.treated.keys()], isControl),
    numRedemptions: sum([...history.redeemed.keys()], isRedeemed),
  };
  const isLogged = (i: number) => history.converted[i] !== UNKNOWN_CONVERSION;
  const controlConversions = sum(split.train, (i) => (isControl(i) && isLogged(i) ? history.converted[i]! : 0));
  const hasUplift = controlConversions >= options.minRedemptions && options.without !== "uplift";
  const usable = (i: number) => (hasUplift ? isLogged(i) : history.treated[i] === 1);
  const train = split.train.filter(usable);
  const heldOut = split.heldOut.filter(usable);
  const trainRedemptions = sum(train, isRedeemed);
  const trainTreated = train.length - sum(train, isControl);
  const tooThin =
    counts.numRedemptions < options.minRedemptions ||
    trainRedemptions === 0 ||
    trainRedemptions === trainTreated ||
    sum(heldOut, (i) => history.treated[i]!) === 0;
  if (tooThin) return priorModel(counts, options.prior, layout, orderValue, traits);
  if (options.without === "all") return priorModel(counts, trainRedemptions / trainTreated, layout, orderValue, traits);

  const features = await featuresOfOffers(executor, pairArgs, history, past, journal, orderValue);
  const basis = await basisOf(features.userFeatures, all);
  const { mean, deviation } = await pairScale(features.pairFeatures, all);
  if (options.without === "affinity") for (const f of FROM_AFFINITY) deviation[f] = Number.POSITIVE_INFINITY;
  const seen = { ...features, basis, mean, deviation, history, traits, layout, kinds: kindsOf(coupons) };
  const design = (rows: readonly number[]) => designOf(seen, rows);
  const pick = (rows: readonly number[], from: Uint8Array) => Uint8Array.from(rows, (i) => from[i]!);

  const x = await design(train);
  const redeemed = pick(train, history.redeemed);
  const log = { treated: pick(train, history.treated), redeemed, converted: pick(train, history.converted) };
  const { betas } = hasUplift
    ? await fitStrata(executor, x, log, options.l2)
    : await fitRedemption(executor, x, redeemed, options.l2);
  const predict = async (data: DesignRows): Promise<Chances[]> => {
    const scores = await strataScores(executor, data, betas);
    return Array.from({ length: data.rows }, (_, i) =>
      chancesOf([...scores.subarray(i * betas.length, (i + 1) * betas.length)]),
    );
  };
  const quality = await judge(
    history,
    train,
    await predict(x),
    heldOut,
    await predict(await design(heldOut)),
    hasUplift,
  );
  return {
    kind: "model",
    ...counts,
    parts: betas.map((beta) => partOf(beta, layout, mean, deviation)),
    basis,
    attributes: traits.attributes,
    orderValue,
    quality,
    coefficients: coefficientsOf(betas.at(-1)!, layout, labels),
  };
}
