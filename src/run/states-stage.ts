/** Stage states: how users stand now. */
import { join } from "node:path";
import type { ArgValue } from "../executor/call.js";
import { pairStateArgs } from "../response/features.js";
import { type Journal, type JournalTotals, numbersOf, totalsOf } from "../response/moments.js";
import { fitOrderValue, type OrderValueModel, type States, statesAt } from "../response/order-value.js";
import { pastOffersAt } from "../response/past-offers.js";
import { fitTaste, type TasteModel, withTaste } from "../response/taste.js";
import { everybodyNow } from "../store/sequences.js";
import { loadTensors } from "../store/tensors.js";
import { writeTensors } from "../store/write-tensors.js";
import type { AffinityStage } from "./affinity-stage.js";
import type { RunContext } from "./context.js";
import { type EligibilityStage, loadHistory } from "./eligibility-stage.js";
import { openJournal } from "./journal.js";
import type { IngestStage } from "./profile-stages.js";
import type { FinishedStage } from "./stage-runner.js";

/** How everybody stands now, and what the journal amounts to in all. */
export type StatesStage = FinishedStage<{
  rows: number;
  totals: JournalTotals;
  taste: TasteModel;
  orderValue: OrderValueModel;
}>;

const STATES_FILE = "states.safetensors";
const STATES = { shares: "F32", orderValue: "F64", purchaseRate: "F64", features: "F32", next: "F32" } as const;

export function statesStage(
  context: RunContext,
  ingested: IngestStage,
  affinity: AffinityStage,
  eligibility: EligibilityStage,
): Promise<StatesStage> {
  const { coupons, campaign } = context.loaded;
  const { behaviours, purchaseBehaviour, economics, timeZone, seed, transitions } = campaign;
  const { horizonDays } = transitions;
  const reads = { ingest: ingested.key, affinity: affinity.key, eligibility: eligibility.key };
  const { orderValueMinor } = economics;
  const settings = { timeZone, seed, behaviours, purchaseBehaviour, horizonDays, orderValueMinor };
  return context.stages.run("states", reads, settings, async (dir) => {
    const { executor } = context;
    const { numUsers } = ingested.result;
    const blank = await openJournal(context, ingested, affinity, dir);
    const { users, moments } = await everybodyNow(blank.next.sequences);
    const numbers = await numbersOf(executor, blank, users, moments);
    const taste = await fitTaste(executor, blank, numbers, seed);
    const journal: Journal = { ...withTaste(blank, taste), totals: await totalsOf(numbers) };
    const orderValue = await fitOrderValue(executor, journal, numbers, orderValueMinor);
    const past = await pastOffersAt(await loadHistory(context, eligibility), coupons, timeZone, users, moments);
    const states = await statesAt(executor, journal, orderValue, users, moments, past);
    await writeTensors(
      join(dir, STATES_FILE),
      "states",
      (["orderValue", "purchaseRate", "shares", "features", "next"] as const).map((name) => ({
        name,
        dtype: STATES[name],
        shape: [states[name].length],
        data: states[name],
      })),
    );
    return { rows: numUsers, totals: journal.totals, taste, orderValue };
  });
}

/** The users' states where they lie, as the pair kernels' arguments: 4 (coupons + 1) bytes a user need no memory. */
export function storedStateArgs(stage: StatesStage): Record<string, ArgValue> {
  const tensor = (name: keyof typeof STATES) => ({ $file: join(stage.dir, STATES_FILE), tensor: name });
  return pairStateArgs(tensor("shares"), tensor("orderValue"), tensor("purchaseRate"));
}

/** float32 [users * USER_FEATURES], float64 [users] orders a day and float32 [users * behaviours], in shared memory. */
export async function loadStates(
  { executor }: RunContext,
  stage: StatesStage,
): Promise<Pick<States, "features" | "purchaseRate" | "next">> {
  const { features, purchaseRate, next } = STATES;
  const loaded = await loadTensors(executor, join(stage.dir, STATES_FILE), { features, purchaseRate, next });
  return loaded as unknown as Pick<States, "features" | "purchaseRate" | "next">;
}

/** float32 [users * behaviours] chance that the next behaviour is this one and comes within the campaign's horizon. */
export async function loadNext({ executor }: RunContext, stage: StatesStage): Promise<Float32Array> {
  const { next } = await loadTensors(executor, join(stage.dir, STATES_FILE), { next: STATES.next });
  return next as Float32Array;
}
