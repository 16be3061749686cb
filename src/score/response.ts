import { COUPON_KINDS, type Coupon } from "../campaign/coupon-schema.js";
import type { ArgValue } from "../executor/call.js";
import { type Executor, shards, shared } from "../executor/executor.js";
import { linearScores, logisticRegression } from "../learn/linear-model.js";
import { fitStrata } from "../learn/principal-strata.js";
import { checkedGlm, type GlmData } from "../learn/sparse-rows.js";
import { Random } from "../util/random.js";
import { forEachYielding, yieldToEventLoop } from "../util/yield.js";
import { type Journal, USER_FEATURES } from "./moments.js";
import { type OrderValueModel, type States, statesAt } from "./order-value.js";
import { type OfferHistory, type PastOffers, partOfOffers, UNKNOWN_CONVERSION } from "./past-offers.js";

/** A column of the users' table, and those of its values that have an effect of their own. */
export interface UserAttribute {
  column: string;
  values: string[];
}

/** What else is known of a user, as yes or no: one value of each attribute. */
export interface UserTraits {
  attributes: UserAttribute[];
  /** int32 [users * attributes] position in `traitLabels` */
  values: Int32Array;
}

/** What the users table's other columns are called. */
export const ATTRIBUTE = /^attr_/;

/** Of each attribute "none or other" and its values, in words. */
export function traitLabels(attributes: readonly UserAttribute[]): string[] {
  return attributes.flatMap(({ column, values }) => {
    const name = column.replace(ATTRIBUTE, "");
    return [`${name}: none or other`, ...values.map((value) => `${name}: ${value}`)];
  });
}

/** Names of the pair features, in the order of native/include/couponcast/response.h. */
export const PAIR_FEATURES = [
  "taste for the coupon's items",
  "share of the user's taste that falls on them",
  "that share relative to everybody's",
  "depth of the discount",
  "how far the threshold lies above the usual order",
  "that share, what more of it adds shrinking",
  "orders expected in scope within the coupon's time",
] as const;

/** Short names of the pair features, for files. */
export const PAIR_FEATURE_NAMES = [
  "affinity",
  "affinity_share",
  "relative_share",
  "discount_depth",
  "order_stretch",
  "share_saturation",
  "expected_orders",
] as const;

export interface ResponseOptions {
  l2: number;
  heldOutShare: number;
  minRedemptions: number;
  prior: number;
  maxTrainingOffers: number;
  seed: number;
  /** What the model must do without, to see what it is good for; "all": everybody redeems alike. */
  without: "nothing" | "affinity" | "uplift" | "all";
}

/** Of the pair features, those that come from affinity. */
const FROM_AFFINITY = [0, 1, 2, 5, 6];

/** What a yes-or-no input counts: 1, but less for single coupons, whose own effects are kept small. */
const COUPON_SCALE = 0.3;
/** Standard deviations beyond which an input says no more. */
const FARTHEST = 6;

/** A user feature x as max(0, x - knot) for each of its knots, the first of which lies below all: a curve of straight pieces. */
export interface UserBasis {
  /** [USER_FEATURES * KNOTS] */
  knots: number[];
  mean: number[];
  deviation: number[];
}

/** Rows that the knots are taken from. */
const BASIS_ROWS = 65_536;
/** Minimum, quartiles. */
export const KNOTS = 4;
const USER_COLUMNS = USER_FEATURES.length * KNOTS;

/** A logit of user and coupon. */
export interface ResponsePart {
  /** [PAIR_FEATURES] on the raw features; standardisation is folded in. */
  pairBeta: number[];
  intercept: number;
  /** One coefficient a standardised column of the basis, a trait's value, a coupon kind and a coupon. */
  userBeta: number[];
  traitBeta: number[];
  kindBeta: number[];
  couponBeta: number[];
}

/** Chances that do not come from this package's own model. */
export interface GivenChances {
  /** Such as a table of predictions. */
  from: string;
  /** Of a table; null of a model file. */
  pairs: { count: number; meanPRedeem: number } | null;
  /** Rows of users or coupons that the campaign does not know; of a model file, names that it does not have. */
  numUnknown: number;
  /** Whether they say who would buy without the coupon. */
  hasUplift: boolean;
}

/**
 * What a coupon does: the prior where the history is too thin; else P(redeem), one part, or, learned from a log with a
 * control group, three parts: who buys anyway, who of them uses the coupon, whom it persuades.
 */
