/** The data of the report, from finished stages. */
import { noiseOf, type SegmentFacts } from "../profile/find-segments.js";
import type { TransitionSummary } from "../report/behaviour-data.js";
import type { ReportData } from "../report/report-data.js";
import type { RunContext } from "./context.js";
import { describeOffer } from "./describe-coupon.js";
import type { FinishedStages } from "./finished-stages.js";
import { driftCounts, type RunManifest } from "./manifest.js";
import type { OutputResult } from "./output-stage.js";
import type { ResponseStage } from "./response-stage.js";
import type { TransitionStage } from "./transition-stage.js";

/** The report's words on segments of a model file. */
function modelOf(segments: SegmentFacts, file: string | undefined) {
  // Without one the segments are new, started from the model's.
  if (file === undefined || segments.method !== "kmeans" || segments.stability === undefined) return undefined;
  return { file, stability: segments.stability };
}

function densityOf({ metric, eps, minSamples, numNoise, curve, sizes }: Extract<SegmentFacts, { method: "dbscan" }>) {
  return { metric, eps, minSamples, numNoise, numActive: sizes.reduce((sum, size) => sum + size, numNoise), curve };
}

const MILLI = 1000;
/** Of each segment, the most telling. */
const DIFFERENCES_SHOWN = 5;

function transitionsOf({ result }: TransitionStage): TransitionSummary {
  const { all, segments, behaviours, purchase, counts, medianGapSeconds } = result;
  return { ...all, behaviours, purchase, counts, medianGapSeconds, segments };
}

/** "2025-07-01 02:00 Europe/Vienna" */
function readableInstant(iso: string, timeZone: string): string {
  // The Swedish form of a date is ISO 8601's.
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" });
  return `${format.format(new Date(iso))} ${timeZone}`;
}

