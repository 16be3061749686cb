import type { ConstraintUse } from "../allocate/constraint-use.js";
import type { ExploredLimit } from "../allocate/explore.js";
import type { CampaignComparison, ComparedMethod } from "../evaluate/compare.js";
import type { CampaignEvaluation } from "../evaluate/evaluate-campaign.js";
import type { RunSummary } from "../evaluate/run-summary.js";

/**
 * What the report shows: plain, serialisable, already aggregated numbers. `JSON.parse(JSON.stringify(data))` renders to
 * the same bytes. The run stage fills it; nothing in here reads files or the clock.
 *
 * Conventions: money is in minor units of `headline.currency` (a whole number, or a mean with a fraction); rates and
 * shares are 0..1; `null` means "not known" or "does not apply" and is shown as a dash, never as zero. Strings (ids,
 * names, paths) may hold any character; the report escapes them.
 */
export interface ReportData {
  headline: Headline;
  /** The catalogue, in its own order; coupons that nobody received belong in here too. */
  coupons: CouponSummary[];
  segments: Segmentation;
  /** What shoppers do next; null when it was not looked at. */
  transitions: TransitionSummary | null;
  cleaning: CleaningSummary;
  /** What is bought together; only where rules were looked for. */
  rules?: RuleSummary | undefined;
  /** How well the scoring method ranks on held-out days; only where that was measured. */
  quality?: ScoringQualitySummary | undefined;
  /** A sample of user x coupon scores; null when nothing was scored. */
  scores: ScoreSample | null;
  /** Re-solved budgets in any order; may be empty. */
  frontier: FrontierPoint[];
  /** Budgets and floors of several coupons or of segments. */
  limits: ConstraintUse[];
  /** Only where coupons were drawn by lot. */
  exploration?: ExplorationSummary | undefined;
  response: ResponseSummary;
  /** Users considered who got nothing, by reason code; held-out users may be listed as one more reason. */
  withheld: WithheldReason[];
  /** An earlier campaign against its holdout; null when the campaign names none. */
  evaluation: { run: RunSummary; evaluation: CampaignEvaluation; confidence: number } | null;
  examples: { assigned: ExampleUser[]; withheld: ExampleWithheldUser[] };
  provenance: Provenance;
}

export interface ScoringQualitySummary extends Omit<CampaignComparison, "methods"> {
  /** That the run scores with. */
  method: string;
  /** Best NDCG first. */
  methods: Omit<ComparedMethod, "seconds">[];
  /** Whether the weights of the blend were chosen on held-out days. */
  chosen: boolean;
}

/**
 * What "value" counts. before-discount: margin of the extra sales, the discount not yet deducted, so
 * roi = (value - spend) / spend. after-discount: the discount is deducted already, so roi = value / spend.
 */
export type ValueBasis = "before-discount" | "after-discount";

/** Coupons drawn by lot around the best plan. */
export interface ExplorationSummary {
  best: { valueMinor: number; spendMinor: number };
  expected: { valueMinor: number; spendMinor: number };
  givenUpMinor: number;
  usersAsBest: number;
  limits: ExploredLimit[];
}

export interface Headline {
  campaignName: string;
  /** The moment of the decision as it should be read, for example `2024-06-30 00:00 Europe/Berlin`. */
  asOf: string;
  /** ISO 4217 code. */
  currency: string;
  valueBasis: ValueBasis;
  budgetMinor: number;
  expectedSpendMinor: number;
  /** Expected incremental margin of the assignment: with the coupons minus without. */
  expectedValueMinor: number;
  /** No assignment within the limits is worth more than this; null when it was not computed. */
  upperBoundMinor: number | null;
  /** Value of one more minor unit of total budget, in minor units; 0 when the budget does not bind. */
  budgetMultiplier: number | null;
  /** Users considered = assigned + withheld + held out. */
  numUsers: number;
  numAssignedUsers: number;
  numWithheldUsers: number;
  numHeldOutUsers: number;
  /** Coupons handed out; more than users when a user may get several. */
  numAssignments: number;
}

