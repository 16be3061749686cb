import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { associationRules, BoughtWith, frequentItemsets, RULE_METRICS, type RuleOptions } from "../../src/index.js";
import { settings } from "../support/arbitraries.js";
import { basketsOf, bruteForce, keyOf } from "./baskets.js";

const GOLDEN = [
  [0, 1, 2],
  [0, 1],
  [0, 2],
  [1, 2],
  [0, 1, 2, 3],
];
const rulesOf = async (rows: readonly (readonly number[])[], minCount: number, options: RuleOptions = {}) =>
  associationRules(await frequentItemsets(basketsOf(rows), { minCount }), options);
const nameOf = ({ antecedent, consequent }: { antecedent: number[]; consequent: number[] }) =>
  `${keyOf(antecedent)} > ${keyOf(consequent)}`;

describe("association rules", () => {
  it("have the metrics of formulas.md", async () => {
    const rules = new Map([...(await rulesOf(GOLDEN, 1, { minConfidence: 0 }))].map((rule) => [nameOf(rule), rule]));
    const close = { support: 0.6, confidence: 0.75, lift: 0.9375, leverage: -0.04, conviction: 0.8 };
    for (const [metric, value] of Object.entries(close)) {
      expect(rules.get("0 > 1")![metric as keyof typeof close]).toBeCloseTo(value, 12);
    }
    const abc = rules.get("0 1 > 2")!;
    expect([abc.support, abc.confidence, abc.lift, abc.leverage, abc.conviction].map((x) => x.toFixed(6))).toEqual([
      "0.400000",
      "0.666667",
      "0.833333",
      "-0.080000",
      "0.600000",
    ]);
    expect(rules.get("3 > 0")).toMatchObject({
      support: 0.2,
      confidence: 1,
      lift: 1.25,
      conviction: Number.POSITIVE_INFINITY,
    });
    expect(rules.get("3 > 0")!.leverage).toBeCloseTo(0.04, 12);
  });

  it("are those that splitting every frequent set finds, best first", async () => {
    const rows = fc.array(fc.array(fc.nat(6), { maxLength: 6 }), { minLength: 1, maxLength: 20 });
    const instance = fc.record({
      rows,
      minCount: fc.integer({ min: 1, max: 3 }),
      minConfidence: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(
        instance,
        fc.constantFrom(...RULE_METRICS),
        async ({ rows, minCount, minConfidence }, sortBy) => {
          const counts = bruteForce(rows, minCount);
          const expected = new Set<string>();
          for (const a of counts.keys()) {
            for (const c of counts.keys()) {
              const both = keyOf([...new Set([...a.split(" "), ...c.split(" ")])].map(Number));
              const disjoint = both.split(" ").length === a.split(" ").length + c.split(" ").length;
              const s = counts.get(both);
              if (disjoint && s !== undefined && s / counts.get(a)! >= minConfidence) expected.add(`${a} > ${c}`);
            }
          }
          const one = await rulesOf(rows, minCount, { minConfidence, sortBy, threads: 1 });
          const two = await rulesOf(rows, minCount, { minConfidence, sortBy, threads: 2 });
          expect([...two]).toEqual([...one]);
          expect(new Set([...one].map(nameOf))).toEqual(expected);
          const values = [...one].map((rule) => rule[sortBy]);
          expect(values).toEqual([...values].sort((a, b) => b - a));
          const top = await rulesOf(rows, minCount, { minConfidence, sortBy, top: 3 });
          expect([...top]).toEqual([...one].slice(0, 3));
          expect(top.total).toBe(one.size);
        },
      ),
      settings(30),
    );
  });

  it("have metrics that are their formulas in counts of baskets, also where baskets are independent or all alike", async () => {
    const random = fc.array(fc.array(fc.nat(4), { maxLength: 5 }), { minLength: 1, maxLength: 16 });
    // Every combination of three items as often: lift is 1, and nothing is to be learned.
    const independent = [[], [0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]];
    const equal = Array.from({ length: 3 }, () => [0, 1, 2]);
    await fc.assert(
      fc.asyncProperty(fc.oneof(random, fc.constantFrom(independent, equal)), async (rows) => {
        const n = rows.length;
        const holding = (items: number[]) => rows.filter((row) => items.every((item) => row.includes(item))).length;
        for (const rule of await rulesOf(rows, 1, { minConfidence: 0 })) {
          const [a, c] = [holding(rule.antecedent), holding(rule.consequent)];
          const s = holding([...rule.antecedent, ...rule.consequent]);
          expect([rule.count, rule.antecedentCount, rule.consequentCount]).toEqual([s, a, c]);
          const leverage = s / n - (a / n) * (c / n);
          const most = Math.max((s / n) * (1 - a / n), (a / n) * (c / n - s / n));
          const expected = {
            support: s / n,
            confidence: s / a,
            lift: s / n / ((a / n) * (c / n)),
            leverage,
            conviction: s === a ? Number.POSITIVE_INFINITY : (1 - c / n) / (1 - s / a),
            zhang: most === 0 ? 0 : leverage / most,
          };
          for (const metric of RULE_METRICS) {
            if (expected[metric] === Number.POSITIVE_INFINITY) expect(rule[metric]).toBe(expected[metric]);
            else expect(rule[metric], metric).toBeCloseTo(expected[metric], 9);
          }
          if (s * n === a * c) expect([rule.lift, rule.leverage, rule.zhang]).toEqual([1, 0, 0]);
        }
      }),
      { ...settings(60), examples: [[independent], [equal]] },
    );
  });

  it("pass the filter", async () => {
    const all = [...(await rulesOf(GOLDEN, 1, { minConfidence: 0 }))];
    const names = async (options: RuleOptions) =>
      new Set([...(await rulesOf(GOLDEN, 1, { minConfidence: 0, ...options }))].map(nameOf));
    const kept = (keep: (rule: (typeof all)[number]) => boolean) => new Set(all.filter(keep).map(nameOf));
    expect(await names({ minLift: 1 })).toEqual(kept((rule) => rule.lift >= 1));
    expect(await names({ minLeverage: 0 })).toEqual(kept((rule) => rule.leverage >= 0));
    expect(await names({ minConviction: 0.7 })).toEqual(kept((rule) => rule.conviction >= 0.7));
    expect(await names({ minZhang: 0 })).toEqual(kept((rule) => rule.zhang >= 0));
    expect(await names({ maxConsequentLength: 1 })).toEqual(kept((rule) => rule.consequent.length === 1));
    expect(await names({ antecedentContains: [0, 1] })).toEqual(
      kept(({ antecedent }) => antecedent.includes(0) && antecedent.includes(1)),
    );
    expect(await names({ consequentContains: [2] })).toEqual(kept(({ consequent }) => consequent.includes(2)));
    expect(await names({ consequentContains: [99] })).toEqual(new Set());
  });

  it("are refused beyond maxRules, and from sets that are not all", async () => {
    await expect(rulesOf(GOLDEN, 1, { minConfidence: 0, maxRules: 3 })).rejects.toMatchObject({
      code: "ERR_COUPONCAST_OUT_OF_RANGE",
    });
    const closed = await frequentItemsets(basketsOf(GOLDEN), { minCount: 1, kind: "closed" });
    await expect(associationRules(closed)).rejects.toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT" });
    expect((await rulesOf([], 1)).size).toBe(0);
  });

  it("say what else is bought with some items", async () => {
    const rules = await rulesOf(GOLDEN, 1, { minConfidence: 0.5 });
    const found = new BoughtWith(rules).lookUp([3, 0]);
    expect(found.map(({ item, rule }) => [item, nameOf(rule)])).toEqual([
      [1, "3 > 1"],
      [2, "3 > 2"],
    ]);
    expect(new BoughtWith(rules).lookUp([0, 1, 2, 3])).toEqual([]);
    expect(new BoughtWith(rules).lookUp([])).toEqual([]);
    expect(new BoughtWith(rules).lookUp([3], 1).map(({ item }) => item)).toEqual([0]);
  });
});
