import type { ExampleUser } from "../../src/report/example-data.js";
import type { CouponSummary, FrontierPoint, ReportData } from "../../src/report/report-data.js";
import type { SegmentSummary } from "../../src/report/segment-data.js";

export interface SampleSize {
  seed?: number;
  numCoupons?: number;
  numSegments?: number;
  numPoints?: number;
  numExamples?: number;
}

const FEATURES = [
  "count_browse",
  "count_search",
  "count_purchase",
  "recency_days",
  "frequency",
  "monetary_minor",
  "mean_gap_days",
];

/** Mean of all users and standard deviation of each feature, in its unit. */
const SCALES: [number, number][] = [
  [42, 30],
  [11, 9],
  [6, 5],
  [38, 30],
  [4.1, 3.4],
  [18_400, 16_000],
  [9.5, 6],
];

const PROFILES = [
  [1.9, 1.4, 2.3, -0.9, 2.2, 2.6, -0.8],
  [1.1, 0.8, -0.3, -0.7, -0.2, -0.3, -0.5],
  [-0.4, -0.3, 0.5, -0.2, 0.4, 0.6, 0.2],
  [-0.7, -0.6, -0.7, 1.8, -0.7, -0.6, 1.2],
  [-0.1, -0.1, -0.2, -0.4, -0.2, -0.3, -0.1],
  [-0.5, -0.5, -0.6, -0.8, -0.7, -0.7, -1.1],
];

const OFFERS: [string, string, string][] = [
  ["WELCOME-10", "first-order", "€10 off the first order from €40"],
  ["SUMMER-15", "percent", "15 % off garden and outdoor, at most €25"],
  ["SPEND-MORE", "full-reduction", "€5 off from €50, €12 off from €100, €30 off from €200"],
  ["MEMBER-20", "member-only", "20 % off for gold and silver members"],
  ["BIRTHDAY-8", "birthday", "€8 off in the week of the birthday"],
  ["FLASH-48H", "limited-time", "12 % off everything, 48 hours"],
  ["GIFT-5", "gift-card", "€5 gift card"],
  ["STORE-7", "amount", "€7 off in the store from €30"],
  ["AUTUMN-9", "percent", "9 % off shoes"],
];

