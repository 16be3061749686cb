/** What the report shows of segments; conventions are those of `ReportData`. */
import type { SegmentMap } from "../profile/segment-map.js";

export interface Segmentation {
  /** Columns of the profiles, in order; keys are those of features.parquet (`count_purchase`, `recency_days` ...). */
  features: FeatureInfo[];
  segments: SegmentSummary[];
  /** Where users are compared by the items they have to do with, not by the features. */
  byItems?: boolean | undefined;
  /** Users without data, who are in no segment; by items also those with no item. */
  numUnsegmentedUsers: number;
  /** A sample of the users in the plane in which they differ most; only where there are two features. */
  map?: SegmentMap | undefined;
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

interface StabilityIndex {
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
