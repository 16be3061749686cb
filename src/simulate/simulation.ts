/** What a simulation found. */
import type { Played } from "./play.js";

export interface PolicyResult extends Played {
  name: string;
  /** In a few words. */
  about: string;
  /** oracle: knows the truth; baseline: without this program; ablation: this program without a part. */
  kind: "oracle" | "campaign" | "given" | "ablation" | "baseline";
  /** (profit - random) / (oracle - random) */
  closedShare: number;
  /** oracle - profit */
  regretMinor: number;
}

export interface Simulation {
  currency: string;
  numUsers: number;
  /** Floors (`fairness`) of the campaign. */
  numFloors: number;
  /** Users who may have a coupon. */
  numEligibleUsers: number;
  /** Mean P(redeem) over all pairs that may be. */
  meanRedemption: number;
  /** Share of the users who may have a coupon to whom every one only costs money. */
  costOnlyShare: number;
  /** No policy within the limits earns more than this. */
  upperBoundMinor: number;
  policies: PolicyResult[];
}