export interface ResponseModel {
  kind: "prior" | "model" | "given";
  numOffers: number;
  /** Chosen for an offer, but withheld by lot. */
  numControls: number;
  numRedemptions: number;
  parts: ResponsePart[];
  basis: UserBasis;
  /** What `traitBeta` is of. */
  attributes: UserAttribute[];
  orderValue: OrderValueModel;
  quality: ResponseQuality | null;
  /** Of the kind "given". */
  given?: GivenChances;
  /** In words, for the report: of P(redeem), or of whom the coupon persuades. */
  coefficients: { label: string; coefficient: number; per: "standard-deviation" | "yes" }[];
}

export interface ResponseQuality {
  numTrainOffers: number;
  numHeldOutOffers: number;
  baseRate: number;
  trainLogLoss: number;
  heldOutLogLoss: number;
  baseRateLogLoss: number;
  calibration: { meanPredicted: number; observedRate: number; numOffers: number }[];
  /** Of the held-out log, by predicted extra orders an offer: what the control group says. Null without one. */
  uplift: { meanPredicted: number; observed: number; standardError: number; numOffers: number }[] | null;
}

const CALIBRATION_BINS = 10;

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

/** Mean and deviation of each pair feature over the training rows. */
async function pairScale(
  features: Float32Array,
  rows: readonly number[],
): Promise<{ mean: number[]; deviation: number[] }> {
  const dims = PAIR_FEATURES.length;
  const sum = new Array<number>(dims).fill(0);
  const square = new Array<number>(dims).fill(0);
  await forEachYielding(rows.length, (i) => {
    for (let f = 0; f < dims; f++) sum[f]! += features[rows[i]! * dims + f]!;
  });
  const mean = sum.map((s) => s / rows.length);
  await forEachYielding(rows.length, (i) => {
    for (let f = 0; f < dims; f++) square[f]! += (features[rows[i]! * dims + f]! - mean[f]!) ** 2;
  });
  return { mean, deviation: square.map((s) => Math.sqrt(s / rows.length) || 1) };
}

/** Splits the offers by user, so that no user is in both parts, and samples down to the cap; both by the seed. */
async function splitOffers(history: OfferHistory, options: ResponseOptions) {
  const keep = Math.min(1, options.maxTrainingOffers / Math.max(history.users.length, 1));
  const random = new Random(options.seed);
  const train: number[] = [];
  const heldOut: number[] = [];
  let user = -1;
  let isHeldOut = false;
  let isKept = true;
  await forEachYielding(history.users.length, (i) => {
    if (history.users[i] !== user) {
      user = history.users[i]!;
      random.reseed(options.seed, user);
      isHeldOut = random.next() < options.heldOutShare;
      isKept = random.next() < keep;
    }
    if (isKept) (isHeldOut ? heldOut : train).push(i);
  });
  return { train, heldOut };
}

interface DesignLayout {
  pairs: number;
  userAt: number;
  traitAt: number;
  kindAt: number;
  couponAt: number;
  cols: number;
}

function layoutOf(traits: number, numCoupons: number): DesignLayout {
  const pairs = PAIR_FEATURES.length;
  const traitAt = pairs + USER_COLUMNS;
  const kindAt = traitAt + traits;
  const couponAt = kindAt + COUPON_KINDS.length;
  return { pairs, userAt: pairs, traitAt, kindAt, couponAt, cols: couponAt + numCoupons };
}

/** Knots at the minimum and the quartiles of the rows, and the standardisation of what they make. */
async function basisOf(features: Float32Array, rows: readonly number[]): Promise<UserBasis> {
  const dims = USER_FEATURES.length;
  const basis: UserBasis = { knots: [], mean: [], deviation: [] };
  const step = Math.max(1, Math.ceil(rows.length / BASIS_ROWS));
  const sample = rows.filter((_, i) => i % step === 0);
  for (let d = 0; d < dims; d++) {
    const sorted = Float32Array.from(sample, (row) => features[row * dims + d]!).sort();
    await yieldToEventLoop();
    for (let k = 0; k < KNOTS; k++) {
      const knot = sorted[Math.floor((k * (sorted.length - 1)) / KNOTS)]!;
      let sum = 0;
      let square = 0;
      for (const x of sorted) sum += Math.max(0, x - knot);
      const mean = sum / sorted.length;
      for (const x of sorted) square += (Math.max(0, x - knot) - mean) ** 2;
      basis.knots.push(knot);
      basis.mean.push(mean);
      basis.deviation.push(Math.sqrt(square / sorted.length) || 1);
    }
  }
  return basis;
}

