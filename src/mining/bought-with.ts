import { invalidArgument } from "../errors.js";
import { shown } from "../util/arguments.js";
import type { Rule } from "./rules.js";

export interface Suggestion {
  item: number;
  /** The best rule that leads to the item. */
  rule: Rule;
}

/** Highest confidence first, then lift, then the antecedent with fewer items, then the rule that came first. */
function isBetter(a: Rule, b: Rule): boolean {
  if (a.confidence !== b.confidence) return a.confidence > b.confidence;
  if (a.lift !== b.lift) return a.lift > b.lift;
  return a.antecedent.length < b.antecedent.length;
}

/**
 * What else is bought with some items: looks up the rules whose antecedent they contain.
 *
 * Only consequents of one item count. Memory: that of the rules.
 */
export class BoughtWith {
  /** Rules by the first item of their antecedent, the rarest: few rules share it. */
  readonly #byFirst = new Map<number, Rule[]>();

  constructor(rules: Iterable<Rule>) {
    for (const rule of rules) {
      const [first] = rule.antecedent;
      if (first === undefined || rule.consequent.length !== 1) continue;
      const group = this.#byFirst.get(first);
      if (group === undefined) this.#byFirst.set(first, [rule]);
      else group.push(rule);
    }
  }

  /**
   * Items that are not among `items`, by their best rule: highest confidence first, then lift, then fewer items in the
   * antecedent, then the smaller item.
   */
  lookUp(items: Iterable<number>, limit = Number.POSITIVE_INFINITY): Suggestion[] {
    if (typeof limit !== "number" || !(limit >= 0))
      throw invalidArgument(`expected a limit of at least 0 but received ${shown(limit)}`);
    const owned = new Set(items);
    const best = new Map<number, Rule>();
    for (const item of [...owned].sort((a, b) => a - b)) {
      for (const rule of this.#byFirst.get(item) ?? []) {
        const to = rule.consequent[0]!;
        if (owned.has(to) || !rule.antecedent.every((other) => owned.has(other))) continue;
        const known = best.get(to);
        if (known === undefined || isBetter(rule, known)) best.set(to, rule);
      }
    }
    return [...best]
      .map(([item, rule]) => ({ item, rule }))
      .sort((a, b) => (isBetter(a.rule, b.rule) ? -1 : isBetter(b.rule, a.rule) ? 1 : a.item - b.item))
      .slice(0, limit);
  }
}