export interface CouponSummary {
  id: string;
  /** A coupon kind of the catalogue, for example `percent`. */
  kind: string;
  /** What the shopper gets in a few words, for example `10 % off orders from €30`. */
  offer: string;
  numAssigned: number;
  /** Pieces that could be handed out; null: unlimited. */
  stock: number | null;
  /** The coupon's own budget; null: none. */
  budgetMinor: number | null;
  expectedSpendMinor: number;
  expectedValueMinor: number;
  /** Mean P(redeem) over its assignments; null when there are none. */
  meanPRedeem: number | null;
  /** Value of one more piece of stock in minor units, after its cost in the total budget; null: unlimited stock. */
  stockMultiplierMinor: number | null;
  /** Value of one more minor unit of the coupon's own budget; null: no own budget. */
  budgetMultiplier: number | null;
}

export interface Segmentation {
  /** Columns of the profiles, in order; keys are those of features.parquet (`count_purchase`, `recency_days` ...). */
  features: FeatureInfo[];
  segments: SegmentSummary[];
  /** Users without data, who are in no segment. */
  numUnsegmentedUsers: number;
  /** Only where segments are dense places. */
  density?: SegmentDensity | undefined;
  /** Where the number of segments was chosen by the data. */
  choice?: SegmentChoice | undefined;
  /** Where the segments are those of a model file: how their shares have moved since it was made; null: nobody is in one. */
  model?: { file: string; stability: StabilityIndex | null } | undefined;
  /** Only where the campaign names an earlier run. */
  drift?: SegmentationDrift | undefined;
}

/** How the users differ from those of an earlier run: counts, and the population stability index of their shares. */
export interface SegmentationDrift {
  numOld: number;
  numNew: number;
  /** Null when the earlier run had no segments. `segment`: as the earlier run names it; null: users in none. */
  segments: (StabilityIndex & { shares: { segment: string | null; old: number; new: number }[] }) | null;
  features: (StabilityIndex & { name: string; oldMedian: number | null; newMedian: number | null })[];
}

export interface StabilityIndex {
  psi: number;
  level: "stable" | "moderate" | "large";
}

export interface SegmentChoice {
  /** The number of segments that the criterion says is best. */
  k: number;
  criterion: "silhouette" | "calinski-harabasz" | "elbow";
  qualities: { k: number; inertia: number; sampleSilhouette: number; calinskiHarabasz: number | null }[];
  /** Users that silhouettes are means over. */
  sampleSize: number;
}

export interface SegmentDensity {
  metric: "euclidean" | "cosine";
  /** Users this near to each other are neighbours: in standard deviations, or 1 less the cosine of their items. */
  eps: number;
  minSamples: number;
  /** Of the users with data, those in no dense place. */
  numNoise: number;
  numActive: number;
  /** Of euclidean distances, ascending: the share of users whose minSamples-th nearest user, themselves included, is at most this far. */
  curve: { share: number; distance: number }[];
}

export interface FeatureInfo {
  key: string;
  /** Overrides the report's own label for the key. */
  label?: string;
}

export interface SegmentSummary {
  /** The number in segments.parquet. */
  id: number;
  /** Overrides the name made from the features. */
  name?: string;
  numUsers: number;
  numAssignedUsers: number;
  expectedSpendMinor: number;
  expectedValueMinor: number;
  /** Mean of each feature in its own unit (keys ending in `_minor`: money, `_days`: days); null: nobody has it. */
  means: (number | null)[];
  /** The same means in standard deviations from the mean of all users. */
  standardisedMeans: (number | null)[];
  /** Features that set it apart from all other users, most first; those of the profiles, not only of the segmentation. */
  differences?: { key: string; mean: number | null; restMean: number | null; difference: number | null }[];
}

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

export interface CleaningSummary {
  rowsRead: number;
  rejected: { reason: string; rows: number }[];
  rowsAccepted: number;
  /** The behaviour matrix that came out: distinct user x item cells. */
  numCells: number;
  numUsers: number;
  numItems: number;
}

