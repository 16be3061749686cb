/** Words that options take; without the code behind them, so that a help text costs nothing. */
export const MINING_ALGORITHMS = ["auto", "fp-growth", "eclat", "apriori"] as const;
export type MiningAlgorithm = (typeof MINING_ALGORITHMS)[number];

export const ITEMSET_KINDS = ["all", "closed", "maximal"] as const;
export type ItemsetKind = (typeof ITEMSET_KINDS)[number];

export const RULE_METRICS = ["support", "confidence", "lift", "leverage", "conviction", "zhang"] as const;
export type RuleMetric = (typeof RULE_METRICS)[number];
