/** Response models in files: what a run records of its own, and one of an earlier run in place of a fit. */
import { resolve } from "node:path";
import type { ResponseModel } from "../response/model.js";
import { partsFor, type SavedResponseModel } from "../response/model-file.js";
import type { OrderValueModel } from "../response/order-value.js";
import type { ResponseTraining } from "../response/training.js";
import type { RunContext } from "./context.js";

export const RESPONSE_ROLE = "response-model";

/** The model file that the campaign names, if it does. */
export function responseModelPath({ loaded }: RunContext): string | undefined {
  const { model, onnx } = loaded.campaign.response;
  const file = model ?? onnx?.file;
  return file === undefined ? undefined : resolve(loaded.baseDir, file);
}

export function trainingOf(
  { loaded: { campaign } }: RunContext,
  { numOffers, numRedemptions, numControls, quality }: ResponseModel,
): ResponseTraining {
  const { heldOutShare, maxTrainingOffers, l2 } = campaign.response;
  const counts = { offers: numOffers, redemptions: numRedemptions, controls: numControls };
  return { seed: campaign.seed, heldOutShare, maxTrainingOffers, l2, ...counts, quality };
}

/** The campaign's model file for this run's coupons; `absent`: attributes of it that this run's users lack. */
export function savedModel(
  { loaded: { campaign, coupons } }: RunContext,
  saved: SavedResponseModel,
  absent: readonly string[],
  numOffers: number,
  orderValue: OrderValueModel,
): ResponseModel {
  const { parts, unknown } = partsFor(saved, coupons);
  const { offers, seed } = saved.training;
  return {
    kind: "given",
    numOffers,
    numControls: 0,
    numRedemptions: 0,
    parts,
    pairKnots: saved.pairKnots,
    basis: saved.basis,
    attributes: saved.attributes,
    orderValue,
    quality: null,
    given: {
      from: `the model file ${campaign.response.model} (learnt from ${offers} offers, seed ${seed})`,
      pairs: null,
      numUnknown: unknown.length + absent.length,
      hasUplift: parts.length > 1,
    },
    coefficients: [],
  };
}
