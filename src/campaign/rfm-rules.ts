/** The rules of RFM scores: what a campaign can say, and what the library and the command take unless told otherwise. */

/** Four ascending limits between the five scores. */
export interface RfmCuts {
  recencyDays: readonly number[];
  frequency: readonly number[];
  monetary: readonly number[];
}

export const RFM_CUT_RULES = ["quantile", "fixed"] as const;

export const NUM_CUTS = 4;

export const DEFAULT_CUTS: RfmCuts = {
  recencyDays: [7, 30, 90, 180],
  frequency: [2, 3, 5, 10],
  monetary: [5_000, 10_000, 25_000, 50_000],
};
