/** couponcast: decides who gets which coupon. The public API. */
export { type Allocation, allocate } from "./allocate/allocate.js";
export { type Exploration, type ExploredLimit, type ExploreOptions, exploreAllocation } from "./allocate/explore.js";
export { allocationFrontier, type Frontier, type FrontierPoint } from "./allocate/frontier.js";
export { identityComponents } from "./allocate/identity.js";
export type { Budget, Cap, Floor, Limits } from "./allocate/limits.js";
export type { CandidateFile, Candidates } from "./allocate/table-of.js";
export { type Campaign, type CampaignInput, campaignSchema } from "./campaign/campaign-schema.js";
export { type Coupon, type CouponInput, couponSchema } from "./campaign/coupon-schema.js";
export { type LoadedCampaign, loadCampaign } from "./campaign/load-campaign.js";
export type { RfmCuts } from "./campaign/rfm-rules.js";
export { CouponcastError, type ErrorCode } from "./errors.js";
export {
  type BlendChoice,
  type BlendSearchOptions,
  chooseBlendWeights,
} from "./evaluate/blend-weights.js";
export {
  type Arm,
  type CampaignEffect,
  type CampaignEffectOptions,
  type CampaignOutcomes,
  campaignEffect,
  type Effect,
  type GroupEffect,
} from "./evaluate/campaign-effect.js";
export { type ComparedMethod, compareMethods, type MethodToCompare } from "./evaluate/compare.js";
export type { Estimate, Interval } from "./evaluate/interval.js";
export { evaluatePolicy, type OffPolicyOptions, type OffPolicyValue, type PolicyLog } from "./evaluate/off-policy.js";
export {
  evaluateRanking,
  type RankingOptions,
  type RankingQuality,
  type RankingReport,
  type RelevantItems,
} from "./evaluate/ranking.js";
export { type HeldOut, relevantItems } from "./evaluate/relevant-items.js";
export {
  type CurvePoint,
  type UpliftData,
  type UpliftMetrics,
  type UpliftOptions,
  upliftMetrics,
} from "./evaluate/uplift-metrics.js";
export { closeExecutors, type Progress, type RowRange, type RunOptions } from "./executor/executor.js";
export { type Calibration, calibrated, isotonicCalibration, plattCalibration } from "./learn/calibrate.js";
export {
  type LinearModel,
  type LinearModelOptions,
  linearRegression,
  linearScores,
  logisticRegression,
} from "./learn/linear-model.js";
export type { SparseRows } from "./learn/sparse-rows.js";
export {
  LEARNERS,
  type Learner,
  predictUplift,
  type UpliftFit,
  type UpliftModel,
  type UpliftModelOptions,
  upliftModel,
} from "./learn/uplift.js";
export type { Baskets } from "./mining/baskets.js";
export { BoughtWith, type Suggestion } from "./mining/bought-with.js";
export type { Itemset, ItemsetList } from "./mining/itemset-list.js";
export { frequentItemsets, type ItemsetOptions } from "./mining/itemsets.js";
export {
  ITEMSET_KINDS,
  type ItemsetKind,
  MINING_ALGORITHMS,
  type MiningAlgorithm,
  RULE_METRICS,
  type RuleMetric,
} from "./mining/names.js";
export { associationRules, type Rule, type RuleList, type RuleOptions } from "./mining/rules.js";
export { coreVersion, simdTargets } from "./native/version.js";
export { K_CRITERIA, type KCriterion, type KQuality } from "./profile/choice-of-k.js";
export { type ChoiceOptions, type ChooseKOptions, chooseK, type KChoice } from "./profile/choose-k.js";
export { type ChooseUserKOptions, chooseUserK } from "./profile/choose-user-k.js";
export { type CosineDbscanOptions, type CosineDbscanResult, cosineDbscan } from "./profile/cosine-dbscan.js";
export { type DbscanOptions, type DbscanResult, dbscan } from "./profile/dbscan.js";
export type { FeatureScaling, Scale } from "./profile/feature-scaling.js";
export { type KDistanceOptions, kDistanceCurve, suggestEps } from "./profile/k-distance.js";
export { type KmeansOptions, type KmeansResult, kmeans } from "./profile/kmeans.js";
export { EMPTY_CLUSTERS, type EmptyClusters } from "./profile/kmeans-points.js";
export { type KmeansPrediction, kmeansPredict } from "./profile/kmeans-predict.js";
export { type Absorption, absorption, stationaryDistribution, transitionProbabilities } from "./profile/markov.js";
export {
  type MiniBatchKmeansOptions,
  type MiniBatchKmeansResult,
  miniBatchKmeans,
} from "./profile/mini-batch-kmeans.js";
export { type MiniBatchUserClusters, type MiniBatchUsersOptions, miniBatchUsers } from "./profile/mini-batch-users.js";
export { type NextBehaviourOptions, nextBehaviour } from "./profile/next-behaviour.js";
export { predictUserClusters, type UserClusterPrediction } from "./profile/predict-user-clusters.js";
export { RFM_SEGMENTS, type RfmRules } from "./profile/rfm.js";
export { type Rfm, type RfmTableOptions, rfm } from "./profile/rfm-table.js";
export { predictSegments, readSegmentModel, type SegmentModel, writeSegmentModel } from "./profile/segment-model.js";
export { type FeatureColumn, type FeatureDifference, segmentProfiles } from "./profile/segment-profiles.js";
export { type ClusterUsersOptions, clusterUsers, type UserClusters } from "./profile/sparse-kmeans.js";
export { populationStability, STABILITY_LIMITS, type Stability, type StabilityLevel } from "./profile/stability.js";
export {
  countTransitions,
  type GroupTransitions,
  medianGaps,
  type Transitions,
  type TransitionsOptions,
} from "./profile/transitions.js";
export {
  readUserClusterModel,
  type UserClusterModel,
  type UserClusterModelOptions,
  userClusterModel,
  writeUserClusterModel,
} from "./profile/user-cluster-model.js";
export { readResponseModel, type SavedResponseModel } from "./response/model-file.js";
export type { ResponseTraining } from "./response/training.js";
export type { RunManifest } from "./run/manifest.js";
export { type RunCampaignOptions, type RunResult, runCampaign } from "./run/run-campaign.js";
export { type SimulateOptions, simulateCampaign } from "./run/simulate-campaign.js";
export { type Affinity, type AffinityOptions, couponAffinity } from "./score/affinity.js";
export { type AlsModel, type AlsOptions, type AlsVectors, als } from "./score/als.js";
export {
  type FoldedVectors,
  foldInMatrix,
  foldInUsers,
  type NewRows,
  similarItemsByFactors,
} from "./score/als-model.js";
export { readAlsModel, type SavedAlsModel, writeAlsModel } from "./score/als-model-file.js";
export type { BlendOptions, ScoreCurve } from "./score/blend.js";
export { type ItemContent, type ItemProfilesOptions, writeItemProfiles } from "./score/content/item-profiles.js";
export { EASE_MAX_ITEMS, type EaseModel, type EaseOptions, ease } from "./score/ease.js";
export { ItemRecommender, type ItemRecommenderOptions, type RecommendedItem } from "./score/item-recommender.js";
export type { BlendPart, Method, MethodOptions } from "./score/methods.js";
export {
  type Recommendations,
  type RecommendOptions,
  recommend,
  SCORE_SOURCES,
  type ScoreSource,
} from "./score/recommend.js";
export { type Rp3betaOptions, rp3beta } from "./score/rp3beta.js";
export { type Neighbours, type SimilarOptions, similarItems, similarUsers } from "./score/similar.js";
export type { WeightingName, WeightingOptions } from "./score/weighting.js";
export type { PolicyResult, Simulation } from "./simulate/simulation.js";
export { BASKETS_BY, type BasketFile, type BasketsBy, openBaskets } from "./store/baskets.js";
export { type Matrix, openMatrix } from "./store/matrix.js";
export {
  type EventColumns,
  openSequences,
  type Sequences,
  type SequencesOptions,
  sequencesOf,
} from "./store/sequences.js";
