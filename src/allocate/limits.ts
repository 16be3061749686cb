/** What an assignment must keep to. Money in minor units; undefined is unlimited. */
export interface Limits {
  /** Total expected cost. */
  budgetMinor?: number | undefined;
  /** By coupon: pieces, expected cost, exclusive group (a user gets one of its coupons at most). */
  coupons: readonly {
    stock?: number | undefined;
    budgetMinor?: number | undefined;
    exclusiveGroup?: string | undefined;
  }[];
  /** Coupons a user at most; default 1. */
  perUser?: number | undefined;
  /** Further budgets: of a campaign, a channel, a segment, in expected or in face cost. */
  budgets?: readonly Budget[] | undefined;
  /** What must be handed out at least. */
  floors?: readonly Floor[] | undefined;
  /** Caps a user of some coupons; any two are nested or apart. */
  caps?: readonly Cap[] | undefined;
  /** [users] segment of each, -1 for none; needed by budgets and floors of segments. */
  segments?: Int32Array | undefined;
  /** [users] equal numbers are one identity: its users share all caps, and hold a coupon once. -1 stands alone. */
  identity?: Int32Array | undefined;
  /** kappa: candidates are weighed by value - kappa * sigma; default 0. Needs sigmaMinor of the candidates. */
  riskAversion?: number | undefined;
}

/** Which candidates a budget or a floor is about; undefined: all. */
export interface Scope {
  /** Shown in messages. */
  name?: string | undefined;
  /** Indices of coupons. */
  coupons?: readonly number[] | undefined;
  segments?: readonly number[] | undefined;
}

/** The cost of the scope's candidates that are handed out is at most this. */
export interface Budget extends Scope {
  limitMinor: number;
  /** What counts: the expected cost (default), or the face value, which is due when everybody redeems. */
  cost?: "expected" | "face" | undefined;
}

/** The pieces or the expected cost of the scope's candidates that are handed out is at least this: one of the three. */
export interface Floor extends Scope {
  leastPieces?: number | undefined;
  leastSpendMinor?: number | undefined;
  /** Of `budgetMinor`. */
  leastShare?: number | undefined;
}

/** A user (or identity) gets at most so many of these coupons. */
export interface Cap {
  name?: string | undefined;
  coupons: readonly number[];
  perUser: number;
}
