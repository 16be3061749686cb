/** Stage candidates: user x coupon pairs with value and cost. */
import { join } from "node:path";
import type { ArgValue } from "../executor/call.js";
import { shards, shared } from "../executor/executor.js";
import { userChannels } from "../response/channels.js";
import { raisePurchaseRate } from "../response/next-behaviour.js";
import { couponScores, userScores } from "../response/scores.js";
import { seasonOf } from "../response/season.js";
import { reasonCode } from "../score/eligibility.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import type { AffinityStage } from "./affinity-stage.js";
import type { RunContext } from "./context.js";
import type { EligibilityStage } from "./eligibility-stage.js";
import { couponArgs, readScopes } from "./journal.js";
import { givenChances } from "./prediction-stage.js";
import type { IngestStage } from "./profile-stages.js";
import type { ResponseStage } from "./response-stage.js";
import { type RuleFolder, suggestionArgs } from "./rule-hits.js";
import type { FinishedStage } from "./stage-runner.js";
import { loadStates, type StatesStage, storedStateArgs } from "./states-stage.js";
import { userTraits } from "./user-traits.js";

const SHARD_USERS = 8192;

export type CandidatesStage = FinishedStage<{ rows: number; width: number }>;
const CANDIDATE_TENSORS = {
  counts: "I32",
  coupons: "I32",
  value: "I64",
  cost: "I64",
  face: "I64",
  pRedeem: "F32",
  reasons: "U8",
} as const;

export function candidateRef(stage: CandidatesStage, tensor: keyof typeof CANDIDATE_TENSORS) {
  return { $file: join(stage.dir, "candidates.safetensors"), tensor };
}

export function candidatesStage(
  context: RunContext,
  ingested: IngestStage,
  affinity: AffinityStage,
  eligibility: EligibilityStage,
  states: StatesStage,
  responded: ResponseStage,
  ruled: RuleFolder | undefined,
): Promise<CandidatesStage> {
  const { campaign, coupons } = context.loaded;
  const limit = Math.min(campaign.caps.candidatesPerUser, coupons.length);
  const suggestedLimit = Math.min(campaign.rules?.candidatesPerUser ?? 0, coupons.length - limit);
  const width = limit + suggestedLimit;
  const suggestions = ruled !== undefined && suggestedLimit > 0 ? ruled : undefined;
  const reads = {
    ingest: ingested.key,
    affinity: affinity.key,
    eligibility: eligibility.key,
    states: states.key,
    response: responded.key,
    ...(suggestions && { rules: suggestions.key }),
  };
  const { transitions, behaviours, purchaseBehaviour, timeZone } = campaign;
  const purchase = Object.keys(behaviours).indexOf(purchaseBehaviour);
  const raised = transitions.response ? { raised: purchase, horizonDays: transitions.horizonDays } : {};
  const settings = { width, suggestedLimit, timeZone, ...raised };
  return context.stages.run("candidates", reads, settings, async (dir) => {
    const now = await loadStates(context, states);
    const anywayRate = now.purchaseRate;
    if (transitions.response) await raisePurchaseRate(anywayRate, now.next, purchase, transitions.horizonDays);
    const { scopeShare } = await readScopes(context, ingested, affinity, dir);
    const pairArgs = { ...couponArgs(context, ingested, scopeShare), ...storedStateArgs(states), anywayRate };
    const { model } = responded.result;
    const season = seasonOf(Date.parse(ingested.result.asOf) * 1000);
    const { numUsers } = ingested.result;
    const marginRate = shared.f64(coupons.length);
    marginRate.set(affinity.result.marginRate);
    const traits = await userTraits(context, ingested, dir, model.attributes);
    const chances =
      model.parts.length === 0
        ? givenChances(responded.dir, numUsers, coupons.length)
        : {
            userChannels: userChannels(traits, numUsers),
            pairKnots: Float64Array.from(model.pairKnots),
            pairBeta: Float64Array.from(model.parts.flatMap((part) => part.pairBeta)),
            userScore: await userScores(model, now.features, traits, season),
            couponScore: couponScores(model, coupons),
          };
    const writer = TensorFileWriter.create(
      join(dir, "candidates.safetensors"),
      Object.entries(CANDIDATE_TENSORS).map(([name, dtype]) => ({
        name,
        dtype,
        shape: name === "counts" || name === "reasons" ? [numUsers] : [numUsers, width],
      })),
      { kind: "candidates" },
    );
    const bytes = { I32: 4, I64: 8, F32: 4, U8: 1 };
    const output = (name: keyof typeof CANDIDATE_TENSORS, begin: number, end: number, columns: number): ArgValue => {
      const dtype = CANDIDATE_TENSORS[name];
      const position = writer.byteOffset(name) + begin * columns * bytes[dtype];
      return { $write: dtype, length: (end - begin) * columns, fd: writer.fd, position };
    };
    try {
      const ranges = shards(numUsers, SHARD_USERS);
      await context.executor.map(
        ranges.map(({ begin, end }) => ({
          kernel: "makeCandidates",
          args: {
            ...pairArgs,
            ...chances,
            marginRate,
            orderSpread: model.orderValue.spread,
            reasons: { $file: join(eligibility.dir, "reasons.safetensors"), tensor: "reasons" },
            noValueReason: reasonCode("no_candidate_value"),
            limit,
            ...(suggestions && { ...suggestionArgs(suggestions), suggestedLimit }),
            begin,
            end,
            outCounts: output("counts", begin, end, 1),
            outCoupons: output("coupons", begin, end, width),
            outValue: output("value", begin, end, width),
            outCost: output("cost", begin, end, width),
            outFace: output("face", begin, end, width),
            outPRedeem: output("pRedeem", begin, end, width),
            outReasons: output("reasons", begin, end, 1),
          },
        })),
        { name: "candidates", weight: (index) => ranges[index]!.end - ranges[index]!.begin },
      );
      await writer.commit();
    } finally {
      await writer.abort();
    }
    return { rows: numUsers, width };
  });
}
