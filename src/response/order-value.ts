import { type Executor, shared } from "../executor/executor.js";
import { linearRegression } from "../learn/linear-model.js";
import { forEachYielding } from "../util/yield.js";
import {
  type Journal,
  MOMENT_NUMBERS,
  NEXT_FEATURES_AT,
  NUMBERS,
  numbersOf,
  USER_FEATURES,
  UserState,
} from "./moments.js";
import { chancesAt, nextFeatures } from "./next-behaviour.js";
import { OFFER_FEATURES, offerFeatures, type PastOffers } from "./past-offers.js";

/** What a user's next order is worth, by what was known before it. */
export interface OrderValueModel {
  /** Of everybody's orders, or as the campaign says. */
  usualMinor: number;
  /** ln(order) on ln(mean of the user's orders), prices looked at, lines an order, purchases for each look; then the intercept. Null: too few orders to learn from. */
  beta: number[] | null;
  /** How far users' usual orders lie from what is thought of them: standard deviation of the logarithm; 0: not known. */
  spread: number;
}

const COLUMNS = 4;
const MIN_ORDERS = 200;
const MAX_ORDERS = 200_000;

function columns(state: UserState, into: Float32Array, at: number): void {
  into[at] = state.logMeanOrder;
  into[at + 1] = state.logPrice;
  into[at + 2] = state.logLines;
  into[at + 3] = state.logPurchasesPerLook;
}

/**
 * Least squares of ln(order) on what was known of the user before the order; each user weighs the same, however many
 * orders, and the mean of all is met (Duan's smearing). From the orders of users at even distances, about 200,000 of
 * them. Fewer than 200: the user's mean order blended with the usual one, `statedMinor` or the shop's. Source: Duan 1983.
 *
 * @param now float64 [users * MOMENT_NUMBERS] the users' numbers as they are now
 */
export async function fitOrderValue(
  executor: Executor,
  journal: Journal,
  now: Float64Array,
  statedMinor: number | undefined,
): Promise<OrderValueModel> {
  const usualMinor = statedMinor ?? journal.totals.meanOrderMinor;
  if (statedMinor !== undefined) return { usualMinor, beta: null, spread: 0 };
  const ordersOf = (user: number) => now[user * MOMENT_NUMBERS + NUMBERS.orders]!;
  let all = 0;
  for (let user = 0; user < journal.numUsers; user++) all += ordersOf(user);
  const step = Math.max(1, Math.ceil(all / MAX_ORDERS));
  const sampled = Int32Array.from({ length: Math.ceil(journal.numUsers / step) }, (_, i) => i * step);
  const count = sampled.reduce((sum, user) => sum + ordersOf(user), 0);
  if (count < MIN_ORDERS || journal.totals.meanOrderMinor === 1) return { usualMinor, beta: null, spread: 0 };
  const owners = shared.i32(count);
  const times = shared.i64(count);
  const valuesMinor = shared.f64(count);
  await executor.run({
    kernel: "listOrders",
    args: { ...journal.args, users: sampled, outOwners: owners, outTimes: times, outValues: valuesMinor },
  });
  const users = shared.i32(count);
  for (let i = 0; i < count; i++) users[i] = sampled[owners[i]!]!;
  const numbers = await numbersOf(executor, journal, users, times);
  const state = new UserState(journal.totals);
  const x = {
    cols: COLUMNS,
    indptr: shared.i64(count + 1),
    indices: shared.i32(count * COLUMNS),
    values: shared.f32(count * COLUMNS),
  };
  const y = shared.f32(count);
  const weights = shared.f32(count);
  await forEachYielding(count, (row) => {
    columns(state.read(numbers, row), x.values, row * COLUMNS);
    for (let d = 0; d < COLUMNS; d++) x.indices[row * COLUMNS + d] = d;
    x.indptr[row + 1] = BigInt((row + 1) * COLUMNS);
    const isPriced = valuesMinor[row]! > 0;
    y[row] = isPriced ? Math.log(valuesMinor[row]!) : 0;
    weights[row] = isPriced ? 1 / ordersOf(users[row]!) : 0;
  });
  const { beta, intercept } = await linearRegression(x, y, { l2: 1, weights, threads: executor.threads });
  let spent = 0;
  let fitted = 0;
  const predicted = new Float64Array(count);
  await forEachYielding(count, (row) => {
    let z = 0;
    for (let d = 0; d < COLUMNS; d++) z += beta[d]! * x.values[row * COLUMNS + d]!;
    predicted[row] = z + intercept;
    spent += weights[row]! * valuesMinor[row]!;
    fitted += weights[row]! * Math.exp(predicted[row]!);
  });
  const spread = await spreadOf(owners, y, weights, predicted);
  return { usualMinor, beta: [...beta, intercept + Math.log(spent / fitted)], spread };
}

