/** The scoring methods that a campaign can name: they know the affinity of users to coupons. */
export const SCORING_METHODS = [
  "item-knn",
  "user-knn",
  "saturated",
  "als",
  "ease",
  "rp3beta",
  "content",
  "blend",
] as const;
