/** run.json, from finished stages. */
import type { Campaign } from "../campaign/campaign-schema.js";
import type { GroupEffect } from "../evaluate/campaign-effect.js";
import type { SurveyResults } from "../evaluate/evaluate-campaign.js";
import type { Drift } from "../profile/drift.js";
import { noiseOf, type SegmentFacts } from "../profile/find-segments.js";
import type { Stability } from "../profile/stability.js";
import type { TasteSummary } from "../report/response-data.js";
import type { ResponseModel, ResponseQuality } from "../response/model.js";
import type { TasteModel } from "../response/taste.js";
import type { AllocateResult } from "./allocate-stage.js";
import type { InputFile, RunContext } from "./context.js";
import type { EligibilityStage } from "./eligibility-stage.js";
import type { FinishedStages } from "./finished-stages.js";
import type { OutputResult } from "./output-stage.js";
import type { ScoringQuality } from "./quality-stage.js";
import type { ResponseStage } from "./response-stage.js";
import type { StageMeasurement, StageRecord } from "./stage-runner.js";

/** run.json. Everything but `timings` is the same for a run that was interrupted and continued. */
export interface RunManifest {
  format: "couponcast-run";
  formatVersion: 1;
  /** Digest of all stages: equal keys mean equal outputs. */
  key: string;
  versions: Record<string, string>;
  campaign: Campaign;
  asOf: string;
  inputs: InputFile[];
  stages: StageRecord[];
  counts: {
    rowsRead: number;
    rowsAccepted: number;
    rejected: Record<string, number>;
    users: number;
    items: number;
    cells: number;
    usersAssigned: number;
    assignments: number;
    withheld: Record<string, number>;
    offers: number;
    offersUnknown: number;
    offersRejected: Record<string, number>;
  };
  segments: {
    method: SegmentFacts["method"];
    sizes: number[];
    /** Without recorded behaviour; K-means by items: or without an item. */
    usersUnsegmented: number;
    dbscan?: { eps: number; minSamples: number; usersNoise: number };
    /** Of segments.model: how the shares of its segments have moved since it was made. */
    model?: Stability | null;
    /** How the users differ from those of segments.baseline. */
    drift?: Drift;
  };
  response: {
    kind: ResponseModel["kind"];
    offers: number;
    redemptions: number;
    heldOutLogLoss: number | null;
    baseRateLogLoss: number | null;
    /** Held-out offers in bins of predicted P(redeem). */
    calibration: ResponseQuality["calibration"];
    /** Chosen for an offer, but withheld by lot. */
    controls: number;
    /** Held-out rows in bins of predicted extra orders, beside the control group; null without one. */
    uplift: ResponseQuality["uplift"];
    /** What was tried to make the chances come true; null: nothing. */
    platt: ResponseQuality["platt"];
    /** Where chances come from another model. */
    given?: ResponseModel["given"];
  };
  /** What an event of each behaviour says about taste, and how that was learned. */
  taste: TasteSummary;
  allocation: {
    budgetMinor: number;
    expectedSpendMinor: number;
    valueMinor: number;
    upperBoundMinor: number;
    gap: number;
    multipliers: { budget: number; couponBudget: Record<string, number>; stockMinor: Record<string, number> };
    dualEvaluations: number;
    /** budget.scopes, then fairness. */
    limits: AllocateResult["limits"];
    frontier: AllocateResult["frontier"];
    /** Only where coupons are drawn by lot: the sums above are of the draw, bound, gap and multipliers of the best plan. */
    exploration?: AllocateResult["exploration"];
  };
  /** The earlier campaign that this one names, against its holdout; null without one. */
  evaluation: { campaign: string; effect: GroupEffect; survey: SurveyResults | null } | null;
  /** Only where the campaign has `scoring.evaluate`: on held-out days, best NDCG first. */
  quality?: {
    cut: string;
    n: number;
    users: number;
    methods: { name: string; ndcg: number; recall: number; coverage: number }[];
    /** Of the blend. */
    weights?: Record<string, number>;
  };
  /** Only where the campaign has `rules`. */
  rules?: { baskets: number; itemsets: number; rules: number; assignments: number };
  warnings: string[];
  timings: { totalSeconds: number; stages: Record<string, StageMeasurement> };
}

function qualityOf({ cut, n, numUsers, methods, blend }: ScoringQuality): NonNullable<RunManifest["quality"]> {
  return {
    cut,
    n,
    users: numUsers,
    methods: methods.map(({ name, quality: { ndcg, recall, coverage } }) => ({ name, ndcg, recall, coverage })),
    ...(blend && { weights: Object.fromEntries(blend.map(({ method, weight }) => [method, weight])) }),
  };
}

function tasteOf(behaviours: Campaign["behaviours"], { weights, priorWeight, fit }: TasteModel): TasteSummary {
  const learnt = Object.entries(behaviours).map(([name, given], b) => ({ name, given, learnt: weights[b]! }));
  return { behaviours: learnt, priorWeight, fit };
}

