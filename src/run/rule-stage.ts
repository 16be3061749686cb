/** Stage rules: what is bought together, and which coupons that suggests for each user's latest basket. */
import { join } from "node:path";
import { INGEST_FILES } from "../ingest/ingest.js";
import { BoughtWith } from "../mining/bought-with.js";
import { frequentItemsets } from "../mining/itemsets.js";
import { associationRules, type Rule, type RuleList } from "../mining/rules.js";
import { writeItemsetTable, writeRuleTable } from "../mining/write-tables.js";
import type { RuleSummary } from "../report/behaviour-data.js";
import { basketItemIds, openBaskets } from "../store/baskets.js";
import { loadTensors } from "../store/tensors.js";
import { commitOutputs, OutputFile } from "../table/output-file.js";
import { forEachYielding } from "../util/yield.js";
import type { AffinityStage } from "./affinity-stage.js";
import type { RunContext } from "./context.js";
import type { IngestStage } from "./profile-stages.js";
import { type Hits, writeHits } from "./rule-hits.js";
import type { FinishedStage } from "./stage-runner.js";

export type RuleStage = FinishedStage<Omit<RuleSummary, "numAssigned"> & { rows: number; numTooLong: number }>;

const RULES_SHOWN = 40;
export const ruleTablePath = (stage: RuleStage) => join(stage.dir, "rules.parquet");
export const itemsetTablePath = (stage: RuleStage) => join(stage.dir, "itemsets.parquet");

/** None when the campaign asks for no rules. */
export async function ruleStage(
  context: RunContext,
  ingested: IngestStage,
  affinity: AffinityStage,
): Promise<RuleStage | undefined> {
  const { rules } = context.loaded.campaign;
  if (rules === undefined) return undefined;
  const reads = { ingest: ingested.key, affinity: affinity.key };
  return context.stages.run("rules", reads, rules, async (dir) => {
    const baskets = await openBaskets(join(ingested.dir, INGEST_FILES.baskets));
    const { minSupport, maxLength, maxBasketItems, longBaskets, maxItemsets } = rules;
    const mining = { minSupport, maxLength, maxBasketItems, longBaskets, maxItemsets };
    const itemsets = await frequentItemsets(baskets, { ...context.options, ...mining });
    const { minConfidence, minLift, maxRules } = rules;
    const filter = { minConfidence, minLift, maxRules, maxConsequentLength: 1 };
    const found = await associationRules(itemsets, { ...context.options, ...filter });
    const ids: string[] = [];
    for await (const batch of basketItemIds(baskets)) ids.push(...batch);
    await writeTable(join(dir, "rules.parquet"), (output) => writeRuleTable(found, ids, output, oneThread(context)));
    await writeTable(join(dir, "itemsets.parquet"), (output) =>
      writeItemsetTable(itemsets, ids, output, oneThread(context)),
    );
    const hits = await findHits(context, found, baskets.path, affinity);
    await writeHits(hits, dir);
    const strongest = await associationRules(itemsets, {
      ...context.options,
      ...filter,
      sortBy: "leverage",
      top: RULES_SHOWN,
    });
    return {
      rows: hits.users.length,
      by: baskets.by,
      numBaskets: baskets.numBaskets,
      minCount: itemsets.minCount,
      numTooLong: itemsets.numTooLong,
      numItemsets: itemsets.size,
      numRules: found.size,
      numUsers: hits.users.reduce((count, user, i) => count + (user === hits.users[i - 1] ? 0 : 1), 0),
      best: [...strongest].map((rule) => lineOf(rule, ids)),
    };
  });
}

function lineOf({ antecedent, consequent, count, support, confidence, lift }: Rule, ids: readonly string[]) {
  const named = (items: readonly number[]) => items.map((item) => ids[item]!);
  return { antecedent: named(antecedent), consequent: named(consequent), count, support, confidence, lift };
}

/** The same bytes each time. */
const oneThread = ({ options }: RunContext) => ({ threads: 1, signal: options.signal });

async function writeTable(path: string, write: (output: OutputFile) => Promise<void>): Promise<void> {
  const output = await OutputFile.create(path, [".parquet"]);
  try {
    await write(output);
    await commitOutputs([output]);
  } finally {
    await output.discard();
  }
}

/** For each user's latest basket the coupons whose scope holds what goes with it, each with the best rule. */
async function findHits(context: RunContext, rules: RuleList, baskets: string, affinity: AffinityStage): Promise<Hits> {
  const { executor } = context;
  const scopes = await loadTensors(executor, join(affinity.dir, "scopes.safetensors"), { indptr: "I64", items: "I32" });
  const couponsOf = new Map<number, number[]>();
  const numCoupons = context.loaded.coupons.length;
  const consequents = new Set<number>();
  const numberOf = new Map<Rule, number>();
  const list = [...rules];
  for (const [number, rule] of list.entries()) {
    consequents.add(rule.consequent[0]!);
    numberOf.set(rule, number);
  }
  for (let coupon = 0; coupon < numCoupons; coupon++) {
    const [begin, end] = [Number(scopes.indptr[coupon]!), Number(scopes.indptr[coupon + 1]!)];
    for (const item of (scopes.items as Int32Array).subarray(begin, end)) {
      if (!consequents.has(item)) continue;
      const known = couponsOf.get(item);
      if (known === undefined) couponsOf.set(item, [coupon]);
      else known.push(coupon);
    }
  }
  const boughtWith = new BoughtWith(list);
  const tensors = await loadTensors(executor, baskets, { indptr: "I64", items: "I32", users: "I32" });
  const users = tensors.users as Int32Array;
  const hits: Hits = { users: [], coupons: [], rules: [] };
  await forEachYielding(
    users.length,
    (basket) => {
      const user = users[basket]!;
      if (users[basket + 1] === user) return;
      const [begin, end] = [Number(tensors.indptr[basket]!), Number(tensors.indptr[basket + 1]!)];
      const best = new Map<number, number>();
      for (const { item, rule } of boughtWith.lookUp((tensors.items as Int32Array).subarray(begin, end))) {
        for (const coupon of couponsOf.get(item) ?? []) {
          if (!best.has(coupon)) best.set(coupon, numberOf.get(rule)!);
        }
      }
      for (const [coupon, rule] of [...best].sort(([a], [b]) => a - b)) {
        hits.users.push(user);
        hits.coupons.push(coupon);
        hits.rules.push(rule);
      }
    },
    () => executor.checkCancelled(),
  );
  return hits;
}
