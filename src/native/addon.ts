/**
 * The raw typed interface of the addon (internal). Every function takes one object of named arguments, computes on
 * the calling thread and throws a CouponcastError. Meaning and preconditions: native/include/couponcast/*.h.
 */
import { errorFromStatus } from "../errors.js";
import { loadAddon } from "./load.js";

declare const handleBrand: unique symbol;
/** An open file or writer of the core. */
export interface Handle {
  readonly [handleBrand]: true;
}

export type Dtype = "I64" | "F64" | "I32" | "F32" | "U8";
export interface TensorInfo {
  dtype: Dtype;
  shape: number[];
}
export type AnyTypedArray = BigInt64Array | Float64Array | Int32Array | Float32Array | Uint8Array;
type Named = Record<string, unknown>;

export interface PolishStats {
  valueMilli: number;
  spendMilli: number;
  assigned: number;
  dropped: number;
  moves: number;
  exchanges: number;
  /** First constraint that is broken, -1 for none, and by how much. */
  broken: number;
  missing: number;
}

/** Expectations over draws: `surplus` is the smooth dual's, milli. */
export interface ExpectedTotals {
  surplus: number;
  valueMilli: number;
  spendMilli: number;
  assigned: number;
}

/** What the best responses of some users add up to. */
export interface DualPartial {
  surplus: number;
  valueMilli: number;
  spendMilli: number;
  assigned: number;
}

/** Rows of an assignment, by user, within a user by value; values and costs in thousandths of a minor unit. */
export interface AssignmentRows {
  users: Int32Array;
  coupons: Int32Array;
  ranks: Int32Array;
  places: BigInt64Array;
  values: BigInt64Array;
  costs: BigInt64Array;
}

export interface Addon {
  coreInfo(a: Named): { version: string; simdTargets: string[]; liveMaps: number };
  openMatrix(a: { path: string }): Handle;
  matrixInfo(a: { matrix: Handle }): {
    numUsers: number;
    numItems: number;
    nnz: number;
    metadata: Record<string, string>;
  };
  verifyMatrix(a: { matrix: Handle }): void;
  checkMatrix(a: { matrix: Handle; axis: Axis }): void;
  matrixIds(a: { matrix: Handle; axis: Axis; begin: number; end: number }): string[];
  findId(a: { matrix: Handle; axis: Axis; id: string }): number;
  matrixRow(a: { matrix: Handle; axis: Axis; row: number }): { indices: Int32Array; values: Float32Array };
  openTensors(a: { path: string }): Handle;
  tensorsInfo(a: { file: Handle }): { metadata: Record<string, string>; tensors: Record<string, TensorInfo> };
  readTensor(a: { file: Handle; tensor: string }): AnyTypedArray;
  verifyTensors(a: { file: Handle }): void;
  createTensorFile(a: Named): { handle: Handle; fd: number; offsets: Record<string, number> };
  commitTensorFile(a: { writer: Handle }): Promise<void>;
  createMatrix(a: Named): Handle;
  appendIds(a: { writer: Handle; axis: Axis; ids: readonly string[] }): void;
  appendCells(a: { writer: Handle; rows: Int32Array; cols: Int32Array; values: Float32Array }): void;
  commitMatrix(a: { writer: Handle }): Promise<void>;
  closeHandle(a: { handle: Handle }): void;
  digestFile(a: { path: string }): string;
  formatCsv(a: Named): Uint8Array;
  gather(a: Named): void;
  preferLargePages(a: { memory: Uint8Array }): void;
  lockFile(a: { path: string; content: string }): Handle;

  weighTerms(a: Named): void;
  scaleDocuments(a: Named): void;
  similarRows(a: Named): void;
  similarRowsPerCall(a: Named): number;
  similarityWork(a: Named): void;
  allPairsPays(a: Named): boolean;
  orderByDegree(a: Named): void;
  largestWhole(a: Named): number;
  planPairs(a: Named): void;
  sumPairPlaces(a: Named): void;
  fillPairLists(a: Named): boolean;
  denseRanks(a: Named): { squareRanks: number; stripRanks: number };
  sumPairSquare(a: Named): void;
  sumPairStrip(a: Named): void;
  addPairs(a: Named): void;
  mergeBestLists(a: Named): void;
  addPairTiles(a: Named): boolean;
  answerPairTiles(a: Named): void;
  recommendItems(a: Named): void;
  recommendUsers(a: Named): void;
  recommendSeedLiteral(a: Named): void;
  rankPopularItems(a: Named): { indptr: BigInt64Array; items: Int32Array; scores: Float32Array };
  createItemRecommender(a: Named): { handle: Handle; ready: Promise<void> };
  recommendRow(recommender: Handle, memory: ArrayBuffer, items: Int32Array, values: Float32Array | undefined): number;
  recommendIds(recommender: Handle, memory: ArrayBuffer, text: string, size: number, hasValues: boolean): number;
  scopeWeightsItems(a: Named): void;
  scopeWeightsUsers(a: Named): void;
  affinityItems(a: Named): void;
  affinityUsers(a: Named): void;
  affinitySums(a: Named): void;
  pairFeatures(a: Named): void;
  makeCandidates(a: Named): void;
  userMoments(a: Named): void;
  listOrders(a: Named): void;
  tasteLoss(a: Named): number;

