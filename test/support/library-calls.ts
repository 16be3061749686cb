/** A valid call of every public function, for tests of what holds for all of them. Small, and made anew each time. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as couponcast from "../../src/index.js";
import { writeDense } from "./matrix.js";

/** Arguments of each function by name; inputs that take long to make are made by `prepare`. */
export interface LibraryCall {
  name: string;
  call: (...args: never[]) => unknown;
  args: () => unknown[];
}

const times = <T>(length: number, value: (i: number) => T) => Array.from({ length }, (_, i) => value(i));
const USERS = 12;
const ITEMS = 8;

/** Calls over inputs in `folder`, which is made; the files are written before the first call. */
export async function libraryCalls(folder: string): Promise<LibraryCall[]> {
  const at = (name: string) => join(folder, name);
  mkdirSync(folder, { recursive: true });
  const dense = times(USERS, (u) => times(ITEMS, (i) => ((u * 7 + i * 5) % 3 === 0 ? 1 + ((u + i) % 4) : 0)));
  await writeDense(at("matrix.safetensors"), dense);
  await writeDense(
    at("later.safetensors"),
    dense.map((row) => [...row].reverse()),
  );
  const matrix = await couponcast.openMatrix(at("matrix.safetensors"));
  const later = await couponcast.openMatrix(at("later.safetensors"));

  const points = () => Float32Array.from(times(40, (i) => (i % 7) + (i % 2) * 10));
  const centroids = () => Float32Array.of(0, 1, 10, 12);
  const x = () => ({
    cols: 3,
    indptr: BigInt64Array.from(times(31, BigInt)),
    indices: Int32Array.from(times(30, (i) => i % 3)),
    values: Float32Array.from(times(30, (i) => 1 + (i % 5))),
  });
  const y = () => Float32Array.from(times(30, (i) => (i % 3 === 0 || i % 7 === 0 ? 1 : 0)));
  const scores = () => Float64Array.from(times(30, (i) => (i % 10) / 10));
  const treated = () => Uint8Array.from(times(30, (i) => (i >> 1) % 2));
  const candidates = () => ({
    width: 2,
    counts: Int32Array.of(2, 1, 2),
    coupons: Int32Array.of(0, 1, 1, 0, 0, 1),
    valueMinor: Float64Array.of(50, 30, 40, 0, 60, 10),
    costMinor: Float64Array.of(20, 10, 30, 0, 20, 10),
  });
  const limits = () => ({
    budgetMinor: 60,
    perUser: 1,
    coupons: [
      { stock: 2, exclusiveGroup: "a" },
      { budgetMinor: 40, exclusiveGroup: "a" },
    ],
    budgets: [{ limitMinor: 60, cost: "expected", coupons: [0], segments: [1] }],
    floors: [{ leastPieces: 1, coupons: [1] }],
    caps: [{ coupons: [0, 1], perUser: 1 }],
    segments: Int32Array.of(0, 1, 1),
    identity: Int32Array.of(0, 0, 2),
  });
  const baskets = () => ({
    indptr: BigInt64Array.of(0n, 2n, 4n, 7n, 9n),
    items: Int32Array.of(0, 1, 0, 1, 0, 1, 2, 1, 2),
    numItems: 3,
  });
  const events = () => ({
    users: Int32Array.from(times(30, (i) => i % 5)),
    behaviours: Uint8Array.from(times(30, (i) => (i * i) % 3)),
    times: BigInt64Array.from(times(30, (i) => BigInt(i) * 3_600_000_000n)),
  });
  const behaviours = ["browse", "search", "purchase"];
  const sequences = await couponcast.sequencesOf(events(), { numUsers: 5, behaviours });
  const transitions = await couponcast.countTransitions(sequences);
  const itemsets = await couponcast.frequentItemsets(baskets(), { minCount: 1 });
  const factors = await couponcast.als(matrix, { factors: 2, iterations: 1 });
  const uplift = await couponcast.upliftModel(x(), treated(), y());
  const model = () => ({
    scaling: {
      scale: "none" as const,
      names: ["a", "b"],
      means: Float64Array.of(0, 0),
      deviations: Float64Array.of(1, 1),
    },
    centroids: centroids(),
    sizes: [10, 10],
  });
  const items = () => times(4, (i) => ({ id: `i${i}`, category: `c${i % 2}`, name: `some words ${i}`, price: i }));
  await couponcast.writeAlsModel(at("als.safetensors"), factors, matrix);
  const savedFactors = await couponcast.readAlsModel(at("als.safetensors"));
  await couponcast.writeSegmentModel(at("segments.safetensors"), model());
  const tastes = await couponcast.userClusterModel(matrix, await couponcast.clusterUsers(matrix, { k: 2 }));
  await couponcast.writeUserClusterModel(at("tastes.safetensors"), tastes);
  await couponcast.writeItemProfiles(at("profiles.safetensors"), items(), { categories: ["category"] });
  writeFileSync(
    at("customers.csv"),
    `user_id,order_recency_days,frequency,monetary_minor\n${times(20, (i) => `u${i},${i * 3},${i % 5},${i * 100}\n`).join("")}`,
  );
  const outcomes = () => ({
    treated: treated(),
    orders: times(30, (i) => i % 3),
    salesMinor: times(30, (i) => (i % 3) * 100),
    marginMinor: times(30, (i) => (i % 3) * 40),
    discountMinor: times(30, (i) => (i % 3) * 5),
    groups: Int32Array.from(times(30, (i) => i % 2)),
  });
  const log = () => ({
    rewards: times(20, (i) => i % 2),
    propensities: times(20, () => 0.5),
    targetPropensities: times(20, (i) => 0.25 + (i % 2) / 2),
    predictions: times(20, () => 0.5),
    targetPredictions: times(20, () => 0.5),
  });
  const relevant = await couponcast.relevantItems(matrix, later, true);
  const ranked = await couponcast.recommend(matrix, { n: 2 });

  // biome-ignore format: one a line
  const all: Record<string, () => unknown[]> = {
    absorption: () => [transitions.all.counts, transitions.all.ends, 2, 0.5],
    allocate: () => [candidates(), limits(), { gap: 1e-6, threads: 1 }],
    allocationFrontier: () => [candidates(), limits(), [20, 60], { target: 1, threads: 1 }],
    als: () => [matrix, { factors: 2, iterations: 1, regularisation: 0.1, alpha: 1, solver: "cg", steps: 2, seed: 1, threads: 1 }],
    associationRules: () => [itemsets, { minConfidence: 0.1, minLift: 0, sortBy: "lift", top: 3, maxRules: 99, antecedentContains: [0], threads: 1 }],
    calibrated: () => [{ kind: "platt", slope: 1, intercept: 0 }, 0.5],
    campaignEffect: () => [outcomes(), { confidence: 0.9, replicates: 100, seed: 1, numGroups: 2, threads: 1 }],
    chooseBlendWeights: () => [matrix, relevant, [{ method: "item-knn", neighbours: 3 }, { method: "user-knn", neighbours: 3 } ], { n: 2, steps: 2, threads: 1 }],
    chooseK: () => [points(), 2, { minK: 2, maxK: 3, criterion: "silhouette", sampleSize: 20, seed: 1, threads: 1 }],
    chooseUserK: () => [matrix, { minK: 2, maxK: 3, criterion: "elbow", sampleSize: 10, seed: 1, threads: 1 }],
    clusterUsers: () => [matrix, { k: 2, unitLength: true, spherical: false, init: "k-means++", nInit: 2, seed: 1, maxIterations: 5, tolerance: 0, emptyClusters: "keep", threads: 1 }],
    compareMethods: () => [matrix, relevant, [{ name: "a", options: { method: "item-knn", neighbours: 3 } }], { n: 2, threads: 1 }],
    cosineDbscan: () => [matrix, { eps: 0.5, minSamples: 2, axis: "users", threads: 1 }],
    countTransitions: () => [sequences, { labels: Int32Array.of(0, 1, 0, 1, 0), segments: 2, threads: 1 }],
    couponAffinity: () => [matrix, [["i0", "i1"], ["i2"]], { method: "item-knn", neighbours: 3, range: { begin: 0, end: 3 }, threads: 1 }],
    dbscan: () => [points(), 2, { eps: 2, minSamples: 2, weights: new Float64Array(20).fill(1), threads: 1 }],
    ease: () => [matrix, { regularisation: 10, threads: 1 }],
    evaluatePolicy: () => [log(), { clip: 10, confidence: 0.9 }],
    evaluateRanking: () => [matrix, relevant, ranked, { k: 2, labels: new Int32Array(USERS), diversity: true, threads: 1 }],
    exploreAllocation: () => [candidates(), limits(), { epsilon: 0.2, temperatureMinor: 5, seed: 1, reserve: 0, keys: BigInt64Array.of(1n, 2n, 3n) }, { threads: 1 }],
    foldInMatrix: () => [savedFactors, matrix, { threads: 1 }],
    foldInUsers: () => [factors, { indptr: BigInt64Array.of(0n, 2n), indices: Int32Array.of(0, 1), values: Float32Array.of(1, 2) }, { threads: 1 }],
    frequentItemsets: () => [baskets(), { minSupport: 0.5, kind: "closed", maxLength: 3, algorithm: "eclat", maxBasketItems: 10, longBaskets: "leave-out", maxItemsets: 100, threads: 1 }],
    identityComponents: () => [4, Int32Array.of(0, 1, 2), Int32Array.of(5, 5, 6)],
    isotonicCalibration: () => [scores(), y(), { threads: 1 }],
    "ItemRecommender.create": () => [matrix, { n: 3, neighbours: 4, method: "item-knn", filterSeen: true, fallback: true, allow: ["i0", "i1"], deny: ["i2"], threads: 1 }],
    kDistanceCurve: () => [points(), 2, { k: 3, threads: 1 }],
    kmeans: () => [points(), 2, { k: 2, init: "k-means++", nInit: 2, seed: 1, maxIterations: 5, tolerance: 0, weights: new Float32Array(20).fill(1), emptyClusters: "relocate", algorithm: "auto", spherical: false, threads: 1 }],
    kmeansPredict: () => [points(), 2, centroids(), { threads: 1 }],
    linearRegression: () => [x(), y(), { l1: 0.1, l2: 0.1, weights: new Float32Array(30).fill(1), maxIterations: 9, tolerance: 1e-6, threads: 1 }],
    linearScores: () => [{ beta: Float64Array.of(1, 2, 3), intercept: 0.5 }, x(), { threads: 1 }],
    loadCampaign: () => [at("campaign.yaml")],
    logisticRegression: () => [x(), y(), { l1: 0, l2: 0.1, weights: new Float32Array(30).fill(1), maxIterations: 9, tolerance: 1e-6, threads: 1 }],
    medianGaps: () => [sequences, transitions.all, { threads: 1 }],
    miniBatchKmeans: () => [points(), 2, { k: 2, batchSize: 5, maxIterations: 2, maxNoImprovement: 2, reassignmentRatio: 0.01, seed: 1, threads: 1 }],
    miniBatchUsers: () => [matrix, { k: 2, batchSize: 5, maxIterations: 2, maxNoImprovement: 2, reassignmentRatio: 0.01, seed: 1, unitLength: true, threads: 1 }],
    nextBehaviour: () => [sequences, { horizonDays: 7, threads: 1 }],
    openBaskets: () => [at("baskets.safetensors")],
    openMatrix: () => [at("matrix.safetensors")],
    openSequences: () => [at("sequences.safetensors")],
    plattCalibration: () => [scores(), y(), { threads: 1 }],
    populationStability: () => [[0.5, 0.5], [0.4, 0.6]],
    predictUserClusters: () => [matrix, tastes, { threads: 1 }],
    predictSegments: () => [model(), Float64Array.of(0, 1, 10, 12), { threads: 1 }],
    predictUplift: () => [uplift.model, x(), { threads: 1 }],
    readAlsModel: () => [at("als.safetensors"), { threads: 1 }],
    readResponseModel: () => [at("response.safetensors")],
    readSegmentModel: () => [at("segments.safetensors")],
    readUserClusterModel: () => [at("tastes.safetensors")],
    recommend: () => [matrix, { n: 2, method: "item-knn", neighbours: 3, similarity: "bm25", k1: 1.2, b: 0.5, filterSeen: true, normalise: true, allow: ["i0", "i1", "i2"], deny: ["i2"], labels: new Int32Array(USERS), fallback: true, range: { begin: 0, end: 3 }, threads: 1 }],
    relevantItems: () => [matrix, later, true],
    rfm: () => [at("customers.csv"), { cut: "fixed", cuts: { recencyDays: [7, 14, 30, 60], frequency: [1, 2, 3, 4], monetary: [1, 2, 3, 4] }, id: "user_id", threads: 1 }],
    rp3beta: () => [matrix, { neighbours: 3, alpha: 1, beta: 0.5, includeSelf: false, threads: 1 }],
    runCampaign: () => [at("campaign.yaml"), { out: at("out"), force: false, threads: 1 }],
    segmentProfiles: () => [[["a", async () => Float64Array.of(1, 2, 3)]], Int32Array.of(0, 1, 0), 2],
    sequencesOf: () => [events(), { numUsers: 5, behaviours, asOfMicros: 1e15, threads: 1 }],
    similarItems: () => [matrix, { neighbours: 3, similarity: "tfidf", includeSelf: false, range: { begin: 0, end: 4 }, threads: 1 }],
    similarItemsByFactors: () => [factors, { neighbours: 3, threads: 1 }],
    similarUsers: () => [matrix, { neighbours: 3, similarity: "cosine", threads: 1 }],
    simulateCampaign: () => [at("campaign.yaml"), { out: at("out"), truth: at("truth.safetensors"), randomPlays: 2, ablations: false, threads: 1 }],
    stationaryDistribution: () => [Float64Array.of(0.5, 0.5, 0.2, 0.8), 2],
    suggestEps: () => [Float64Array.of(3, 2, 1, 0.5)],
    transitionProbabilities: () => [transitions.all.counts, 3, { direction: "forward", smoothing: 1 }],
    upliftMetrics: () => [{ scores: scores(), treated: treated(), outcomes: y(), costs: scores() }, { confidence: 0.9, curvePoints: 5, threads: 1 }],
    upliftModel: () => [x(), treated(), y(), { learner: "X", propensity: 0.5, folds: 2, groups: Int32Array.from(times(30, (i) => i)), seed: 1, l2: 1, threads: 1 }],
    userClusterModel: () => [matrix, { centroids: new Float32Array(matrix.numItems * 16), lanes: 16, sizes: [10, 10] }, { unitLength: true, order: [1, 0] }],
    writeAlsModel: () => [at("written.safetensors"), factors, matrix],
    writeItemProfiles: () => [at("written.safetensors"), items(), { matrix, categories: ["category"], text: ["name"], attributes: ["price"] }],
    writeSegmentModel: () => [at("written.safetensors"), model()],
    writeUserClusterModel: () => [at("written.safetensors"), tastes],
  };
  const { ItemRecommender } = couponcast;
  const functions = new Map<string, unknown>(Object.entries(couponcast));
  functions.set("ItemRecommender.create", ItemRecommender.create.bind(ItemRecommender));
  return Object.entries(all).map(([name, args]) => ({ name, call: functions.get(name) as LibraryCall["call"], args }));
}
