/** What each behaviour says about taste, by what users looked at later. */
import { type Executor, type RowRange, shards, shared } from "../executor/executor.js";
import { addTo, type Point, type SmoothObjective } from "../learn/objective.js";
import { owlQn } from "../learn/owl-qn.js";
import { Random } from "../util/random.js";
import { type Journal, MOMENT_NUMBERS, NUMBERS } from "./moments.js";

export interface TasteModel {
  /** [behaviours] what an event counts. */
  weights: number[];
  /** Of everybody's taste, that a user's own is blended in with, in the unit of `weights`. */
  priorWeight: number;
  /** How it was found; null: too few events to learn from, so the campaign's weights stand. */
  fit: { targets: number; lossBefore: number; lossAfter: number } | null;
}

const MAX_TARGETS = 20_000;
const MAX_TARGETS_EACH = 8;
const MIN_TARGETS = 200;
/** Targets of a kernel call. */
const SHARD_TARGETS = 2048;
/** A visit goes on as it began; a coupon speaks of later ones. */
const GAP_MICROS = 86_400_000_000;
const MAX_ITERATIONS = 60;
const TOLERANCE = 1e-5;
/** Pull of each logarithm towards the campaign's weight: that of a single event, so that what never happens stays as given. */
const PULL = 1;

interface Targets {
  users: Int32Array;
  places: BigInt64Array;
}

/** Loss by the logarithms of what the weights are multiplied by. */
class TasteObjective implements SmoothObjective {
  readonly l1 = 0;

  constructor(
    readonly executor: Executor,
    readonly journal: Journal,
    readonly targets: Targets,
    readonly given: Float64Array,
    readonly ranges: readonly RowRange[],
  ) {}

  get dims(): number {
    return this.given.length;
  }

  l1Penalty(): number {
    return 0;
  }

  weightsAt(beta: Float64Array): Float64Array {
    return this.given.map((weight, b) => weight * Math.exp(beta[b]!));
  }

  async at(beta: Float64Array): Promise<Point> {
    const weights = this.weightsAt(beta);
    const results = await this.executor.map(
      this.ranges.map(({ begin, end }) => ({
        kernel: "tasteLoss",
        args: {
          ...this.journal.args,
          weights,
          ...this.targets,
          gapMicros: GAP_MICROS,
          begin,
          end,
          outGradient: { $return: "F64", length: weights.length },
        },
      })),
    );
    const gradient = shared.f64(weights.length);
    let loss = 0;
    for (const { value, outputs } of results) {
      loss += value as number;
      addTo(gradient, outputs.outGradient as Float64Array);
    }
    let penalty = 0;
    for (let b = 0; b < weights.length; b++) {
      gradient[b] = gradient[b]! * weights[b]! + PULL * beta[b]!;
      penalty += (PULL / 2) * beta[b]! ** 2;
    }
    return { beta, loss, smooth: loss + penalty, gradient, hessian: shared.f64(0) };
  }
}

/** Events of users at even distances, drawn by the seed, each with events before it: as many from each as 20,000 in all allow. */
function drawTargets(now: Float64Array, numUsers: number, seed: number): Targets {
  const step = Math.max(1, Math.ceil(numUsers / MAX_TARGETS));
  const each = Math.max(1, Math.min(MAX_TARGETS_EACH, Math.floor(MAX_TARGETS / numUsers)));
  const users: number[] = [];
  const places: bigint[] = [];
  const random = new Random(seed);
  for (let user = 0; user < numUsers; user += step) {
    const events = now[user * MOMENT_NUMBERS + NUMBERS.events]!;
    if (events < 2) continue;
    random.reseed(seed, user);
    const own = Array.from({ length: Math.min(each, events - 1) }, () => 1 + random.int(events - 1));
    for (const place of own.sort((a, b) => a - b)) {
      users.push(user);
      places.push(BigInt(place));
    }
  }
  return { users: Int32Array.from(users), places: BigInt64Array.from(places) };
}

/**
 * What an event of each behaviour says about taste, and how much of it outweighs everybody's: by maximum likelihood of the
 * scopes that later events lie in, from the user's events at least a day before,
 * P(in scope) = (weight in scope + priorWeight everybody's share) / (weight of all + priorWeight).
 * The campaign's weights are where it begins; a weight of 0 stays 0. From some 20,000 events of as many users.
 * Deterministic; threads change nothing. Source: Minka 2000, "Estimating a Dirichlet distribution".
 *
 * @param now float64 [users * MOMENT_NUMBERS] the users' numbers as they are now
 */
export async function fitTaste(
  executor: Executor,
  journal: Journal,
  now: Float64Array,
  seed: number,
): Promise<TasteModel> {
  const { weights: given, priorWeight } = journal.args as { weights: Float64Array; priorWeight: number };
  const targets = drawTargets(now, journal.numUsers, seed);
  const count = targets.users.length;
  if (count < MIN_TARGETS || journal.numCoupons === 0) return { weights: [...given], priorWeight, fit: null };
  const objective = new TasteObjective(executor, journal, targets, given, shards(count, SHARD_TARGETS));
  const start = shared.f64(given.length);
  const { loss } = await objective.at(start);
  const { point } = await owlQn(objective, start, TOLERANCE, MAX_ITERATIONS);
  return {
    weights: [...objective.weightsAt(point.beta)],
    priorWeight,
    fit: { targets: count, lossBefore: loss / count, lossAfter: point.loss / count },
  };
}

/** The journal with these weights. */
export function withTaste(journal: Journal, { weights, priorWeight }: TasteModel): Journal {
  return { ...journal, args: { ...journal.args, weights: Float64Array.from(weights), priorWeight } };
}