  alsStart(a: Named): void;
  alsGram(a: Named): void;
  alsBasis(a: Named): void;
  alsTurn(a: Named): void;
  alsSolve(a: Named): void;
  alsWork(a: Named): void;
  alsLoss(a: Named): number;
  recommendFactors(a: Named): void;
  similarFactors(a: Named): void;
  scopeWeightsFactors(a: Named): void;
  affinityFactors(a: Named): void;
  easeGram(a: Named): void;
  easePivot(a: Named): void;
  easePanel(a: Named): void;
  easeUpdate(a: Named): void;
  easeWeights(a: Named): void;
  recommendDense(a: Named): void;
  scopeWeightsDense(a: Named): void;
  walkWeights(a: Named): void;
  recommendProfiles(a: Named): void;
  scopeWeightsFeatures(a: Named): void;
  affinityProfiles(a: Named): void;
  blendLists(a: Named): void;
  blendAffinity(a: Named): void;
  sumRankingMetrics(a: Named): void;

  kmeansAssign(a: Named): number;
  kmeansAssignFiltered(a: Named): number;
  kmeansAssignGroups(a: Named): number;
  kmeansAssignRows(a: Named): number;
  kmeansBox(a: Named): void;
  kmeansEncode(a: Named): void;
  kmeansEncodeCentroids(a: Named): boolean;
  kmeansMinDistance(a: Named): number;
  kmeansOrder(a: Named): void;
  kmeansReadSums(a: Named): void;
  sparseKmeansAddRows(a: Named): void;
  sparseKmeansAssign(a: Named): number;
  sparseKmeansAssignRows(a: Named): number;
  sparseKmeansEncode(a: Named): { least: number; largest: number };
  sparseKmeansLabels(a: Named): void;
  sparseKmeansMeans(a: Named): number;
  sparseKmeansScale(a: Named): void;
  sparseKmeansShorten(a: Named): void;
  sparseKmeansStep(a: Named): number;
  sparseRowLengths(a: Named): void;
  buildKdTree(a: Named): void;
  kthDistances(a: Named): void;
  sortAscending(a: Named): void;
  dbscanCores(a: Named): void;
  dbscanLinks(a: Named): void;
  mergeForests(a: Named): void;
  numberClusters(a: Named): number;
  dbscanBorders(a: Named): void;
  buildCosineIndex(a: Named): void;
  cosineCores(a: Named): void;
  cosineLinks(a: Named): void;
  cosineBorders(a: Named): void;
  checkGlmRows(a: Named): void;
  glmPartial(a: Named): number;
  glmScores(a: Named): void;
  elasticNetStep(a: Named): void;
  strataPartial(a: Named): number;
  strataScores(a: Named): void;
  curveColumns(a: Named): void;
  fitIsotonic(a: Named): void;
  solveSpd(a: Named): void;

  groupEvents(a: Named): void;
  sortSequences(a: Named): void;
  countTransitions(a: Named): void;
  listGaps(a: Named): void;
  medianGap(a: Named): number;
  countWaits(a: Named): void;
  nextWithin(a: Named): void;

  countBasketItems(a: Named): number;
  rankBaskets(a: Named): number;
  countAndRankBaskets(a: Named): { numTooLong: number; numRanks: number };
  mineItemsets(a: Named): {
    items: Int32Array;
    lengths: Uint8Array;
    supports: Int32Array;
    shares: BigInt64Array;
    ends: BigInt64Array;
  };
  indexItemsets(a: Named): void;
  flagSupersets(a: Named): void;
  findRules(a: Named): { antecedents: Int32Array; consequents: Int32Array; sets: Int32Array };
  orderRules(a: Named): void;
  measureRules(a: Named): void;

  checkProblem(a: Named): { value: number; cost: number; face: number };
  toMilli(a: Named): void;
  evaluateDual(a: Named): DualPartial;
  solveDual(a: Named): { bound: number; evaluations: number };
  repairAndPolish(a: Named): PolishStats;
  findFeasible(a: Named): { found: boolean; exhausted: boolean };
  checkFeasible(a: Named): PolishStats;
  listAssignments(a: Named): AssignmentRows;
  explainUnassigned(a: Named): void;
  expectUse(a: Named): ExpectedTotals;
  drawSets(a: Named): ExpectedTotals;

  rankDescending(a: Named): void;
  poissonBootstrap(a: Named): void;
}

export type Axis = "users" | "items";
export type KernelName = keyof Addon;

/** @internal The error of a promise inside an answer; other errors are rebuilt here. */
export function rebuildError(thrown: unknown): unknown {
  const status = (thrown as { couponcastStatus?: unknown }).couponcastStatus;
  return typeof status === "number" ? errorFromStatus(status, (thrown as Error).message) : thrown;
}

// biome-ignore lint/suspicious/noExplicitAny: one wrapper for functions of all types
function translateErrors(fn: (...args: any[]) => unknown): (...args: any[]) => unknown {
  // biome-ignore lint/suspicious/noExplicitAny: see above
  return (...args: any[]) => {
    let result: unknown;
    try {
      result = fn(...args);
    } catch (thrown) {
      throw rebuildError(thrown);
    }
    return result instanceof Promise
      ? result.catch((thrown) => {
          throw rebuildError(thrown);
        })
      : result;
  };
}

function wrap(raw: Record<string, (...args: unknown[]) => unknown>): Addon {
  return Object.fromEntries(Object.entries(raw).map(([name, fn]) => [name, translateErrors(fn)])) as unknown as Addon;
}

let loaded: Addon | undefined;

/** The addon, loaded at the first call. Errors: ERR_COUPONCAST_UNSUPPORTED_PLATFORM when no binary fits. */
export function addon(): Addon {
  loaded ??= wrap(loadAddon());
  return loaded;
}
