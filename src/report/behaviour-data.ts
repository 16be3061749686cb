/** What the report shows of what shoppers do next and buy together; conventions are those of `ReportData`. */

/** Chances that follow from a chain of behaviours; null where there is nothing to go by. */
export interface ChainChances {
  /** [behaviours * behaviours] row: what was done, column: the chance that this came next. */
  probabilities: (number | null)[];
  /** [behaviours] chance that a purchase follows before the history ends, and after how many steps. */
  reaches: (number | null)[];
  stepsIfReached: (number | null)[];
}

export interface TransitionSummary extends ChainChances {
  /** In the order of the campaign. */
  behaviours: string[];
  /** Position of the purchase. */
  purchase: number;
  /** [behaviours * behaviours] */
  counts: number[];
  medianGapSeconds: (number | null)[];
  /** [behaviours] shares at which the chain settles. */
  stationary: number[] | null;
  /** In the order of the segments. */
  segments: ChainChances[];
}

export interface RuleSummary {
  by: "order" | "user-day" | "user";
  numBaskets: number;
  /** Baskets that a set must be in. */
  minCount: number;
  numItemsets: number;
  numRules: number;
  /** Users whose latest basket a rule applies to, in the scope of a coupon. */
  numUsers: number;
  /** Coupons handed out for such a rule. */
  numAssigned: number;
  /** Those that hold most often beyond chance (leverage) first. */
  best: RuleLine[];
}

export interface RuleLine {
  antecedent: string[];
  consequent: string[];
  count: number;
  support: number;
  confidence: number;
  lift: number;
}
