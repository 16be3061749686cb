import type { Coupon } from "../campaign/coupon-schema.js";
import type { ArgValue } from "../executor/call.js";
import type { Executor } from "../executor/executor.js";
import type { DesignRows } from "../learn/design-rows.js";
import { type CouponLog, fitRedemption, fitStrata, strataScores } from "../learn/principal-strata.js";
import { logit } from "../util/sigmoid.js";
import { forEachYielding } from "../util/yield.js";
import { plattScaling, scaledBeta } from "./calibration.js";
import { userChannels } from "./channels.js";
import { coefficientsOf } from "./coefficients.js";
import { type Curves, curvesOf, without } from "./curves.js";
import { type DesignLayout, designOf, layoutOf, partOf, usedColumns, wholeBeta } from "./design.js";
import { featuresOfOffers } from "./features.js";
import { chancesOf } from "./likelihood.js";
import {
  KNOTS,
  PAIR_COLUMNS,
  PAIR_FEATURES,
  PAIR_KNOTS,
  type ResponseModel,
  type ResponseOptions,
  type ResponseQuality,
  traitLabels,
  USER_COLUMNS,
  type UserTraits,
} from "./model.js";
import { type Journal, NEXT_FEATURES_AT, USER_FEATURES } from "./moments.js";
import { NEXT_FEATURES } from "./next-behaviour.js";
import type { OrderValueModel } from "./order-value.js";
import { type OfferHistory, offerHorizons, offersAt, pastOffersAt, UNKNOWN_CONVERSION } from "./past-offers.js";
import { isClearlyBetter, judge, redemptionQuality } from "./quality.js";
import { seasonsShown } from "./season.js";
import { splitOffers } from "./split.js";

/** Of the pair features, those that come from affinity. */
const FROM_AFFINITY = [0, 1, 4];
/** Of the user features, those of what comes next. */
const FROM_NEXT = Array.from({ length: NEXT_FEATURES }, (_, f) => NEXT_FEATURES_AT + f);

function priorModel(
  counts: Pick<ResponseModel, "numOffers" | "numControls" | "numRedemptions">,
  prior: number,
  layout: DesignLayout,
  orderValue: OrderValueModel,
  { attributes }: UserTraits,
): ResponseModel {
  const flat = (columns: number): Curves => ({
    knots: new Array<number>(columns).fill(0),
    mean: new Array<number>(columns).fill(0),
    deviation: new Array<number>(columns).fill(1),
  });
  const pairs = flat(PAIR_COLUMNS);
  const part = partOf(new Float64Array(layout.cols + 1), layout, pairs);
  return {
    kind: "prior",
    ...counts,
    parts: [{ ...part, intercept: logit(prior, 1e-6) }],
    pairKnots: pairs.knots,
    basis: flat(USER_COLUMNS),
    attributes,
    orderValue,
    quality: null,
    coefficients: [],
  };
}

/**
 * Learns what a coupon does from past offers: ridge logistic regressions on the features of the pair and of the user as
 * curves, the season, the user's traits, the coupon's kind, channel and the coupon. Features are those of the offer's
 * time: made of strictly earlier events, since a redeemed offer leaves a purchase, and of offers whose time was over.
 * Where offers were withheld by lot and purchases are known (treated, converted), it tells those whom a coupon
 * persuades from those who buy anyway (fitStrata); else it is P(redeem) alone. Knots and standard deviations come from
 * the training part. Of the users held out, half calibrate its logits (plattScaling) where that helps the others, who
 * judge it: log loss beside that of the base rate, calibration in ten bins of equal size, and extra orders beside the
 * control group. Then it is fitted once more, to all offers: what was held out is learned from, too, and the calibration
 * stays as it was found. So the model is judged by one that knew less.
 * With fewer than `minRedemptions` redemptions, or none held out, the prior rate stands for everybody.
 * Source: formulas.md, "Allocation" (v must be incremental); Hastie, Tibshirani & Friedman 2009, section 4.4.
 */