/** The standardised columns of a user. Below the lowest knot of the training rows a feature is what it is there. */
function eachColumn(
  { knots, mean, deviation }: UserBasis,
  features: Float32Array,
  row: number,
  visit: (column: number, value: number) => void,
): void {
  for (let column = 0; column < knots.length; column++) {
    const x = features[row * USER_FEATURES.length + Math.floor(column / KNOTS)]!;
    const z = (Math.max(0, x - knots[column]!) - mean[column]!) / deviation[column]!;
    visit(column, Math.max(-FARTHEST, Math.min(FARTHEST, z)));
  }
}

/** Coefficients by what they belong to; the intercept is the last of `beta`. */
function partOf(beta: Float64Array, layout: DesignLayout, mean: number[], deviation: number[]): ResponsePart {
  const { pairs, userAt, traitAt, kindAt, couponAt, cols } = layout;
  const pairBeta = Array.from({ length: pairs }, (_, f) => beta[f]! / (deviation[f] ?? 1));
  return {
    pairBeta,
    intercept: beta[cols]! - pairBeta.reduce((sum, b, f) => sum + b * (mean[f] ?? 0), 0),
    userBeta: [...beta.subarray(userAt, traitAt)],
    traitBeta: [...beta.subarray(traitAt, kindAt)],
    kindBeta: [...beta.subarray(kindAt, couponAt)],
    couponBeta: Array.from(beta.subarray(couponAt, cols), (b) => COUPON_SCALE * b),
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
  const width = traits.attributes.length;
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

  const { pairFeatures, userFeatures } = await featuresOfOffers(executor, pairArgs, history, past, journal, orderValue);
  const basis = await basisOf(userFeatures, all);
  const { mean, deviation } = await pairScale(pairFeatures, all);
  if (options.without === "affinity") for (const f of FROM_AFFINITY) deviation[f] = Number.POSITIVE_INFINITY;
  const kinds = coupons.map((coupon) => COUPON_KINDS.indexOf(coupon.kind));
  const design = async (rows: readonly number[]): Promise<GlmData> => {
    const perRow = layout.pairs + USER_COLUMNS + width + 2;
    const indptr = shared.i64(rows.length + 1);
    const indices = shared.i32(rows.length * perRow);
    const values = shared.f32(rows.length * perRow);
    let at = 0;
    const put = (column: number, value: number): void => {
      indices[at] = column;
      values[at++] = value;
    };
    await forEachYielding(rows.length, (i) => {
      const offer = rows[i]!;
      const user = history.users[offer]!;
      const coupon = history.coupons[offer]!;
      for (let f = 0; f < layout.pairs; f++)
        put(f, (pairFeatures[offer * layout.pairs + f]! - mean[f]!) / deviation[f]!);
      eachColumn(basis, userFeatures, offer, (column, value) => put(layout.userAt + column, value));
      for (let t = 0; t < width; t++) put(layout.traitAt + traits.values[user * width + t]!, 1);
      put(layout.kindAt + kinds[coupon]!, 1);
      put(layout.couponAt + coupon, COUPON_SCALE);
      indptr[i + 1] = BigInt(at);
    });
    const x = { cols: layout.cols, indptr, indices: indices.subarray(0, at), values: values.subarray(0, at) };
    return checkedGlm(executor, x, shared.f32(rows.length), undefined, false);
  };
  const pick = (rows: readonly number[], from: Uint8Array) => Uint8Array.from(rows, (i) => from[i]!);

  const x = await design(train);
  let betas: Float64Array[];
  if (hasUplift) {
    const log = {
      treated: pick(train, history.treated),
      redeemed: pick(train, history.redeemed),
      converted: pick(train, history.converted),
    };
    const strata = await fitStrata(executor, x, log, options.l2);
    betas = [strata.anyway, strata.use, strata.persuade];
  } else {
    const y = shared.f32(train.length);
    y.set(pick(train, history.redeemed));
    const { beta, intercept } = await logisticRegression(x, y, { l2: options.l2, threads: executor.threads });
    betas = [Float64Array.of(...beta, intercept)];
  }
  const predict = async (data: GlmData): Promise<Chances[]> => {
    const scores = await Promise.all(
      betas.map((beta) => linearScores({ beta: beta.subarray(0, layout.cols), intercept: beta[layout.cols]! }, data)),
    );
    return Array.from({ length: data.rows }, (_, i) => chancesOf(scores.map((z) => z[i]!)));
  };
  const quality = await judge(
    history,
    train,
    await predict(x),
    heldOut,
    await predict(await design(heldOut)),
    hasUplift,
  );
  const shown = betas.at(-1)!;
  return {
    kind: "model",
    ...counts,
    parts: betas.map((beta) => partOf(beta, layout, mean, deviation)),
    basis,
    attributes: traits.attributes,
    orderValue,
    quality,
    coefficients: [
      ...PAIR_FEATURES.map((label, f) => ({ label, coefficient: shown[f]!, per: "standard-deviation" as const })),
      ...USER_FEATURES.flatMap((name, d) =>
        ["", ", above the lower quarter", ", above the middle", ", in the upper quarter"].map((where, k) => ({
          label: `user: ${name}${where}`,
          coefficient: shown[layout.userAt + d * KNOTS + k]!,
          per: "standard-deviation" as const,
        })),
      ),
      ...[...labels.map((label) => `user: ${label}`), ...COUPON_KINDS.map((kind) => `coupon kind: ${kind}`)].map(
        (label, k) => ({ label, coefficient: shown[layout.traitAt + k]!, per: "yes" as const }),
      ),
    ],
  };
}

/** Offers whose features are made at once: bounds the memory of their users' tastes. */
const OFFERS_AT_ONCE = 65_536;

async function featuresOfOffers(
  executor: Executor,
  pairArgs: Record<string, ArgValue>,
  history: OfferHistory,
  past: PastOffers,
  journal: Journal,
  orderValue: OrderValueModel,
): Promise<{ pairFeatures: Float32Array; userFeatures: Float32Array }> {
  const pairs = PAIR_FEATURES.length;
  const dims = USER_FEATURES.length;
  const pairFeatures = shared.f32(history.users.length * pairs);
  const userFeatures = new Float32Array(history.users.length * dims);
  const rows = Int32Array.from({ length: Math.min(OFFERS_AT_ONCE, history.users.length) }, (_, row) => row);
  for (const { begin, end } of shards(history.users.length, OFFERS_AT_ONCE)) {
    const users = history.users.subarray(begin, end);
    const times = history.times.subarray(begin, end);
    const states = await statesAt(executor, journal, orderValue, users, times, partOfOffers(past, begin, end));
    await executor.run({
      kernel: "pairFeatures",
      args: {
        ...pairArgs,
        ...stateArgs(states),
        users: rows.subarray(0, end - begin),
        coupons: history.coupons.subarray(begin, end),
        outFeatures: pairFeatures.subarray(begin * pairs, end * pairs),
      },
    });
    userFeatures.set(states.features, begin * dims);
  }
  return { pairFeatures, userFeatures };
}

/** The arguments of the pair kernels that come from the users' states. */
export function stateArgs({ shares, orderValue, purchaseRate }: States): Record<string, ArgValue> {
  return { affinity: shares, orderValue, purchaseRate };
}

interface Chances {
  redeem: number;
  /** of an order that would not have been; undefined where the model cannot tell */
  extra: number | undefined;
}

function chancesOf(scores: readonly number[]): Chances {
  const [a, u, s] = scores.map((z) => 1 / (1 + Math.exp(-z)));
  if (u === undefined || s === undefined) return { redeem: a!, extra: undefined };
  const extra = (1 - a!) * s;
  return { redeem: a! * u + extra, extra };
}

async function judge(
  history: OfferHistory,
  train: readonly number[],
  fitted: readonly Chances[],
  heldOut: readonly number[],
  predicted: readonly Chances[],
  hasUplift: boolean,
): Promise<ResponseQuality> {
  const treated = (rows: readonly number[], chances: readonly Chances[]) => {
    const kept = [...rows.keys()].filter((i) => history.treated[rows[i]!] === 1);
    return {
      y: Uint8Array.from(kept, (i) => history.redeemed[rows[i]!]!),
      p: Float32Array.from(kept, (i) => chances[i]!.redeem),
    };
  };
  const own = treated(train, fitted);
  const other = treated(heldOut, predicted);
  const baseRate = own.y.reduce((sum, v) => sum + v, 0) / own.y.length;
  return {
    numTrainOffers: own.y.length,
    numHeldOutOffers: other.y.length,
    baseRate,
    trainLogLoss: await logLoss(own.y, (i) => own.p[i]!),
    heldOutLogLoss: await logLoss(other.y, (i) => other.p[i]!),
    baseRateLogLoss: await logLoss(other.y, () => baseRate),
    calibration: await calibrate(other.y, other.p),
    uplift: hasUplift ? upliftBins(history, heldOut, predicted) : null,
  };
}

const UPLIFT_BINS = 5;

/** Held-out rows in bins of equal size by predicted extra orders: treated minus control conversions of each. */
function upliftBins(
  history: OfferHistory,
  rows: readonly number[],
  predicted: readonly Chances[],
): NonNullable<ResponseQuality["uplift"]> {
  const order = [...rows.keys()].sort((a, b) => predicted[a]!.extra! - predicted[b]!.extra! || a - b);
  const bins: NonNullable<ResponseQuality["uplift"]> = [];
  for (let bin = 0; bin < UPLIFT_BINS; bin++) {
    const part = order.slice(
      Math.floor((bin * order.length) / UPLIFT_BINS),
      Math.floor(((bin + 1) * order.length) / UPLIFT_BINS),
    );
    const n = [0, 0];
    const bought = [0, 0];
    let extra = 0;
    for (const i of part) {
      const group = history.treated[rows[i]!]!;
      n[group]!++;
      bought[group]! += history.converted[rows[i]!]!;
      extra += predicted[i]!.extra!;
    }
    if (n[0] === 0 || n[1] === 0) continue;
    const rate = [bought[0]! / n[0]!, bought[1]! / n[1]!] as const;
    const variance = (rate[0] * (1 - rate[0])) / n[0]! + (rate[1] * (1 - rate[1])) / n[1]!;
    bins.push({
      meanPredicted: extra / part.length,
      observed: rate[1] - rate[0],
      standardError: Math.sqrt(variance),
      numOffers: part.length,
    });
  }
  return bins;
}

async function logLoss(y: Uint8Array, p: (index: number) => number): Promise<number> {
  let sum = 0;
  await forEachYielding(y.length, (i) => {
    const q = Math.min(Math.max(p(i), 1e-12), 1 - 1e-12);
    sum -= Math.log(y[i] === 1 ? q : 1 - q);
  });
  return sum / y.length;
}

/** Bins of about equal size by predicted probability, cut at edges of a fine histogram: no sort of a long array. */
async function calibrate(y: Uint8Array, predicted: Float32Array): Promise<ResponseQuality["calibration"]> {
  const cells = 16_384;
  let largest = 0;
  await forEachYielding(y.length, (i) => {
    largest = Math.max(largest, predicted[i]!);
  });
  const count = new Float64Array(cells);
  const sum = new Float64Array(cells);
  const redeemed = new Float64Array(cells);
  await forEachYielding(y.length, (i) => {
    const cell = Math.min(cells - 1, Math.floor((predicted[i]! / (largest || 1)) * cells));
    count[cell]!++;
    sum[cell]! += predicted[i]!;
    redeemed[cell]! += y[i]!;
  });
  const bins: ResponseQuality["calibration"] = [];
  let bin = { offers: 0, sum: 0, redeemed: 0 };
  let seen = 0;
  for (let cell = 0; cell < cells; cell++) {
    bin = { offers: bin.offers + count[cell]!, sum: bin.sum + sum[cell]!, redeemed: bin.redeemed + redeemed[cell]! };
    seen += count[cell]!;
    const isFull = seen >= ((bins.length + 1) * y.length) / CALIBRATION_BINS || cell + 1 === cells;
    if (isFull && bin.offers > 0) {
      bins.push({
        meanPredicted: bin.sum / bin.offers,
        observedRate: bin.redeemed / bin.offers,
        numOffers: bin.offers,
      });
      bin = { offers: 0, sum: 0, redeemed: 0 };
    }
  }
  return bins;
}

/** float64 [parts * users] the user's part of each logit, intercept included; of the users' features as they are now. */
export async function userScores(
  model: ResponseModel,
  features: Float32Array,
  traits: UserTraits,
): Promise<Float64Array> {
  const numUsers = features.length / USER_FEATURES.length;
  const width = traits.attributes.length;
  const scores = shared.f64(model.parts.length * numUsers);
  for (const [m, part] of model.parts.entries()) {
    await forEachYielding(numUsers, (user) => {
      let z = part.intercept;
      eachColumn(model.basis, features, user, (column, value) => {
        z += part.userBeta[column]! * value;
      });
      for (let t = 0; t < width; t++) z += part.traitBeta[traits.values[user * width + t]!]!;
      scores[m * numUsers + user] = z;
    });
  }
  return scores;
}

/** float64 [parts * coupons] the coupon's part of each logit. */
export function couponScores(model: ResponseModel, coupons: readonly Coupon[]): Float64Array {
  const scores = shared.f64(model.parts.length * coupons.length);
  for (const [m, { kindBeta, couponBeta }] of model.parts.entries()) {
    for (const [j, { kind }] of coupons.entries())
      scores[m * coupons.length + j] = kindBeta[COUPON_KINDS.indexOf(kind)]! + couponBeta[j]!;
  }
  return scores;
}
