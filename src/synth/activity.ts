import { invalidArgument } from "../errors.js";
import { Random } from "../util/random.js";
import { DAY_SECONDS } from "./calendar.js";
import { drawActivity, UserLatents } from "./latents.js";
import type { SynthPlan } from "./options.js";

/** How many events each user has, and how the users are cut into parts. */
export interface Activity {
  /** Int32 [users] on shared memory; adds up to the wanted number of events */
  counts: Int32Array;
  /** sum of the users' weights: a user expects events * weight / totalWeight events */
  totalWeight: number;
  numCold: number;
  /** the user made cold although chance made none, or -1 */
  forcedCold: number;
}

/** A part of the work: the users [begin, end), and their events. */
export interface Part {
  index: number;
  begin: number;
  end: number;
  events: number;
}

/** A part ends when it holds this many events or users. Never depends on the number of threads. */
export const PART_EVENTS = 500_000;
export const PART_USERS = 25_000;

/**
 * Largest-remainder rounding: whole numbers in proportion to the weights that add up to exactly `total`. Ties of
 * remainders go to the smaller index. O(n log n), 16 bytes of scratch a user.
 */
export function roundToTotal(weights: Float64Array, totalWeight: number, total: number, counts: Int32Array): void {
  const n = weights.length;
  const remainders = new Float64Array(n);
  let left = total;
  for (let i = 0; i < n; i++) {
    const quota = (total * weights[i]!) / totalWeight;
    const whole = Math.floor(quota);
    counts[i] = whole;
    left -= whole;
    remainders[i] = quota - whole;
  }
  // The left-th largest remainder is the last that gets one more.
  const sorted = remainders.slice().sort();
  const threshold = left > 0 ? sorted[n - left]! : Number.POSITIVE_INFINITY;
  for (let i = 0; i < n; i++) {
    if (remainders[i]! > threshold) {
      counts[i] = counts[i]! + 1;
      left--;
    }
  }
  for (let i = 0; i < n && left > 0; i++) {
    if (remainders[i] === threshold) {
      counts[i] = counts[i]! + 1;
      left--;
    }
  }
}

/** Draws every user's share and rounds the shares to counts. At least one user is cold. O(users log users). */
export function planActivity(plan: SynthPlan): Activity {
  const { users, seed, events } = plan;
  const random = new Random(seed);
  const latents = new UserLatents();
  const weights = new Float64Array(users);
  let numCold = 0;
  let smallest = 0;
  for (let user = 0; user < users; user++) {
    drawActivity(random, seed, user, latents);
    weights[user] = latents.weight;
    if (latents.cold) numCold++;
    if (latents.weight < weights[smallest]!) smallest = user;
  }
  let forcedCold = -1;
  if (numCold === 0) {
    forcedCold = smallest;
    weights[smallest] = 0;
    numCold = 1;
  }
  let totalWeight = 0;
  for (let user = 0; user < users; user++) totalWeight += weights[user]!;
  if (totalWeight === 0) {
    throw invalidArgument(`Expected a user with events but chance made all ${users} users of seed ${seed} cold`, {
      field: "users",
      hint: "Ask for more users or take another seed.",
    });
  }
  // A user's events have different seconds, within at least a fortnight.
  const perUser = (events * largest(weights)) / totalWeight;
  const most = 7 * DAY_SECONDS;
  if (perUser > most) {
    throw invalidArgument(
      `Expected at most ${most} events of one user but ${events} events over ${users} users give ${Math.ceil(perUser)} to one`,
      { field: "events", hint: "Ask for fewer events or more users." },
    );
  }
  const counts = new Int32Array(new SharedArrayBuffer(users * 4));
  roundToTotal(weights, totalWeight, events, counts);
  return { counts, totalWeight, numCold, forcedCold };
}

function largest(weights: Float64Array): number {
  let most = 0;
  for (const weight of weights) if (weight > most) most = weight;
  return most;
}

/** Cuts the users into parts of about PART_EVENTS events or PART_USERS users. */
export function planParts(counts: Int32Array): Part[] {
  const parts: Part[] = [];
  let begin = 0;
  let events = 0;
  for (let user = 0; user < counts.length; user++) {
    events += counts[user]!;
    const end = user + 1;
    if (events >= PART_EVENTS || end - begin >= PART_USERS || end === counts.length) {
      parts.push({ index: parts.length, begin, end, events });
      begin = end;
      events = 0;
    }
  }
  return parts;
}
