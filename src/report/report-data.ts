import type { ConstraintUse } from "../allocate/constraint-use.js";
import type { ExploredLimit } from "../allocate/explore.js";
import type { ComparedMethod, TimeComparison } from "../evaluate/compare.js";
import type { CampaignEvaluation } from "../evaluate/evaluate-campaign.js";
import type { RunSummary } from "../evaluate/run-summary.js";
import type { RuleSummary, TransitionSummary } from "./behaviour-data.js";
import type { ExampleUser, ExampleWithheldUser } from "./example-data.js";
import type { ResponseSummary, TasteSummary } from "./response-data.js";
import type { Segmentation } from "./segment-data.js";

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
  taste: TasteSummary;
  /** Users considered who got nothing, by reason code; held-out users may be listed as one more reason. */
  withheld: WithheldReason[];
  /** An earlier campaign against its holdout; null when the campaign names none. */
  evaluation: { run: RunSummary; evaluation: CampaignEvaluation; confidence: number } | null;
  examples: { assigned: ExampleUser[]; withheld: ExampleWithheldUser[] };
  provenance: Provenance;
}

export interface ScoringQualitySummary extends Omit<TimeComparison, "methods"> {
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
type ValueBasis = "before-discount" | "after-discount";

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

export interface WithheldReason {
  code: string;
  numUsers: number;
  /** Overrides the report's own sentence for the code. */
  sentence?: string;
}

/** No wall-clock time in here: the report of a resumed run has the same bytes as that of an uninterrupted one. */
export interface Provenance {
  seed: number;
  versions: { name: string; version: string }[];
  inputs: { role: string; path: string; digest: string; bytes: number | null }[];
  /** Anything else worth keeping, for example the digest of the resolved campaign. */
  settings: { label: string; value: string }[];
}