export async function fitResponse(
  executor: Executor,
  pairArgs: Record<string, ArgValue>,
  history: OfferHistory,
  coupons: readonly Coupon[],
  timeZone: string,
  journal: Journal,
  orderValue: OrderValueModel,
  traits: UserTraits,
  options: ResponseOptions,
): Promise<ResponseModel> {
  const labels = traitLabels(traits.attributes);
  const layout = layoutOf(labels.length, coupons.length);
  const counts = {
    numOffers: history.users.length,
    numControls: history.treated.reduce((total, treated) => total + 1 - treated, 0),
    numRedemptions: history.redeemed.reduce((total, redeemed) => total + redeemed, 0),
  };
  const split = await splitOffers(history, options);
  const offers = await offersAt(history, split.kept);
  const sum = (rows: Int32Array, of: (offer: number) => number) => rows.reduce((total, i) => total + of(i), 0);
  const isRedeemed = (i: number) => offers.redeemed[i]!;
  const isControl = (i: number) => 1 - offers.treated[i]!;
  const isLogged = (i: number) => offers.converted[i] !== UNKNOWN_CONVERSION;
  const controlConversions = sum(split.train, (i) => (isControl(i) && isLogged(i) ? offers.converted[i]! : 0));
  const hasUplift = controlConversions >= options.minRedemptions && options.without !== "uplift";
  const usable = (i: number) => (hasUplift ? isLogged(i) : offers.treated[i] === 1);
  const train = split.train.filter(usable);
  const calibration = split.calibration.filter(usable);
  const heldOut = split.heldOut.filter(usable);
  const trainRedemptions = sum(train, isRedeemed);
  const trainTreated = train.length - sum(train, isControl);
  const tooThin =
    counts.numRedemptions < options.minRedemptions ||
    trainRedemptions === 0 ||
    trainRedemptions === trainTreated ||
    sum(heldOut, (i) => offers.treated[i]!) === 0;
  if (tooThin) return priorModel(counts, options.prior, layout, orderValue, traits);
  if (options.without === "all") return priorModel(counts, trainRedemptions / trainTreated, layout, orderValue, traits);

  const features = await featuresOfOffers(
    executor,
    pairArgs,
    offers,
    await pastOffersAt(history, coupons, timeZone, offers.users, offers.times),
    journal,
    orderValue,
    userChannels(traits, journal.numUsers),
    offerHorizons(offers, coupons, timeZone),
  );
  const basis = await curvesOf(features.userFeatures, USER_FEATURES.length, KNOTS, split.train);
  const pairs = await curvesOf(features.pairFeatures, PAIR_FEATURES.length, PAIR_KNOTS, split.train);
  const columns = {
    pairs: options.without === "affinity" ? without(pairs, FROM_AFFINITY, PAIR_KNOTS) : pairs,
    basis: options.without === "next behaviour" ? without(basis, FROM_NEXT, KNOTS) : basis,
    seasonsShown: seasonsShown(history.times),
  };
  const used = usedColumns(columns);
  const seen = { ...features, ...columns, offers, coupons, traits, layout, used };
  const design = (rows: Int32Array) => designOf(executor, seen, rows);
  const fitTo = async (rows: Int32Array) => {
    const x = await design(rows);
    const log = await logOf(offers, rows);
    const { betas } = hasUplift
      ? await fitStrata(executor, x, log, options.l2)
      : await fitRedemption(executor, x, log.redeemed, options.l2);
    return { x, betas };
  };
  const { x, betas } = await fitTo(train);
  const scoresOf = async (data: DesignRows) => logitsOf(await strataScores(executor, data, betas), betas.length);
  const judged = async (rows: Int32Array, scores: readonly Float64Array[]) => ({
    rows,
    chances: await chancesOf(scores),
  });
  let heldOutScores = await scoresOf(await design(heldOut));
  let platt: ResponseQuality["platt"] = null;
  if (sum(calibration, isRedeemed) >= options.minRedemptions) {
    const scaling = await plattScaling(await scoresOf(await design(calibration)), await logOf(offers, calibration));
    const scaledScores = heldOutScores.map((z, m) => z.map((v) => scaling.slopes[m]! * v + scaling.shifts[m]!));
    const before = await redemptionQuality(offers, await judged(heldOut, heldOutScores));
    const after = await redemptionQuality(offers, await judged(heldOut, scaledScores));
    const isApplied = options.calibration === "platt" || (await isClearlyBetter(after, before));
    platt = {
      numOffers: calibration.length,
      ...scaling,
      isApplied,
      logLossBefore: before.logLoss,
      logLossAfter: after.logLoss,
      calibrationBefore: before.calibration,
    };
    if (isApplied) heldOutScores = scaledScores;
  }
  const own = await judged(train, await scoresOf(x));
  const quality = await judge(executor, offers, own, await judged(heldOut, heldOutScores), platt);
  const final = await fitTo(Int32Array.from(split.kept.keys()).filter(usable));
  const whole = final.betas.map((beta, m) =>
    wholeBeta(platt?.isApplied ? scaledBeta(beta, platt.slopes[m]!, platt.shifts[m]!) : beta, layout, used),
  );
  const parts = whole.map((beta) => partOf(beta, layout, pairs));
  return {
    kind: "model",
    ...counts,
    parts,
    pairKnots: pairs.knots,
    basis,
    attributes: traits.attributes,
    orderValue,
    quality,
    coefficients: coefficientsOf(whole.at(-1)!, parts.at(-1)!, layout, labels, pairs, basis),
  };
}

async function logOf({ treated, redeemed, converted }: OfferHistory, rows: Int32Array): Promise<CouponLog> {
  const count = rows.length;
  const log = {
    treated: new Uint8Array(count),
    redeemed: new Uint8Array(count),
    converted: new Uint8Array(count),
  };
  await forEachYielding(count, (i) => {
    const offer = rows[i]!;
    log.treated[i] = treated[offer]!;
    log.redeemed[i] = redeemed[offer]!;
    log.converted[i] = converted[offer]!;
  });
  return log;
}

/** By logit what `strataScores` has by row. */
async function logitsOf(scores: Float64Array, logits: number): Promise<Float64Array[]> {
  const rows = scores.length / logits;
  const byLogit = Array.from({ length: logits }, () => new Float64Array(rows));
  for (const [m, of] of byLogit.entries()) {
    await forEachYielding(rows, (i) => {
      of[i] = scores[i * logits + m]!;
    });
  }
  return byLogit;
}
