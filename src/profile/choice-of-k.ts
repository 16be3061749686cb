/** The best of several numbers of clusters. */

/** How well k clusters describe the points. */
export interface KQuality {
  k: number;
  /** Falls with every cluster more; where it bends is the elbow. */
  inertia: number;
  /** Mean silhouette over a sample, distances within the sample: -1 to 1, higher is better. */
  sampleSilhouette: number;
  /** Variance between clusters over variance within, each by its degrees of freedom; null where points coincide. */
  calinskiHarabasz: number | null;
}

export const K_CRITERIA = ["silhouette", "calinski-harabasz", "elbow"] as const;
/** What says which k is best: the highest silhouette or Calinski-Harabasz index, or where the inertia bends. */
export type KCriterion = (typeof K_CRITERIA)[number];

/** The k that a criterion says, of equally good ones the smallest. `qualities` by ascending k, at least one. */
export function bestK(qualities: readonly KQuality[], criterion: KCriterion): number {
  const scores = criterion === "elbow" ? belowTheChord(qualities) : qualities.map((q) => scoreOf(q, criterion));
  let best = 0;
  for (const [i, score] of scores.entries()) if (score > scores[best]!) best = i;
  return qualities[best]!.k;
}

function scoreOf({ sampleSilhouette, calinskiHarabasz, inertia }: KQuality, criterion: KCriterion): number {
  if (criterion === "silhouette") return sampleSilhouette;
  // Clusters that leave nothing unexplained are as good as can be; a single one says nothing.
  return calinskiHarabasz ?? (inertia > 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
}

/** How far the inertia of each k lies below the straight line from the first to the last, as shares of what lies between. */
function belowTheChord(qualities: readonly KQuality[]): number[] {
  const [first, last] = [qualities[0]!, qualities.at(-1)!];
  const fall = first.inertia - last.inertia;
  if (!(fall > 0)) return qualities.map(() => 0);
  return qualities.map(({ k, inertia }) => (first.inertia - inertia) / fall - (k - first.k) / (last.k - first.k));
}