/**
 * Of what was thought before a user's last two orders, the error that both have in common: what single orders differ in has
 * mean 0 in the product. Users weigh the same.
 */
async function spreadOf(
  owners: Int32Array,
  y: Float32Array,
  weights: Float32Array,
  predicted: Float64Array,
): Promise<number> {
  let products = 0;
  let users = 0;
  await forEachYielding(owners.length, (row) => {
    const isLastOfTwo = row > 0 && owners[row - 1] === owners[row] && owners[row + 1] !== owners[row];
    if (!isLastOfTwo || weights[row] === 0 || weights[row - 1] === 0) return;
    const before = predicted[row - 1]!;
    products += (y[row - 1]! - before) * (y[row]! - before);
    users++;
  });
  return users < MIN_ORDERS ? 0 : Math.sqrt(Math.max(0, products / users));
}

/** Of the user whose state it is; minor units, > 0. */
function orderValueOf(model: OrderValueModel, state: UserState): number {
  const { beta, usualMinor } = model;
  if (beta === null) return state.meanOrderMinor(usualMinor);
  const x = new Float32Array(COLUMNS);
  columns(state, x, 0);
  let z = beta[COLUMNS]!;
  for (let d = 0; d < COLUMNS; d++) z += beta[d]! * x[d]!;
  return Math.exp(z);
}

/** Users at moments as the response model and the economics take them; in shared memory. */
export interface States {
  /** float32 [moments * USER_FEATURES] */
  features: Float32Array;
  /** float64 [moments] the usual order, minor units */
  orderValue: Float64Array;
  /** float64 [moments] orders a day */
  purchaseRate: Float64Array;
  /** float32 [moments * (coupons + 1)] share of taste in each coupon's scope; the last column is 1 */
  shares: Float32Array;
  /** float32 [moments * behaviours] chance that the next behaviour is this one and comes within the horizon */
  next: Float32Array;
}

/** `past`: what had come of the users' offers by then. Cost: the events before each moment. Memory: 4 (coupons + 1) bytes a moment. */
export async function statesAt(
  executor: Executor,
  journal: Journal,
  model: OrderValueModel,
  users: Int32Array,
  moments: BigInt64Array,
  past: PastOffers,
): Promise<States> {
  const count = users.length;
  const shares = shared.f32(count * (journal.numCoupons + 1));
  const numbers = await numbersOf(executor, journal, users, moments, shares);
  const next = await chancesAt(executor, journal.next, users, moments);
  const features = shared.f32(count * USER_FEATURES.length);
  const orderValue = shared.f64(count);
  const purchaseRate = shared.f64(count);
  const state = new UserState(journal.totals);
  await forEachYielding(count, (row) => {
    state.read(numbers, row);
    orderValue[row] = orderValueOf(model, state);
    purchaseRate[row] = state.purchaseRate;
    const first = row * USER_FEATURES.length;
    state.features(orderValue[row]!, features, first);
    nextFeatures(journal.next, next, row, features, first + NEXT_FEATURES_AT);
    offerFeatures(past, row, features, (row + 1) * USER_FEATURES.length - OFFER_FEATURES);
  });
  return { features, orderValue, purchaseRate, shares, next };
}
