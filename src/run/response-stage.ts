/** Stages states, response and candidates: users as they were and are, what coupons do to them, user x coupon pairs with value and cost. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { quoteLiteral } from "../duckdb/duckdb.js";
import type { ArgValue } from "../executor/call.js";
import { shards, shared } from "../executor/executor.js";
import { INGEST_FILES } from "../ingest/ingest.js";
import { type NextBehaviourChances, raisePurchaseRate } from "../score/buys-anyway.js";
import { couponChannels, userChannels } from "../score/channels.js";
import { couponArrays } from "../score/economics.js";
import { reasonCode } from "../score/eligibility.js";
import { type Journal, type JournalTotals, journalOf, NO_TOTALS, numbersOf, totalsOf } from "../score/moments.js";
import { fitOrderValue, type OrderValueModel, type States, statesAt } from "../score/order-value.js";
import { offerHorizons, pastOffersAt } from "../score/past-offers.js";
import { fitResponse } from "../score/response.js";
import { stateArgs } from "../score/response-features.js";
import { readResponseModel, writeResponseModel } from "../score/response-file.js";
import type { ResponseModel, ResponseOptions } from "../score/response-model.js";
import { couponScores, userScores } from "../score/response-scores.js";
import { seasonOf } from "../score/season.js";
import { openSequences } from "../store/sequences.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import { loadTensors } from "../store/tensors.js";
import { writeTensors } from "../store/write-tensors.js";
import { inputDigests, openStageDb, type RunContext } from "./context.js";
import { onnxResponse } from "./onnx-response.js";
import { givenChances, givenModel, predictionStage } from "./prediction-stage.js";
import type { IngestStage } from "./profile-stages.js";
import { RESPONSE_ROLE, responseModelPath, savedModel, trainingOf } from "./response-model.js";
import { type RuleFolder, suggestionArgs } from "./rule-hits.js";
import { type AffinityStage, type EligibilityStage, loadHistory } from "./score-stages.js";
import type { FinishedStage } from "./stage-runner.js";
import { loadNext, type TransitionStage } from "./transition-stage.js";
import { userTraits } from "./user-traits.js";
import { RESPONSE_FILE } from "./workspace.js";

const SHARD_USERS = 8192;

/** What the response model takes from the transitions; undefined where the campaign leaves them out. */
async function nextChances(
  context: RunContext,
  transitioned: TransitionStage | undefined,
): Promise<NextBehaviourChances | undefined> {
  const { transitions } = context.loaded.campaign;
  if (transitioned === undefined || !transitions.response) return undefined;
  const { behaviours, purchase } = transitioned.result;
  return { behaviours, purchase, chances: await loadNext(context, transitioned), horizonDays: transitions.horizonDays };
}

/** The key of the transitions among what a stage reads, if it does. */
function transitionReads({ loaded }: RunContext, transitioned: TransitionStage): Record<string, string> {
  return loaded.campaign.transitions.response ? { transitions: transitioned.key } : {};
}

/** How everybody stands now, and what the journal amounts to in all. */
export type StatesStage = FinishedStage<{ rows: number; totals: JournalTotals; orderValue: OrderValueModel }>;

const STATES = { shares: "F32", orderValue: "F64", purchaseRate: "F64", features: "F32" } as const;

export function statesStage(
  context: RunContext,
  ingested: IngestStage,
  affinity: AffinityStage,
  eligibility: EligibilityStage,
): Promise<StatesStage> {
  const { coupons, campaign } = context.loaded;
  const { behaviours, purchaseBehaviour, economics, timeZone } = campaign;
  const reads = { ingest: ingested.key, affinity: affinity.key, eligibility: eligibility.key };
  const settings = { timeZone, behaviours, purchaseBehaviour, orderValueMinor: economics.orderValueMinor };
  return context.stages.run("states", reads, settings, async (dir) => {
    const { executor } = context;
    const { numUsers } = ingested.result;
    const blank = await openJournal(context, ingested, affinity, dir, NO_TOTALS);
    const users = shared.i32(numUsers);
    for (let user = 0; user < numUsers; user++) users[user] = user;
    const { asOfMicros } = await openSequences(join(ingested.dir, INGEST_FILES.sequences));
    // An event of this very moment has happened.
    const moments = shared.i64(numUsers).fill(BigInt(asOfMicros) + 1n);
    const numbers = await numbersOf(executor, blank, users, moments);
    const journal: Journal = { ...blank, totals: await totalsOf(numbers) };
    const orderValue = await fitOrderValue(executor, journal, numbers, economics.orderValueMinor);
    const past = await pastOffersAt(await loadHistory(context, eligibility), coupons, timeZone, users, moments);
    const states = await statesAt(executor, journal, orderValue, users, moments, past);
    await writeTensors(
      join(dir, "states.safetensors"),
      "states",
      (["orderValue", "purchaseRate", "shares", "features"] as const).map((name) => ({
        name,
        dtype: STATES[name],
        shape: [states[name].length],
        data: states[name],
      })),
    );
    return { rows: numUsers, totals: journal.totals, orderValue };
  });
}