export interface ScoreSample {
  xLabel: string;
  yLabel: string;
  /** How the axis writes its numbers: percent for 0..1 rates. Default number. */
  xFormat?: "number" | "percent";
  yFormat?: "number" | "percent";
  /** How many scored pairs the points were drawn from. */
  numPopulation: number;
  /**
   * The sample. `segment` is a position in `segments.segments`, or -1 for a user in none. A few thousand points are
   * plenty: every point is drawn, about 130 bytes of the file each.
   */
  points: { x: number; y: number; segment: number }[];
}

export interface FrontierPoint {
  budgetMinor: number;
  spendMinor: number;
  valueMinor: number;
  upperBoundMinor: number | null;
  /** Value of one more minor unit of budget at this budget. */
  budgetMultiplier: number | null;
  /** The budget of this campaign; at most one point. */
  chosen: boolean;
}

export type ResponseSummary =
  | {
      kind: "prior";
      /** P(redeem) assumed for everyone alike before affinity. */
      priorRate: number;
      numRedemptions: number;
      minRedemptions: number;
    }
  | {
      kind: "given";
      /** Such as a table of predictions. */
      from: string;
      pairs: { count: number; meanPRedeem: number } | null;
      numUnknown: number;
      hasUplift: boolean;
    }
  | {
      kind: "model";
      numTrainOffers: number;
      numHeldOutOffers: number;
      /** Share of the training offers that were redeemed. */
      baseRate: number;
      /** Mean negative log-likelihood (nats) of the held-out offers. */
      heldOutLogLoss: number;
      /** The same for the base rate as the prediction of every offer. */
      baseRateLogLoss: number;
      /** Held-out offers in bins of predicted P(redeem). */
      calibration: { meanPredicted: number; observedRate: number; numOffers: number }[];
      /** Held-out rows in bins of predicted extra orders; null without a control group. */
      uplift: { meanPredicted: number; observed: number; standardError: number; numOffers: number }[] | null;
      /** Platt's scaling by offers neither trained on nor held out; null: none tried. */
      platt: PlattSummary | null;
      coefficients: ResponseCoefficient[];
    };

export interface PlattSummary {
  numOffers: number;
  isApplied: boolean;
  /** Of the held-out offers, without it and with it. */
  logLossBefore: number;
  logLossAfter: number;
  /** Without it. */
  calibrationBefore: { meanPredicted: number; observedRate: number; numOffers: number }[];
}

export interface ResponseCoefficient {
  /** What the input is in words, for example `taste for the coupon's items`, or `coupon kind: percent`. */
  label: string;
  /** Log-odds per unit of `per`. */
  coefficient: number;
  /** What the coefficient is per: one standard deviation of a number, or a yes instead of a no. */
  per: "standard-deviation" | "yes";
}

export interface WithheldReason {
  code: string;
  numUsers: number;
  /** Overrides the report's own sentence for the code. */
  sentence?: string;
}

export interface ExampleUser {
  userId: string;
  /** Position in `segments.segments`; -1: none. */
  segment: number;
  coupons: ExampleCoupon[];
}

export interface ExampleCoupon {
  couponId: string;
  /** What scored it: item-knn, user-knn, saturated, segment, popularity ... */
  source: string;
  score: number;
  /** What drove the affinity, strongest first. */
  drivers: AffinityDriver[];
  pRedeem: number;
  expectedValueMinor: number;
  expectedCostMinor: number;
  /** Value left after paying every multiplier (v - lambda c - mu): why this coupon won; null: not known. */
  reducedValueMinor: number | null;
}

export interface AffinityDriver {
  /** item: an item of the user's own history; user: a similar user. */
  kind: "item" | "user";
  id: string;
  /** Its share of the affinity, 0..1; null: not known. */
  share: number | null;
}

export interface ExampleWithheldUser {
  userId: string;
  segment: number;
  /** A code of `withheld`, or `holdout`. */
  code: string;
  /** What is particular about this user, for example the best coupon and what it would have cost. */
  detail?: string;
}

/** No wall-clock time in here: the report of a resumed run has the same bytes as that of an uninterrupted one. */
export interface Provenance {
  seed: number;
  versions: { name: string; version: string }[];
  inputs: { role: string; path: string; digest: string; bytes: number | null }[];
  /** Anything else worth keeping, for example the digest of the resolved campaign. */
  settings: { label: string; value: string }[];
}
