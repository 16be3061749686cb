/** Single users in the report; conventions are those of `ReportData`. */

export interface ExampleUser {
  userId: string;
  /** Position in `segments.segments`; -1: none. */
  segment: number;
  coupons: ExampleCoupon[];
}

export interface ExampleCoupon {
  couponId: string;
  /** What scored it: item-knn, user-knn, saturated, segment, popularity ... */
  source: string;
  score: number;
  /** What drove the affinity, strongest first. */
  drivers: AffinityDriver[];
  pRedeem: number;
  expectedValueMinor: number;
  expectedCostMinor: number;
  /** Value left after paying every multiplier (v - lambda c - mu): why this coupon won; null: not known. */
  reducedValueMinor: number | null;
}

export interface AffinityDriver {
  /** item: an item of the user's own history; user: a similar user. */
  kind: "item" | "user";
  id: string;
  /** Its share of the affinity, 0..1; null: not known. */
  share: number | null;
}

export interface ExampleWithheldUser {
  userId: string;
  segment: number;
  /** A code of `withheld`, or `holdout`. */
  code: string;
  /** What is particular about this user, for example the best coupon and what it would have cost. */
  detail?: string;
}