function warningsOf(stages: FinishedStages, eligibility: EligibilityStage, responded: ResponseStage): string[] {
  const warnings = [...stages.ingested.result.warnings];
  for (const [coupon, names] of Object.entries(stages.affinity.result.unknown)) {
    const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
    warnings.push(
      `coupon ${coupon}: its scope names items or categories that do not occur: ${names.slice(0, 3).join(", ")}${more}`,
    );
  }
  const { given } = responded.result.model;
  if (given !== undefined && given.numUnknown > 0) {
    warnings.push(
      given.pairs === null
        ? `${given.numUnknown} coupons or attributes are not both in this run and in ${given.from}; they have no effect of their own`
        : `${given.numUnknown} predictions name users or coupons that this campaign does not know; they were left out`,
    );
  }
  if (eligibility.result.numUnknownOffers > 0) {
    warnings.push(
      `${eligibility.result.numUnknownOffers} past offers name users or coupons that this campaign does not know; they were left out`,
    );
  }
  return warnings;
}

export function buildManifest(
  context: RunContext,
  stages: FinishedStages,
  eligibility: EligibilityStage,
  responded: ResponseStage,
  output: OutputResult,
  key: string,
  versions: Record<string, string>,
): Omit<RunManifest, "timings"> {
  const { campaign, coupons } = context.loaded;
  const ingest = stages.ingested.result;
  const allocation = stages.allocated.result;
  const byCoupon = (values: readonly number[]) =>
    Object.fromEntries(coupons.map(({ id }, j) => [id, values[j]!] as const).filter(([, value]) => value > 0));
  const { model } = responded.result;
  return {
    format: "couponcast-run",
    formatVersion: 1,
    key,
    versions,
    campaign: { ...campaign, inputs: { ...campaign.inputs, coupons } },
    asOf: ingest.asOf,
    inputs: context.inputs,
    stages: context.stages.records,
    counts: {
      rowsRead: ingest.rowsRead,
      rowsAccepted: ingest.rowsAccepted,
      rejected: ingest.rejected,
      users: ingest.numUsers,
      items: ingest.numItems,
      cells: ingest.nnz,
      usersAssigned: output.numAssignedUsers,
      assignments: output.rows,
      withheld: output.withheld,
      offers: eligibility.result.numOffers,
      offersUnknown: eligibility.result.numUnknownOffers,
      offersRejected: eligibility.result.rejectedOffers,
    },
    segments: { ...segmentCounts(stages.segmented.result), ...driftCounts(stages) },
    response: {
      kind: model.kind,
      offers: model.numOffers,
      redemptions: model.numRedemptions,
      heldOutLogLoss: model.quality?.heldOutLogLoss ?? null,
      baseRateLogLoss: model.quality?.baseRateLogLoss ?? null,
      calibration: model.quality?.calibration ?? [],
      controls: model.numControls,
      uplift: model.quality?.uplift ?? null,
      platt: model.quality?.platt ?? null,
      ...(model.given && { given: model.given }),
    },
    taste: tasteOf(campaign.behaviours, stages.states.result.taste),
    allocation: {
      budgetMinor: campaign.budget.totalMinor,
      expectedSpendMinor: allocation.spendMinor,
      valueMinor: allocation.valueMinor,
      upperBoundMinor: allocation.upperBoundMinor,
      gap: allocation.gap,
      multipliers: {
        budget: allocation.multipliers.budget,
        couponBudget: byCoupon(allocation.multipliers.couponBudget),
        stockMinor: byCoupon(allocation.multipliers.stock),
      },
      dualEvaluations: allocation.evaluations,
      limits: allocation.limits,
      frontier: allocation.frontier,
      ...(allocation.exploration && { exploration: allocation.exploration }),
    },
    evaluation:
      stages.evaluated === undefined
        ? null
        : {
            campaign: stages.evaluated.result.run.name,
            effect: stages.evaluated.result.evaluation.effect.all,
            survey: stages.evaluated.result.evaluation.survey,
          },
    ...(stages.quality && { quality: qualityOf(stages.quality.result) }),
    ...(stages.rules && {
      rules: {
        baskets: stages.rules.result.numBaskets,
        itemsets: stages.rules.result.numItemsets,
        rules: stages.rules.result.numRules,
        assignments: output.numByRule,
      },
    }),
    warnings: warningsOf(stages, eligibility, responded),
  };
}

function segmentCounts(segments: SegmentFacts): RunManifest["segments"] {
  const { method, sizes, numUnsegmented } = segments;
  const counts = { method, sizes, usersUnsegmented: numUnsegmented - noiseOf(segments) };
  if (segments.method === "kmeans" && segments.stability !== undefined) return { ...counts, model: segments.stability };
  if (segments.method !== "dbscan") return counts;
  const { eps, minSamples, numNoise } = segments;
  return { ...counts, dbscan: { eps, minSamples, usersNoise: numNoise } };
}

export function driftCounts({ drift }: FinishedStages): { drift?: Drift } {
  if (drift === undefined) return {};
  const { rows: _, ...result } = drift.result;
  return { drift: result };
}
