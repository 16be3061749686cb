import { CouponcastError, invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions, shards, shared } from "../executor/executor.js";
import { arrayOf, integerBetween, numberBetween, oneOf, shown } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { forEachYielding } from "../util/yield.js";
import { type ItemsetIndex, ItemsetList } from "./itemset-list.js";
import { RULE_METRICS, type RuleMetric } from "./names.js";

export interface RuleOptions extends RunOptions {
  /** In [0, 1]; default 0.5. */
  minConfidence?: number | undefined;
  /** At least 0; default 0. Above 1: bought together more often than by chance. */
  minLift?: number | undefined;
  /** In [-1, 1]; default -1. */
  minLeverage?: number | undefined;
  /** At least 0; default 0. */
  minConviction?: number | undefined;
  /** In [-1, 1]; default -1. */
  minZhang?: number | undefined;
  /** Items that the antecedent must all contain. */
  antecedentContains?: readonly number[] | undefined;
  /** Items that the consequent must all contain. */
  consequentContains?: readonly number[] | undefined;
  /** Items in a consequent, at most; default no limit. */
  maxConsequentLength?: number | undefined;
  /** Best first by this; default confidence. */
  sortBy?: RuleMetric | undefined;
  /** Only that many of the best; default all. */
  top?: number | undefined;
  /** Rules that pass, at most, before `top`; default 10,000,000, some 28 bytes each. More are refused. */
  maxRules?: number | undefined;
}

const RULE_OPTIONS = {
  ...RUN_OPTIONS,
  minConfidence: true,
  minLift: true,
  minLeverage: true,
  minConviction: true,
  minZhang: true,
  antecedentContains: true,
  consequentContains: true,
  maxConsequentLength: true,
  sortBy: true,
  top: true,
  maxRules: true,
};

/** Those who have all of the antecedent also have the consequent. n: baskets; a, c, s: those with antecedent, consequent, both. */
export interface Rule {
  antecedent: number[];
  consequent: number[];
  /** s */
  count: number;
  /** a */
  antecedentCount: number;
  /** c */
  consequentCount: number;
  /** s / n */
  support: number;
  /** s / a */
  confidence: number;
  /** s n / (a c) */
  lift: number;
  /** s / n - (a / n)(c / n) */
  leverage: number;
  /** (1 - c / n) / (1 - confidence); Infinity when all who have the antecedent have the consequent. */
  conviction: number;
  /** leverage / max(s / n (1 - a / n), a / n (c / n - s / n)), in [-1, 1]; 0 when nothing can be told. */
  zhang: number;
}

const DEFAULT_MAX_RULES = 10_000_000;
const SETS_PER_CALL = 16_384;

/** Rules by position among the itemsets, as kernel arguments. */
interface RuleColumns {
  antecedents: Int32Array;
  consequents: Int32Array;
  sets: Int32Array;
}

/** Rules, best first; iterate for whole ones. */
export class RuleList implements Iterable<Rule> {
  readonly #itemsets: ItemsetList;
  readonly #index: ItemsetIndex;
  readonly #columns: RuleColumns;
  readonly #metrics: Float64Array;

  /** @internal */
  constructor(
    itemsets: ItemsetList,
    index: ItemsetIndex,
    columns: RuleColumns,
    /** [5 * size] confidences, lifts, leverages, convictions, Zhang's metrics. */
    metrics: Float64Array,
    /** Rules that passed the filter: more than `size` when only the top was asked for. */
    readonly total: number,
  ) {
    this.#itemsets = itemsets;
    this.#index = index;
    this.#columns = columns;
    this.#metrics = metrics;
  }

  get size(): number {
    return this.#columns.sets.length;
  }

  /** The baskets that the rules come from. */
  get numBaskets(): number {
    return this.#itemsets.numBaskets;
  }

  at(position: number): Rule {
    if (!Number.isInteger(position) || position < 0 || position >= this.size) {
      throw new CouponcastError(
        "ERR_COUPONCAST_OUT_OF_RANGE",
        `expected a position in [0, ${this.size}) of the rules but received ${position}`,
      );
    }
    const { antecedents, consequents, sets } = this.#columns;
    const metric = (number: number) => this.#metrics[number * this.size + position]!;
    const count = this.#itemsets.supports[sets[position]!]!;
    return {
      antecedent: this.#itemsets.itemsOf(antecedents[position]!, this.#index),
      consequent: this.#itemsets.itemsOf(consequents[position]!, this.#index),
      count,
      antecedentCount: this.#itemsets.supports[antecedents[position]!]!,
      consequentCount: this.#itemsets.supports[consequents[position]!]!,
      support: count / this.numBaskets,
      confidence: metric(0),
      lift: metric(1),
      leverage: metric(2),
      conviction: metric(3),
      zhang: metric(4),
    };
  }

  *[Symbol.iterator](): Iterator<Rule> {
    for (let i = 0; i < this.size; i++) yield this.at(i);
  }
}

