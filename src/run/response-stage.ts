/** Stage response: what coupons do to users. */
import { join } from "node:path";
import { userChannels } from "../response/channels.js";
import { fitResponse } from "../response/fit-response.js";
import type { ResponseModel, ResponseOptions } from "../response/model.js";
import { readResponseModel, writeResponseModel } from "../response/model-file.js";
import { seasonOf } from "../response/season.js";
import { withTaste } from "../response/taste.js";
import { loadTensors } from "../store/tensors.js";
import type { AffinityStage } from "./affinity-stage.js";
import { inputDigests, type RunContext } from "./context.js";
import { type EligibilityStage, loadHistory } from "./eligibility-stage.js";
import { couponArgs, openJournal, readScopes } from "./journal.js";
import { onnxResponse } from "./onnx-response.js";
import { givenModel, predictionStage } from "./prediction-stage.js";
import type { IngestStage } from "./profile-stages.js";
import { RESPONSE_ROLE, responseModelPath, savedModel, trainingOf } from "./response-model.js";
import type { FinishedStage } from "./stage-runner.js";
import { loadStates, type StatesStage, storedStateArgs } from "./states-stage.js";
import { userTraits } from "./user-traits.js";
import { RESPONSE_FILE } from "./workspace.js";

export type ResponseStage = FinishedStage<{ rows: number; model: ResponseModel }>;

export function responseStage(
  context: RunContext,
  ingested: IngestStage,
  affinity: AffinityStage,
  eligibility: EligibilityStage,
  states: StatesStage,
  without: ResponseOptions["without"] = "nothing",
): Promise<ResponseStage> {
  const { campaign, coupons } = context.loaded;
  if (campaign.inputs.predictions !== undefined) return predictionStage(context, ingested, eligibility, states);
  const { response, seed, timeZone } = campaign;
  const reads = { ingest: ingested.key, affinity: affinity.key, eligibility: eligibility.key, states: states.key };
  const saved = without === "nothing" ? responseModelPath(context) : undefined;
  const model = saved === undefined ? {} : inputDigests(context, [RESPONSE_ROLE]);
  const settings = { response, seed, timeZone, without };
  return context.stages.run("response", { ...reads, ...model }, settings, async (dir) => {
    const file = join(dir, RESPONSE_FILE);
    if (saved !== undefined && response.onnx !== undefined) {
      const { reasons } = await loadTensors(context.executor, join(eligibility.dir, "reasons.safetensors"), {
        reasons: "U8",
      });
      const now = await loadStates(context, states);
      const { scopeShare } = await readScopes(context, ingested, affinity, dir);
      const traits = await userTraits(context, ingested, dir);
      const inputs = {
        pairArgs: {
          ...couponArgs(context, ingested, scopeShare),
          ...storedStateArgs(states),
          userChannels: userChannels(traits, ingested.result.numUsers),
        },
        userFeatures: now.features,
        traits,
        season: seasonOf(Date.parse(ingested.result.asOf) * 1000),
        reasons: reasons as Uint8Array,
      };
      const given = await onnxResponse(context, saved, inputs, dir);
      return { rows: given.pairs?.count ?? 0, model: givenModel(eligibility, states.result.orderValue, given) };
    }
    if (saved !== undefined) {
      const known = readResponseModel(saved);
      const traits = await userTraits(context, ingested, dir, known.attributes);
      const model = savedModel(context, known, traits.absent, eligibility.result.numOffers, states.result.orderValue);
      await writeResponseModel(file, model, coupons, known.training);
      return { rows: model.numOffers, model };
    }
    const history = await loadHistory(context, eligibility);
    const { totals, taste, orderValue } = states.result;
    const journal = { ...withTaste(await openJournal(context, ingested, affinity, dir), taste), totals };
    const model = await fitResponse(
      context.executor,
      couponArgs(context, ingested, journal.scopeShare),
      history,
      coupons,
      timeZone,
      journal,
      orderValue,
      await userTraits(context, ingested, dir),
      { ...response, seed, without },
    );
    await writeResponseModel(file, model, coupons, trainingOf(context, model));
    return { rows: model.numOffers, model };
  });
}
