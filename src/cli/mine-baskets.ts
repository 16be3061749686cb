/** The work behind `mine`: itemsets and rules of a file of baskets or of a matrix, with the ids of the items. */
import { CouponcastError, invalidArgument } from "../errors.js";
import { checkThreads } from "../executor/executor.js";
import { BoughtWith } from "../mining/bought-with.js";
import { frequentItemsets, type ItemsetOptions } from "../mining/itemsets.js";
import { associationRules, type Rule, type RuleOptions } from "../mining/rules.js";
import { writeItemsetTable, writeRuleTable } from "../mining/write-tables.js";
import { type BasketFile, basketItemIds, openBaskets } from "../store/baskets.js";
import type { Matrix } from "../store/matrix.js";
import { matrixIds } from "../table/matrix-ids.js";
import type { OutputFile } from "../table/output-file.js";
import { didYouMean } from "../util/nearest-name.js";
import type { Session } from "./command.js";
import { openMatrixFile } from "./open-matrix-file.js";

export interface MineOptions
  extends Pick<
      ItemsetOptions,
      "minSupport" | "minCount" | "kind" | "maxLength" | "algorithm" | "maxBasketItems" | "longBaskets" | "maxItemsets"
    >,
    Pick<
      RuleOptions,
      | "minConfidence"
      | "minLift"
      | "minLeverage"
      | "minConviction"
      | "minZhang"
      | "maxConsequentLength"
      | "sortBy"
      | "top"
      | "maxRules"
    > {
  /** Ids of items. */
  antecedent?: string[];
  consequent?: string[];
  boughtWith?: string[];
}

export interface NamedRule extends Omit<Rule, "antecedent" | "consequent" | "conviction"> {
  antecedent: string[];
  consequent: string[];
  /** null: infinite. */
  conviction: number | null;
}

export interface MineResult {
  numBaskets: number;
  numItems: number;
  minCount: number;
  /** Baskets that were left out for their length. */
  numTooLong: number;
  numItemsets: number;
  /** Itemsets by length, from 1. */
  lengths: number[];
  numRules: number;
  bestRules: NamedRule[];
  suggestions?: { item: string; rule: NamedRule }[];
}

const BEST_RULES = 10;
const SUGGESTIONS = 20;

function itemsetLimits(options: MineOptions): Omit<ItemsetOptions, "kind"> {
  const { minSupport, minCount, maxLength, algorithm, maxBasketItems, longBaskets, maxItemsets } = options;
  return { minSupport, minCount, maxLength, algorithm, maxBasketItems, longBaskets, maxItemsets };
}

function ruleFilter(options: MineOptions): RuleOptions {
  const { minConfidence, minLift, minLeverage, minConviction, minZhang } = options;
  const { maxConsequentLength, sortBy, top, maxRules } = options;
  const least = { minConfidence, minLift, minLeverage, minConviction, minZhang };
  return { ...least, maxConsequentLength, sortBy, top, maxRules };
}

export async function mineBaskets(
  session: Session,
  path: string,
  options: MineOptions,
  itemsetOutput: OutputFile | undefined,
  ruleOutput: OutputFile | undefined,
): Promise<MineResult> {
  const { baskets, ids } = await openInput(path);
  try {
    const rows = new Map(ids.map((id, row) => [id, row]));
    const rowsOf = (wanted: readonly string[] | undefined, option: string) =>
      wanted?.map((id) => {
        const row = rows.get(id);
        if (row !== undefined) return row;
        throw invalidArgument(`expected an item of ${path} but received ${JSON.stringify(id)}${didYouMean(id, ids)}`, {
          field: option,
        });
      });
    const run = session.run();
    const write = { threads: checkThreads(session.threads), signal: session.signal };
    const filter = {
      ...ruleFilter(options),
      antecedentContains: rowsOf(options.antecedent, "--antecedent"),
      consequentContains: rowsOf(options.consequent, "--consequent"),
    };
    const basket = rowsOf(options.boughtWith, "--bought-with");
    const mining = { ...itemsetLimits(options), ...run };
    const all = await frequentItemsets(baskets, { ...mining, kind: "all" });
    const kind = options.kind ?? "all";
    const itemsets = kind === "all" ? all : await frequentItemsets(baskets, { ...mining, kind });
    const rules = await associationRules(all, { ...filter, ...run });
    session.progress.update({ stage: "writing", done: 0, total: undefined });
    if (itemsetOutput !== undefined) await writeItemsetTable(itemsets, ids, itemsetOutput, write);
    if (ruleOutput !== undefined) await writeRuleTable(rules, ids, ruleOutput, write);
    const lengths: number[] = [];
    for (let i = 0; i < itemsets.size; i++) {
      const length = itemsets.lengths[itemsets.selected?.[i] ?? i]!;
      lengths[length - 1] = (lengths[length - 1] ?? 0) + 1;
    }
    const named = (rule: Rule): NamedRule => ({
      ...rule,
      antecedent: rule.antecedent.map((item) => ids[item]!),
      consequent: rule.consequent.map((item) => ids[item]!),
      conviction: Number.isFinite(rule.conviction) ? rule.conviction : null,
    });
    const best = Array.from({ length: Math.min(BEST_RULES, rules.size) }, (_, i) => named(rules.at(i)));
    const { numBaskets, minCount, numTooLong } = all;
    return {
      numBaskets,
      numItems: ids.length,
      minCount,
      numTooLong,
      numItemsets: itemsets.size,
      lengths: Array.from(lengths, (n) => n ?? 0),
      numRules: rules.total,
      bestRules: best,
      ...(basket && {
        suggestions: new BoughtWith(rules)
          .lookUp(basket, SUGGESTIONS)
          .map(({ item, rule }) => ({ item: ids[item]!, rule: named(rule) })),
      }),
    };
  } finally {
    if ("close" in baskets) baskets.close();
  }
}

/** A file of baskets; or a matrix, whose users are the baskets. */
async function openInput(path: string): Promise<{ baskets: BasketFile | Matrix; ids: string[] }> {
  const ids: string[] = [];
  const file = await openBaskets(path).catch((thrown) => {
    if (thrown instanceof CouponcastError && thrown.code === "ERR_COUPONCAST_CORRUPT_FILE") return undefined;
    throw thrown;
  });
  if (file !== undefined) {
    for await (const batch of basketItemIds(file)) ids.push(...batch);
    return { baskets: file, ids };
  }
  const matrix = await openMatrixFile(path);
  for await (const batch of matrixIds(matrix, "items")) ids.push(...batch);
  return { baskets: matrix, ids };
}
