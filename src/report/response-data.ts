/** What the report shows of the response model; conventions are those of `ReportData`. */

export type ResponseSummary =
  | {
      kind: "prior";
      /** P(redeem) assumed for everyone alike before affinity. */
      priorRate: number;
      numRedemptions: number;
      minRedemptions: number;
    }
  | {
      kind: "given";
      /** Such as a table of predictions. */
      from: string;
      pairs: { count: number; meanPRedeem: number } | null;
      numUnknown: number;
      hasUplift: boolean;
    }
  | {
      kind: "model";
      numTrainOffers: number;
      numHeldOutOffers: number;
      /** Share of the training offers that were redeemed. */
      baseRate: number;
      /** Mean negative log-likelihood (nats) of the held-out offers. */
      heldOutLogLoss: number;
      /** The same for the base rate as the prediction of every offer. */
      baseRateLogLoss: number;
      /** Held-out offers in bins of predicted P(redeem). */
      calibration: { meanPredicted: number; observedRate: number; numOffers: number }[];
      /** Held-out rows in bins of predicted extra orders; null without a control group. */
      uplift: { meanPredicted: number; observed: number; standardError: number; numOffers: number }[] | null;
      /** Platt's scaling by offers neither trained on nor held out; null: none tried. */
      platt: PlattSummary | null;
      coefficients: ResponseCoefficient[];
    };

/** What an event of each behaviour says about taste. */
export interface TasteSummary {
  /** Weight of an event: the campaign's, and that learnt from what shoppers looked at later. */
  behaviours: { name: string; given: number; learnt: number }[];
  /** Of everybody's taste, in the same unit. */
  priorWeight: number;
  /** Later looks and their mean negative log-likelihood (nats) by either weights; null: too few, the campaign's weights stand. */
  fit: { targets: number; lossBefore: number; lossAfter: number } | null;
}

interface PlattSummary {
  numOffers: number;
  isApplied: boolean;
  /** Of the held-out offers, without it and with it. */
  logLossBefore: number;
  logLossAfter: number;
  /** Without it. */
  calibrationBefore: { meanPredicted: number; observedRate: number; numOffers: number }[];
}

export interface ResponseCoefficient {
  /** What the input is in words, for example `taste for the coupon's items`, or `coupon kind: percent`. */
  label: string;
  /** Log-odds per unit of `per`. */
  coefficient: number;
  /** What the coefficient is per: one standard deviation of a number, or a yes instead of a no. */
  per: "standard-deviation" | "yes";
}