/**
 * Association rules: all antecedent -> consequent (not empty, disjoint) whose items together are one of the frequent
 * itemsets, and that pass the filter. Metrics come from integer counts, each rounded once or twice.
 *
 * Order: by `sortBy`, best first; of equal ones the higher support, then the higher confidence, then the antecedent and
 * the consequent that comes first among the itemsets.
 * Cost: for each set the consequents above minConfidence. Memory: 28 bytes a rule and the index of the sets.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, ERR_COUPONCAST_OUT_OF_RANGE (more than maxRules), ERR_COUPONCAST_CANCELLED.
 * Source: Agrawal & Srikant 1994; Zhang 2000; formulas.md, "Association rules".
 */
export async function associationRules(itemsets: ItemsetList, options: RuleOptions = {}): Promise<RuleList> {
  if (!(itemsets instanceof ItemsetList))
    throw invalidArgument(`expected itemsets that frequentItemsets has found but received ${shown(itemsets)}`);
  if (itemsets.selected !== undefined) {
    throw invalidArgument("expected all frequent itemsets but received closed or maximal ones", {
      hint: 'rules need the supports of all subsets: mine with kind "all"',
    });
  }
  const filter = filterArgs(knownOptions("associationRules", options, RULE_OPTIONS));
  const sortBy = oneOf("sortBy", options.sortBy ?? "confidence", RULE_METRICS);
  const top = integerBetween("top", options.top ?? 2 ** 31 - 1, 1, 2 ** 31 - 1);
  const executor = new Executor(options);
  const index = await itemsets.index(executor);
  const { items, lengths, supports } = itemsets;
  const sets = { items, lengths, supports, ...index, numBaskets: Math.max(itemsets.numBaskets, 1) };
  const args = { ...sets, ...filter, sharedCount: shared.i64(1) };
  const found = await executor
    .map(
      shards(items.length, SETS_PER_CALL).map(({ begin, end }) => ({
        kernel: "findRules",
        args: { ...args, begin, end },
      })),
      { name: "rules" },
    )
    .catch((thrown) => {
      throw withHint(thrown);
    });
  const all = joined(found.map(({ value }) => value as RuleColumns));
  const total = all.sets.length;
  const order = shared.i32(Math.min(top, total));
  const metric = RULE_METRICS.indexOf(sortBy);
  await executor.run({ kernel: "orderRules", args: { ...sets, ...all, metric, outOrder: order } });
  const best = {
    antecedents: await gathered(all.antecedents, order),
    consequents: await gathered(all.consequents, order),
    sets: await gathered(all.sets, order),
  };
  const metrics = shared.f64(5 * order.length);
  await executor.run({ kernel: "measureRules", args: { ...sets, ...best, outMetrics: metrics } });
  return new RuleList(itemsets, index, best, metrics, total);
}

function filterArgs(options: RuleOptions) {
  const contains = (name: string, items: readonly number[] = []) =>
    Int32Array.from(arrayOf(name, items), (item) => integerBetween(name, item, 0, 2 ** 31 - 1));
  return {
    minConfidence: numberBetween("minConfidence", options.minConfidence ?? 0.5, 0, 1),
    minLift: numberBetween("minLift", options.minLift ?? 0, 0, Number.MAX_VALUE),
    minLeverage: numberBetween("minLeverage", options.minLeverage ?? -1, -1, 1),
    minConviction: numberBetween("minConviction", options.minConviction ?? 0, 0, Number.POSITIVE_INFINITY),
    minZhang: numberBetween("minZhang", options.minZhang ?? -1, -1, 1),
    antecedentContains: contains("antecedentContains", options.antecedentContains),
    consequentContains: contains("consequentContains", options.consequentContains),
    maxConsequentLength:
      options.maxConsequentLength === undefined
        ? 0
        : integerBetween("maxConsequentLength", options.maxConsequentLength, 1, 2 ** 31 - 1),
    maxRules: integerBetween("maxRules", options.maxRules ?? DEFAULT_MAX_RULES, 1, 2 ** 31 - 1),
  };
}

function joined(parts: readonly RuleColumns[]): RuleColumns {
  const size = parts.reduce((sum, part) => sum + part.sets.length, 0);
  const all = { antecedents: shared.i32(size), consequents: shared.i32(size), sets: shared.i32(size) };
  let at = 0;
  for (const part of parts) {
    all.antecedents.set(part.antecedents, at);
    all.consequents.set(part.consequents, at);
    all.sets.set(part.sets, at);
    at += part.sets.length;
  }
  return all;
}

async function gathered(values: Int32Array, order: Int32Array): Promise<Int32Array> {
  const out = shared.i32(order.length);
  await forEachYielding(order.length, (i) => {
    out[i] = values[order[i]!]!;
  });
  return out;
}

function withHint(thrown: unknown): unknown {
  if (!(thrown instanceof CouponcastError) || thrown.code !== "ERR_COUPONCAST_OUT_OF_RANGE") return thrown;
  return new CouponcastError(thrown.code, thrown.message, {
    field: "maxRules",
    hint: "raise minConfidence or minLift, limit maxConsequentLength, or raise maxRules",
    cause: thrown,
  });
}
