/** The users' events as the response model's kernels take them. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { quoteLiteral } from "../duckdb/duckdb.js";
import type { ArgValue } from "../executor/call.js";
import { shared } from "../executor/executor.js";
import { INGEST_FILES } from "../ingest/ingest.js";
import { waitingTimes } from "../profile/next-behaviour.js";
import { couponChannels } from "../response/channels.js";
import { couponArrays } from "../response/economics.js";
import { type Journal, type JournalInputs, journalOf, NO_TOTALS } from "../response/moments.js";
import { openSequences } from "../store/sequences.js";
import { loadTensors } from "../store/tensors.js";
import type { AffinityStage } from "./affinity-stage.js";
import { openStageDb, type RunContext } from "./context.js";
import type { IngestStage } from "./profile-stages.js";

/** Without totals, and with the campaign's weights: what comes of all events is added by stage states. */
export async function openJournal(
  context: RunContext,
  ingested: IngestStage,
  affinity: AffinityStage,
  scratch: string,
): Promise<Journal> {
  const { behaviours, purchaseBehaviour, transitions } = context.loaded.campaign;
  const scopes = await readScopes(context, ingested, affinity, scratch);
  const path = join(ingested.dir, INGEST_FILES.sequences);
  const sequences = await openSequences(path);
  const journal = join(ingested.dir, INGEST_FILES.journal);
  const events = {
    indptr: { $file: path, tensor: "indptr" },
    times: { $file: path, tensor: "times" },
    behaviours: { $file: path, tensor: "behaviours" },
    items: { $file: journal, tensor: "items" },
    values: { $file: journal, tensor: "values" },
    orders: { $file: journal, tensor: "orders" },
  };
  const next = {
    sequences,
    waiting: await waitingTimes(context.executor, sequences),
    horizonDays: transitions.horizonDays,
    purchase: sequences.behaviours.indexOf(purchaseBehaviour),
  };
  const { numUsers } = ingested.result;
  return journalOf({ events, numUsers, weights: Object.values(behaviours), next, ...scopes }, NO_TOTALS);
}

/** What the coupons are for, and everybody's share of it. */
export async function readScopes(
  context: RunContext,
  ingested: IngestStage,
  affinity: AffinityStage,
  scratch: string,
): Promise<Pick<JournalInputs, "prices" | "scopeIndptr" | "scopeItems" | "scopeShare">> {
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
  return { prices, scopeIndptr, scopeItems, scopeShare };
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
export function couponArgs(
  context: RunContext,
  ingested: IngestStage,
  scopeShare: Float64Array,
): Record<string, ArgValue> {
  const { campaign, coupons } = context.loaded;
  const arrays = couponArrays(coupons, Date.parse(ingested.result.asOf), campaign.timeZone);
  const meanShare = shared.f32(scopeShare.length);
  meanShare.set(scopeShare);
  const { tiers, horizonDays } = arrays;
  return { ...tiers, horizonDays, meanShare, couponChannels: couponChannels(coupons) };
}