async function loadStates({ executor }: RunContext, stage: StatesStage): Promise<States> {
  return (await loadTensors(executor, join(stage.dir, "states.safetensors"), STATES)) as unknown as States;
}

async function openJournal(
  context: RunContext,
  ingested: IngestStage,
  affinity: AffinityStage,
  scratch: string,
  totals: JournalTotals,
): Promise<Journal> {
  const { behaviours, purchaseBehaviour } = context.loaded.campaign;
  const { prices, users } = await readItemUse(context, ingested, scratch);
  const scopes = await loadTensors(context.executor, join(affinity.dir, "scopes.safetensors"), {
    indptr: "I64",
    items: "I32",
  });
  const scopeIndptr = scopes.indptr as BigInt64Array;
  const scopeItems = scopes.items as Int32Array;
  const all = users.reduce((sum, n) => sum + n, 0);
  const scopeShare = new Float64Array(scopeIndptr.length - 1);
  for (let c = 0; c < scopeShare.length; c++) {
    for (let at = Number(scopeIndptr[c]!); at < Number(scopeIndptr[c + 1]!); at++)
      scopeShare[c]! += users[scopeItems[at]!]! / Math.max(1, all);
  }
  const sequences = join(ingested.dir, INGEST_FILES.sequences);
  const journal = join(ingested.dir, INGEST_FILES.journal);
  const events = {
    indptr: { $file: sequences, tensor: "indptr" },
    times: { $file: sequences, tensor: "times" },
    behaviours: { $file: sequences, tensor: "behaviours" },
    items: { $file: journal, tensor: "items" },
    values: { $file: journal, tensor: "values" },
    orders: { $file: journal, tensor: "orders" },
  };
  const names = Object.keys(behaviours);
  const inputs = {
    events,
    numUsers: ingested.result.numUsers,
    weights: Object.values(behaviours),
    purchase: names.indexOf(purchaseBehaviour),
    prices,
    scopeIndptr,
    scopeItems,
    scopeShare,
  };
  return journalOf(inputs, totals);
}

/** Price (NaN: unknown) and number of users of each item. */
async function readItemUse(context: RunContext, ingested: IngestStage, scratch: string) {
  const path = join(ingested.dir, INGEST_FILES.items);
  const db = await openStageDb(context, scratch, [path]);
  const { numItems } = ingested.result;
  const prices = new Float64Array(numItems);
  const users = new Float64Array(numItems);
  let row = 0;
  try {
    const sql = `SELECT price_minor::DOUBLE, num_users::DOUBLE FROM read_parquet(${quoteLiteral(path)}) ORDER BY row`;
    for await (const batch of db.streamColumns(sql, ["F64", "F64"])) {
      prices.set(batch.columns[0], row);
      users.set(batch.columns[1], row);
      row += batch.numRows;
    }
    return { prices, users };
  } finally {
    db.close();
    await rm(join(scratch, "spill"), { recursive: true, force: true });
  }
}

/** What the pair kernels need besides the users' states. */
function couponArgs(context: RunContext, ingested: IngestStage, scopeShare: Float64Array): Record<string, ArgValue> {
  const { campaign, coupons } = context.loaded;
  const arrays = couponArrays(coupons, Date.parse(ingested.result.asOf), campaign.timeZone);
  const meanShare = shared.f32(scopeShare.length);
  meanShare.set(scopeShare);
  const { tiers, horizonDays } = arrays;
  return { ...tiers, horizonDays, meanShare, couponChannels: couponChannels(coupons) };
}

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
      const { scopeShare } = await openJournal(context, ingested, affinity, dir, states.result.totals);
      const traits = await userTraits(context, ingested, dir);
      const inputs = {
        pairArgs: {
          ...couponArgs(context, ingested, scopeShare),
          ...stateArgs(now),
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
    const { totals, orderValue } = states.result;
    const journal = await openJournal(context, ingested, affinity, dir, totals);
    const model = await fitResponse(
      context.executor,
      couponArgs(context, ingested, journal.scopeShare),
      history,
      await pastOffersAt(history, coupons, timeZone, history.users, history.times),
      offerHorizons(history, coupons, timeZone),
      coupons,
      journal,
      orderValue,
      await userTraits(context, ingested, dir),
      { ...response, seed, without },
    );
    await writeResponseModel(file, model, coupons, trainingOf(context, model));
    return { rows: model.numOffers, model };
  });
}

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
  transitioned: TransitionStage,
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
    ...transitionReads(context, transitioned),
    ...(suggestions && { rules: suggestions.key }),
  };
  const settings = { width, suggestedLimit, timeZone: campaign.timeZone };
  return context.stages.run("candidates", reads, settings, async (dir) => {
    const now = await loadStates(context, states);
    const next = await nextChances(context, transitioned);
    const anywayRate = shared.f64(now.purchaseRate.length);
    anywayRate.set(now.purchaseRate);
    if (next !== undefined) await raisePurchaseRate(anywayRate, next);
    const journal = await openJournal(context, ingested, affinity, dir, states.result.totals);
    const pairArgs = { ...couponArgs(context, ingested, journal.scopeShare), ...stateArgs(now), anywayRate };
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