/** A small generator of uniform numbers in [0, 1) (mulberry32), so that the sample is the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A plausible report of a shop with 100 000 shoppers. The same arguments give the same data. */
export function sampleData(size: SampleSize = {}): ReportData {
  const { seed = 7, numCoupons = OFFERS.length, numSegments = 6, numPoints = 2000, numExamples = 8 } = size;
  const random = randomOf(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  // Of its own, so that the other numbers do not depend on how many it makes.
  const ofMap = randomOf(seed + 1);
  const spread = () => 2 * (ofMap() + ofMap() + ofMap()) - 3;
  const coupons = Array.from({ length: numCoupons }, (_, i) => coupon(i, random));
  const used = coupons.filter((c) => c.numAssigned > 0);
  const sum = <T>(rows: T[], pick: (row: T) => number) => rows.reduce((total, row) => total + pick(row), 0);
  const spend = sum(coupons, (c) => c.expectedSpendMinor);
  const value = sum(coupons, (c) => c.expectedValueMinor);
  const numAssigned = sum(coupons, (c) => c.numAssigned);
  const budget = Math.ceil(spend / 100_000) * 100_000;
  const segments = segmentsOf(numSegments, numAssigned, spend, value, random);
  const centres = segments.map(() => ({ x: 0.15 + random() * 0.6, y: 0.02 + random() * 0.2 }));
  return {
    headline: {
      campaignName: "Late summer 2024",
      asOf: "2024-08-15 00:00 Europe/Berlin",
      currency: "EUR",
      valueBasis: "before-discount",
      budgetMinor: budget,
      expectedSpendMinor: spend,
      expectedValueMinor: value,
      upperBoundMinor: Math.round(value * 1.000283),
      budgetMultiplier: 1.284,
      numUsers: numAssigned + 51_207 + 5_013,
      numAssignedUsers: numAssigned,
      numWithheldUsers: 51_207,
      numHeldOutUsers: 5_013,
      numAssignments: numAssigned,
    },
    coupons,
    segments: {
      features: FEATURES.map((key) => ({ key })),
      segments,
      numUnsegmentedUsers: 1_284,
      map: {
        loadings: FEATURES.map((feature, f) => ({ feature, first: Math.cos(f) / 2, second: Math.sin(f) / 2 })),
        shares: [0.412, 0.187],
        numUsers: 100_016,
        points: Array.from({ length: numPoints }, (_, i) => {
          const segment = i % numSegments;
          const angle = (2 * Math.PI * segment) / numSegments;
          return { x: 3 * Math.cos(angle) + spread(), y: 2 * Math.sin(angle) + spread(), segment };
        }),
      },
    },
    transitions: {
      behaviours: ["browse", "search", "purchase"],
      purchase: 2,
      counts: [1_802_331, 620_114, 301_552, 512_004, 190_310, 93_120, 231_440, 80_102, 12_003],
      probabilities: [0.662, 0.228, 0.111, 0.644, 0.239, 0.117, 0.715, 0.248, 0.037],
      medianGapSeconds: [64, 71, 110, 58, 62, 95, 812_304, 790_100, 31],
      stationary: [0.67, 0.23, 0.1],
      reaches: [0.774, 0.773, 0.749],
      stepsIfReached: [6.93, 6.97, 7.94],
      segments: segments.map(() => ({
        probabilities: [0.662, 0.228, 0.111, 0.644, 0.239, 0.117, null, null, null],
        reaches: [0.774, 0.773, null],
        stepsIfReached: [6.93, 6.97, null],
      })),
    },
    cleaning: {
      rowsRead: 5_213_408,
      rejected: [
        { reason: "duplicate", rows: 182_331 },
        { reason: "missing_user", rows: 98_204 },
        { reason: "cancellation", rows: 41_870 },
        { reason: "out_of_window", rows: 12_093 },
        { reason: "unknown_behaviour", rows: 2_310 },
        { reason: "unparsable_time", rows: 412 },
        { reason: "future", rows: 3 },
      ],
      rowsAccepted: 5_213_408 - 182_331 - 98_204 - 41_870 - 12_093 - 2_310 - 412 - 3,
      numCells: 2_950_118,
      numUsers: 101_300,
      numItems: 18_240,
    },
    scores: {
      xLabel: "Affinity to the coupon",
      yLabel: "P(redeem)",
      yFormat: "percent",
      numPopulation: 1_812_040,
      points: Array.from({ length: numPoints }, () => {
        const segment = Math.floor(random() ** 1.4 * numSegments);
        const centre = centres[segment] ?? { x: 0.4, y: 0.1 };
        const x = Math.min(1, Math.max(0, centre.x + normal() * 0.13));
        const y = Math.min(0.6, Math.max(0.002, centre.y * (0.4 + x) * Math.exp(normal() * 0.35)));
        return { x, y, segment: random() < 0.02 ? -1 : segment };
      }),
    },
    evaluation: null,
    frontier: frontier(budget, value, spend),
    limits: [
      { name: "spring coupons", kind: "budget", counts: "money", limit: 900_000, used: 899_400, multiplier: 0.4 },
      { name: "new members", kind: "floor", counts: "pieces", limit: 500, used: 500, multiplier: 37 },
      { name: "app only", kind: "budget", counts: "money", limit: 900_000, used: 100, multiplier: 0 },
    ],
    response: {
      kind: "model",
      numTrainOffers: 184_220,
      numHeldOutOffers: 46_055,
      baseRate: 0.0871,
      uplift: [
        { meanPredicted: 0.004, observed: -0.001, standardError: 0.004, numOffers: 4000 },
        { meanPredicted: 0.06, observed: 0.055, standardError: 0.006, numOffers: 4000 },
      ],
      platt: {
        numOffers: 23_027,
        isApplied: true,
        logLossBefore: 0.2521,
        logLossAfter: 0.2513,
        calibrationBefore: [0.01, 0.05, 0.4].map((p) => ({
          meanPredicted: p,
          observedRate: p * 1.1,
          numOffers: 15_000,
        })),
      },
      heldOutLogLoss: 0.2513,
      baseRateLogLoss: 0.2958,
      calibration: [0.012, 0.024, 0.038, 0.052, 0.071, 0.094, 0.125, 0.168, 0.234, 0.371].map((p, i) => ({
        meanPredicted: p,
        observedRate: p * (1 + normal() * 0.06),
        numOffers: Math.round(46_055 / 10 / (1 + i * 0.35)),
      })),
      coefficients: [
        { label: "taste for the coupon's items", coefficient: 0.742, per: "standard-deviation" },
        { label: "discount depth", coefficient: 0.418, per: "standard-deviation" },
        { label: "days since last event", coefficient: -0.361, per: "standard-deviation" },
        { label: "orders", coefficient: 0.224, per: "standard-deviation" },
        { label: "coupon kind: birthday", coefficient: 0.318, per: "yes" },
        { label: "coupon kind: gift card", coefficient: 0.552, per: "yes" },
        { label: "coupon kind: full reduction", coefficient: -0.207, per: "yes" },
        { label: "money spent", coefficient: 0.061, per: "standard-deviation" },
        { label: "days between events", coefficient: -0.002, per: "standard-deviation" },
      ],
    },
    taste: {
      behaviours: [
        { name: "view", given: 1, learnt: 0.41 },
        { name: "cart", given: 3, learnt: 3.9 },
        { name: "order", given: 5, learnt: 2.75 },
      ],
      priorWeight: 5,
      fit: { targets: 20_000, lossBefore: 0.612, lossAfter: 0.587 },
    },
    withheld: [
      { code: "no_candidate_value", numUsers: 24_801 },
      { code: "budget", numUsers: 14_220 },
      { code: "no_consent", numUsers: 8_114 },
      { code: "no_eligible_coupon", numUsers: 3_008 },
      { code: "stock", numUsers: 1_064 },
    ],
    examples: {
      assigned: Array.from({ length: numExamples }, (_, i) => example(i, numSegments, used, random)),
      withheld: [
        {
          userId: "user-0040211",
          segment: 0,
          code: "no_candidate_value",
          detail: "Best coupon SUMMER-15: would add nothing and cost €1.92.",
        },
        { userId: "user-0081177", segment: 3 % numSegments, code: "no_consent" },
        {
          userId: "user-0002345",
          segment: 2 % numSegments,
          code: "budget",
          detail: "Best coupon FLASH-48H: would add €1.10 for €0.98, less than the budget earns elsewhere.",
        },
        { userId: "user-0093001", segment: -1, code: "holdout" },
      ],
    },
    provenance: {
      seed: 20240815,
      versions: [
        { name: "couponcast", version: "0.1.0" },
        { name: "core", version: "0.1.0 (AVX2)" },
        { name: "Node", version: "20.20.0" },
      ],
      inputs: [
        {
          role: "events",
          path: "data/events-2024-*.parquet",
          digest: "xxh3:9f0c2d4be1a77f30c6b1d6d3a5f8e241",
          bytes: 812_334_112,
        },
        { role: "users", path: "data/users.csv", digest: "xxh3:1b34c0aa8c1f5e02d1c7b84be0fd6a99", bytes: 9_120_332 },
        { role: "coupons", path: "coupons.yaml", digest: "xxh3:7e6620fbc2d8e1a90f4c3b7712aa0e5d", bytes: 3_112 },
        {
          role: "redemptions",
          path: "data/redemptions.csv",
          digest: "xxh3:c0d5f19a2be4480b99a3e6d07f1c2b38",
          bytes: 11_802_441,
        },
      ],
      settings: [{ label: "Campaign digest", value: "xxh3:52a1fe07c39bd840aa1c0e96b3f47d15" }],
    },
  };
}

function coupon(i: number, random: () => number): CouponSummary {
  const [id, kind, offer] = OFFERS[i] ?? [`COUPON-${i}`, "percent", `${5 + (i % 20)} % off everything`];
  const numAssigned =
    i === OFFERS.length - 1 ? 0 : Math.round(12_000 * Math.exp(-0.35 * (i % 9)) * (0.7 + random() * 0.6));
  const cost = 60 + random() * 180;
  const scarce = i === 2 || i === 4;
  return {
    id,
    kind,
    offer,
    numAssigned,
    stock: scarce ? numAssigned : i % 3 === 0 ? null : numAssigned + 4_000,
    budgetMinor: i === 1 ? Math.ceil(numAssigned * cost) : null,
    expectedSpendMinor: Math.round(numAssigned * cost),
    expectedValueMinor: Math.round(numAssigned * cost * (1.4 + random() * 1.9)),
    meanPRedeem: numAssigned === 0 ? null : 0.06 + random() * 0.2,
    stockMultiplierMinor: scarce ? 38 + random() * 60 : i % 3 === 0 ? null : 0,
    budgetMultiplier: i === 1 ? 0.31 : null,
  };
}

function segmentsOf(n: number, assigned: number, spend: number, value: number, random: () => number): SegmentSummary[] {
  const weights = Array.from({ length: n }, (_, i) => Math.exp(-0.3 * ((i * 5) % n)) * (0.7 + random() * 0.6));
  const total = weights.reduce((a, b) => a + b, 0);
  const tilt = weights.map((w, i) => w * Math.exp(-0.25 * i));
  const tilted = tilt.reduce((a, b) => a + b, 0);
  return weights.map((weight, i) => {
    const standardisedMeans = FEATURES.map((_, f) => {
      const base = PROFILES[i % PROFILES.length]?.[f] ?? 0;
      return i < PROFILES.length ? base : base * 0.6 + (random() - 0.5) * 1.6;
    });
    return {
      id: i,
      numUsers: Math.round((100_016 * weight) / total),
      numAssignedUsers: Math.round((assigned * (tilt[i] ?? 0)) / tilted),
      expectedSpendMinor: Math.round((spend * (tilt[i] ?? 0)) / tilted),
      expectedValueMinor: Math.round(((value * (tilt[i] ?? 0)) / tilted) * (0.8 + random() * 0.4)),
      means: standardisedMeans.map((z, f) => {
        const [mean, deviation] = SCALES[f] ?? [0, 1];
        return Math.max(0.1, mean + z * deviation * 0.9);
      }),
      standardisedMeans,
    };
  });
}

/** A concave curve through the campaign's own point, 0.25 to 2 times its budget. */
function frontier(budget: number, value: number, spend: number): FrontierPoint[] {
  return [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2].map((times) => {
    const share = (1 - Math.exp(-1.1 * times)) / (1 - Math.exp(-1.1));
    const slope = (1.1 * Math.exp(-1.1 * times)) / (1 - Math.exp(-1.1));
    const own = times === 1;
    return {
      budgetMinor: Math.round(budget * times),
      spendMinor: own ? spend : Math.round(budget * times * 0.999),
      valueMinor: own ? value : Math.round(value * share),
      upperBoundMinor: Math.round(value * share * (1.0003 + 0.004 * Math.exp(-3 * times))),
      budgetMultiplier: own ? 1.284 : (slope * value) / budget,
      chosen: own,
    };
  });
}

function example(i: number, numSegments: number, coupons: CouponSummary[], random: () => number): ExampleUser {
  const own = coupons[(i * 3) % Math.max(1, coupons.length)];
  const cold = i % 5 === 4;
  const p = 0.04 + random() * 0.3;
  const cost = p * (300 + random() * 900);
  return {
    userId: `user-${String(Math.floor(random() * 1e7)).padStart(7, "0")}`,
    segment: numSegments === 0 ? -1 : (i * 2) % numSegments,
    coupons: own
      ? [
          {
            couponId: own.id,
            source: cold ? "segment" : i % 3 === 2 ? "user-knn" : "item-knn",
            score: 0.2 + random() * 0.7,
            drivers: cold
              ? []
              : [0.41, 0.22, 0.11, 0.04].map((share) => ({
                  kind: i % 3 === 2 ? ("user" as const) : ("item" as const),
                  id: `${i % 3 === 2 ? "user" : "item"}-${String(Math.floor(random() * 20_000)).padStart(5, "0")}`,
                  share,
                })),
            pRedeem: p,
            expectedValueMinor: cost * (1.5 + random() * 2),
            expectedCostMinor: cost,
            reducedValueMinor: cost * random() * 0.8,
          },
        ]
      : [],
  };
}