export function buildReport(
  context: RunContext,
  stages: FinishedStages,
  responded: ResponseStage,
  output: OutputResult,
  manifest: Omit<RunManifest, "timings">,
): ReportData {
  const { campaign, coupons } = context.loaded;
  const { allocation, counts } = manifest;
  const segments = stages.segmented.result;
  const { model } = responded.result;
  const numHeldOut = output.withheld.holdout ?? 0;
  const numWithheld = Object.values(output.withheld).reduce((sum, n) => sum + n, 0) - numHeldOut;
  const prices = stages.allocated.result.multipliers;
  const ownBudget = (id: string, budget: number | undefined): number | null => {
    const budgets = [budget, campaign.budget.perCouponMinor[id]].filter((b) => b !== undefined);
    return budgets.length > 0 ? Math.min(...budgets) : null;
  };
  return {
    evaluation:
      stages.evaluated === undefined
        ? null
        : { ...stages.evaluated.result, confidence: campaign.evaluation?.confidence ?? 0.95 },
    headline: {
      campaignName: campaign.name,
      asOf: readableInstant(manifest.asOf, campaign.timeZone),
      currency: campaign.currency,
      valueBasis: "after-discount",
      budgetMinor: allocation.budgetMinor,
      expectedSpendMinor: allocation.expectedSpendMinor,
      expectedValueMinor: allocation.valueMinor,
      upperBoundMinor: allocation.upperBoundMinor,
      budgetMultiplier: allocation.multipliers.budget,
      numUsers: counts.users,
      numAssignedUsers: output.numAssignedUsers,
      numWithheldUsers: numWithheld,
      numHeldOutUsers: numHeldOut,
      numAssignments: output.rows,
    },
    coupons: coupons.map((coupon, j) => {
      const totals = output.byCoupon[j]!;
      const budgetMinor = ownBudget(coupon.id, coupon.budgetMinor);
      return {
        id: coupon.id,
        kind: coupon.kind,
        offer: describeOffer(coupon, campaign.currency),
        numAssigned: totals.assigned,
        stock: coupon.stock ?? null,
        budgetMinor,
        expectedSpendMinor: totals.spendMilli / MILLI,
        expectedValueMinor: totals.valueMilli / MILLI,
        meanPRedeem: totals.assigned > 0 ? totals.pRedeemSum / totals.assigned : null,
        stockMultiplierMinor: coupon.stock === undefined ? null : prices.stock[j]!,
        budgetMultiplier: budgetMinor === null ? null : prices.couponBudget[j]!,
      };
    }),
    segments: {
      features: segments.names.map((key) => ({ key })),
      segments: segments.sizes.map((numUsers, s) => ({
        id: s,
        ...(segments.method === "rfm" ? { name: segments.segmentNames[s]! } : {}),
        numUsers,
        numAssignedUsers: output.bySegment[s]!.users,
        expectedSpendMinor: output.bySegment[s]!.spendMilli / MILLI,
        expectedValueMinor: output.bySegment[s]!.valueMilli / MILLI,
        means: segments.means[s]!,
        standardisedMeans: segments.centroids[s]!,
        differences: stages.profiled.result.profiles[s]!.slice(0, DIFFERENCES_SHOWN).map(({ feature, ...rest }) => ({
          key: feature,
          ...rest,
        })),
      })),
      byItems: campaign.segments.by === "items",
      numUnsegmentedUsers: segments.numUnsegmented - noiseOf(segments),
      map: stages.profiled.result.map,
      density: segments.method === "dbscan" ? densityOf(segments) : undefined,
      choice: segments.method === "kmeans" ? segments.choice : undefined,
      model: modelOf(segments, campaign.segments.model),
      drift: driftCounts(stages).drift,
    },
    transitions: transitionsOf(stages.transitioned),
    cleaning: {
      rowsRead: counts.rowsRead,
      rejected: Object.entries(counts.rejected).map(([reason, rows]) => ({ reason, rows })),
      rowsAccepted: counts.rowsAccepted,
      numCells: counts.cells,
      numUsers: counts.users,
      numItems: counts.items,
    },
    quality: stages.quality && {
      ...stages.quality.result,
      method: campaign.scoring.method,
      chosen: campaign.scoring.evaluate?.chooseWeights === true,
    },
    rules: stages.rules && { ...stages.rules.result, numAssigned: output.numByRule },
    scores:
      output.scores.length === 0
        ? null
        : {
            xLabel: "interest in the coupon's items",
            yLabel: "chance of redemption",
            xFormat: "percent",
            yFormat: "percent",
            numPopulation: output.rows,
            points: output.scores,
          },
    limits: allocation.limits,
    exploration: allocation.exploration,
    frontier: [
      ...allocation.frontier.map((point) => ({
        budgetMinor: point.budgetMinor,
        spendMinor: point.spendMinor,
        valueMinor: point.valueMinor,
        upperBoundMinor: point.upperBoundMinor,
        budgetMultiplier: point.marginalValue,
        chosen: false,
      })),
      {
        budgetMinor: allocation.budgetMinor,
        spendMinor: allocation.expectedSpendMinor,
        valueMinor: allocation.valueMinor,
        upperBoundMinor: allocation.upperBoundMinor,
        budgetMultiplier: allocation.multipliers.budget,
        chosen: true,
      },
    ],
    response: model.given
      ? { kind: "given", ...model.given }
      : model.quality === null
        ? {
            kind: "prior",
            priorRate: campaign.response.prior,
            numRedemptions: model.numRedemptions,
            minRedemptions: campaign.response.minRedemptions,
          }
        : {
            kind: "model",
            numTrainOffers: model.quality.numTrainOffers,
            numHeldOutOffers: model.quality.numHeldOutOffers,
            baseRate: model.quality.baseRate,
            heldOutLogLoss: model.quality.heldOutLogLoss,
            baseRateLogLoss: model.quality.baseRateLogLoss,
            calibration: model.quality.calibration,
            uplift: model.quality.uplift,
            platt: model.quality.platt,
            coefficients: model.coefficients,
          },
    taste: manifest.taste,
    withheld: Object.entries(output.withheld).map(([code, numUsers]) => ({ code, numUsers })),
    examples: output.examples,
    provenance: {
      seed: campaign.seed,
      versions: Object.entries(manifest.versions).map(([name, version]) => ({ name, version })),
      inputs: context.inputs.map(({ role, path, xxh3, bytes }) => ({ role, path, digest: xxh3, bytes })),
      settings: [
        { label: "run key", value: manifest.key },
        { label: "scoring", value: campaign.scoring.method },
        ...manifest.warnings.map((value) => ({ label: "note", value })),
      ],
    },
  };
}
