import type { Random } from "../util/random.js";
import { sigmoid } from "../util/sigmoid.js";
import type { Calendar } from "./calendar.js";
import { MODEL, STREAM } from "./model.js";
import type { Shop } from "./shop.js";

export const TIERS = ["none", "silver", "gold", "platinum"] as const;
export const AGE_BANDS = ["18-24", "25-34", "35-44", "45-54", "55-64", "65+"] as const;
export const CITIES = ["Berlin", "Hamburg", "Koeln", "Leipzig", "Muenchen", "Stuttgart", "Wien", "Zuerich"] as const;
/** as in the channel column; also the bits online = 1, offline = 2 */
export const USER_CHANNELS = ["", "online", "offline", "both"] as const;
export const NUM_STORES = 20;

const AGE_SHARES = [0.14, 0.24, 0.2, 0.18, 0.14, 0.1];
/** The young look at prices more, on average. */
const AGE_SENSITIVITY = [0.5, 0.25, 0, -0.1, -0.2, -0.2];
const CITY_SHARES = [0.24, 0.16, 0.1, 0.1, 0.14, 0.08, 0.12, 0.06];
const DAY_MS = 86_400_000;

/** What a user is: drawn once, the source of events, history and truth. One object is reused for all users. */
export class UserLatents {
  user = 0;
  // activity
  activity = 0;
  cold = false;
  loyal = false;
  lapsed = false;
  /** share of all events before normalising; 0 for cold users */
  weight = 0;
  /** days of the history in which the user was around, [beginDay, endDay) */
  beginDay = 0;
  endDay = 0;
  // taste and habit
  readonly tastes = new Int32Array(MODEL.numTastes);
  conversion = 0;
  searchShare = 0;
  basket = 0;
  sensitivity = 0;
  saleShare = 0;
  proneness = 0;
  // attributes
  tier = 0;
  age = 0;
  city = 0;
  /** bits: online 1, offline 2 */
  channel = 0;
  /** 0: none */
  store = 0;
  consent = false;
  /** milliseconds of the birth date; NaN: unknown */
  birthdayMs = Number.NaN;
  joinedMs = 0;
}

function pick(random: Random, shares: readonly number[]): number {
  let r = random.next();
  for (let i = 0; i < shares.length - 1; i++) {
    r -= shares[i]!;
    if (r < 0) return i;
  }
  return shares.length - 1;
}

/** Standard normal distribution function (Abramowitz and Stegun 26.2.17, error below 1e-7). */
function normalCdf(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const poly = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = 0.3989422804014327 * Math.exp((-x * x) / 2) * poly;
  return x < 0 ? tail : 1 - tail;
}

/**
 * The first draws of a user's stream: activity, cold or not, and the share of events. Cheap, as the counts of all
 * users must be known before the first event is written. `random` is left where `drawLatents` goes on.
 */
export function drawActivity(random: Random, seed: number, user: number, out: UserLatents): void {
  random.reseed(seed, STREAM.latents(user));
  out.user = user;
  out.activity = random.normal();
  out.cold = random.next() < MODEL.coldShare;
  out.weight = out.cold ? 0 : Math.exp(MODEL.activitySigma * out.activity);
}

/** Draws everything about the user. `forcedCold`: the one user that is made cold where chance made none. */
export function drawLatents(
  random: Random,
  seed: number,
  user: number,
  shop: Shop,
  calendar: Calendar,
  forcedCold: boolean,
  out: UserLatents,
): void {
  drawActivity(random, seed, user, out);
  if (forcedCold) {
    out.cold = true;
    out.weight = 0;
  }
  out.loyal = random.next() < normalCdf(MODEL.loyalOffset + out.activity);
  out.lapsed = random.next() < MODEL.lapsedShare && !out.loyal && !out.cold;
  drawTimeAround(random, calendar, out);

  for (let k = 0; k < MODEL.numTastes; k++) out.tastes[k] = shop.categorySampler.draw(random, 0);
  out.age = pick(random, AGE_SHARES);
  out.sensitivity = sigmoid(1.2 * random.normal() + AGE_SENSITIVITY[out.age]!);
  out.conversion = Math.min(0.6, sigmoid(-2.4 + 0.35 * random.normal() + (out.loyal ? 1.1 : 0)));
  out.searchShare = sigmoid(-1.2 + 0.5 * random.normal());
  out.basket = 0.05 + 0.35 * random.next();
  out.saleShare = 0.05 + 0.5 * out.sensitivity;
  out.proneness = 0.2 * random.normal();

  // Members are the active and the loyal, on the whole.
  const standing = out.cold ? -1 : 0.4 * out.activity + (out.loyal ? 2 : 0) + 0.4 * random.normal();
  out.tier = standing > 1.7 ? 3 : standing > 1.0 ? 2 : standing > 0.3 ? 1 : 0;
  out.city = pick(random, CITY_SHARES);
  out.channel = 1 + pick(random, [0.45, 0.2, 0.35]);
  const store = 1 + random.int(NUM_STORES);
  out.store = out.channel === 1 ? 0 : store;
  out.consent = random.next() < 0.88;
  drawBirthday(random, calendar, out);
}

function drawTimeAround(random: Random, calendar: Calendar, out: UserLatents): void {
  const { days, startMs } = calendar;
  const r = random.next();
  const inWindow = random.next() < MODEL.joinedInWindowShare;
  const lapse = random.next();
  let joinedDay: number; // of the history, below 0 before it
  if (out.cold) joinedDay = days - 1 - Math.floor(r * MODEL.newcomerDays);
  else if (inWindow) joinedDay = Math.floor(r * (days - MODEL.newcomerDays));
  else joinedDay = -1 - Math.floor(r * 4 * 365);
  out.joinedMs = startMs + joinedDay * DAY_MS;
  out.beginDay = Math.max(0, joinedDay);
  out.endDay = days;
  if (out.lapsed) {
    // Gone for 30 days at least and half of the time at most, but never before a fortnight.
    const latest = Math.max(out.beginDay + MODEL.newcomerDays, days - 30);
    const earliest = Math.max(out.beginDay + MODEL.newcomerDays, Math.floor((out.beginDay + days) / 2));
    out.endDay = Math.min(days, earliest + Math.floor(lapse * Math.max(1, latest - earliest)));
  }
}

function drawBirthday(random: Random, calendar: Calendar, out: UserLatents): void {
  const known = random.next() >= 0.03;
  const youngest = out.age === 0 ? 18 : 15 + out.age * 10;
  const span = out.age === 0 ? 7 : out.age === 5 ? 20 : 10;
  const year = new Date(calendar.startMs + calendar.days * DAY_MS).getUTCFullYear() - youngest - 1 - random.int(span);
  const month = random.int(12);
  const day = 1 + random.int(28);
  out.birthdayMs = known ? Date.UTC(year, month, day) : Number.NaN;
}
