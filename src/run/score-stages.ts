/** Stages affinity, eligibility, response and candidates: from the matrix to scored user x coupon pairs. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type DuckDb, quoteLiteral } from "../duckdb/duckdb.js";
import type { ArgValue } from "../executor/call.js";
import { shards, shared } from "../executor/executor.js";
import { INGEST_FILES } from "../ingest/ingest.js";
import { readRedemptions } from "../ingest/tables.js";
import { affinityMeans, writeAffinity } from "../score/affinity.js";
import { type NextBehaviourChances, raisePurchaseRate, withNextBehaviour } from "../score/buys-anyway.js";
import { couponArrays, readEconomics } from "../score/economics.js";
import { eligibilitySql, reasonCode } from "../score/eligibility.js";
import {
  couponScores,
  fitResponse,
  type OfferHistory,
  type ResponseModel,
  type ResponseOptions,
  UNKNOWN_CONVERSION,
  type UserTraits,
  userScores,
} from "../score/response.js";
import { type ItemTable, resolveScopes, type Scopes } from "../score/scopes.js";
import { openMatrix } from "../store/matrix.js";
import { TensorFileWriter, type TensorSpec } from "../store/tensor-file-writer.js";
import { loadTensors } from "../store/tensors.js";
import { createCatalogueTable } from "./catalogue-table.js";
import { inputDigests, openStageDb, type RunContext } from "./context.js";
import { fittedMethod, type ModelStage } from "./model-stage.js";
import { type IngestStage, loadSegments, type SegmentStage } from "./profile-stages.js";
import { type RuleFolder, suggestionArgs } from "./rule-hits.js";
import type { FinishedStage } from "./stage-runner.js";
import { loadNext, type TransitionStage } from "./transition-stage.js";

const SHARD_USERS = 8192;

async function readItems(context: RunContext, dir: string, ingested: IngestStage): Promise<ItemTable> {
  const path = join(ingested.dir, INGEST_FILES.items);
  const db = await openStageDb(context, dir, [path]);
  const numItems = ingested.result.numItems;
  const table: ItemTable = {
    ids: [],
    categories: [],
    marginRate: new Float64Array(numItems),
    purchases: new Float64Array(numItems),
  };
  try {
    const sql = `SELECT item_id, category, margin_rate, purchases FROM read_parquet(${quoteLiteral(path)}) ORDER BY row`;
    for await (const { numRows, columns } of db.streamColumns(sql, ["TEXT", "TEXT", "F64", "F64"], 8192)) {
      table.marginRate.set(columns[2], table.ids.length);
      table.purchases.set(columns[3], table.ids.length);
      for (let i = 0; i < numRows; i++) {
        table.ids.push(columns[0][i]!);
        table.categories.push(columns[1][i]!);
      }
    }
    return table;
  } finally {
    db.close();
    await rm(join(dir, "spill"), { recursive: true, force: true });
  }
}

export type AffinityStage = FinishedStage<{
  rows: number;
  marginRate: number[];
  unknown: Record<string, string[]>;
  scopeSizes: number[];
}>;
export const affinityRef = (stage: AffinityStage) => ({
  $file: join(stage.dir, "affinity.safetensors"),
  tensor: "affinity",
});

export function affinityStage(
  context: RunContext,
  ingested: IngestStage,
  model: ModelStage | undefined,
): Promise<AffinityStage> {
  const { campaign, coupons } = context.loaded;
  const { scoring, economics } = campaign;
  const reads = { ingest: ingested.key, ...(model === undefined ? {} : { model: model.key }) };
  const settings = {
    scoring,
    marginRate: economics.marginRate,
    scopes: coupons.map(({ id, scope }) => ({ id, scope })),
  };
  return context.stages.run("affinity", reads, settings, async (dir) => {
    const scopes = resolveScopes(coupons, await readItems(context, dir, ingested), economics.marginRate);
    const matrix = await openMatrix(join(ingested.dir, INGEST_FILES.matrix));
    try {
      const fitted = await fittedMethod(context, matrix, model);
      await writeAffinity(matrix, scopes, fitted, join(dir, "affinity.safetensors"), context.options);
    } finally {
      matrix.close();
    }
    await writeScopes(scopes, join(dir, "scopes.safetensors"));
    const scopeSizes = coupons.map((_, j) => Number(scopes.indptr[j + 1]! - scopes.indptr[j]!));
    return { rows: ingested.result.numUsers, marginRate: [...scopes.marginRate], unknown: scopes.unknown, scopeSizes };
  });
}

export async function writeTensors(
  path: string,
  kind: string,
  tensors: (TensorSpec & { data: ArrayBufferView })[],
): Promise<void> {
  const writer = TensorFileWriter.create(
    path,
    tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    { kind },
  );
  try {
    for (const { name, data } of tensors) await writer.write(name, 0, data);
    await writer.commit();
  } finally {
    await writer.abort();
  }
}

function writeScopes(scopes: Scopes, path: string): Promise<void> {
  return writeTensors(path, "scopes", [
    { name: "indptr", dtype: "I64", shape: [scopes.indptr.length], data: scopes.indptr },
    { name: "items", dtype: "I32", shape: [scopes.items.length], data: scopes.items },
  ]);
}

export function scopeArgs(stage: AffinityStage): Record<string, ArgValue> {
  const path = join(stage.dir, "scopes.safetensors");
  return { scopeIndptr: { $file: path, tensor: "indptr" }, scopeItems: { $file: path, tensor: "items" } };
}

export interface EligibilityResult {
  rows: number;
  numOffers: number;
  /** Offers of users or coupons that this campaign does not know. */
  numUnknownOffers: number;
  rejectedOffers: Record<string, number>;
  numActive: number;
}
export type EligibilityStage = FinishedStage<EligibilityResult>;

/** Who may get what (a reason for each user and coupon) and the past offers as rows of this campaign. */
export function eligibilityStage(context: RunContext, ingested: IngestStage): Promise<EligibilityStage> {
  const { campaign, coupons, baseDir } = context.loaded;
  const { inputs, holdout, timeZone, ingest } = campaign;
  const settings = { coupons, holdout, timeZone, redemptions: inputs.redemptions, memoryLimitMb: ingest.memoryLimitMb };
  const reads = { ingest: ingested.key, ...inputDigests(context, ["redemptions"]) };
  return context.stages.run("eligibility", reads, settings, async (dir) => {
    const users = join(ingested.dir, INGEST_FILES.users);
    const features = join(ingested.dir, INGEST_FILES.features);
    const scratch = join(dir, "scratch");
    await mkdir(scratch);
    let db: DuckDb;
    let rejectedOffers: Record<string, number> = {};
    if (inputs.redemptions !== undefined) {
      const table = await readRedemptions({
        source: inputs.redemptions,
        timeZone,
        baseDir,
        tempDir: scratch,
        threads: context.options.threads,
        memoryLimitMb: ingest.memoryLimitMb,
        alsoReadable: [users, features],
        signal: context.options.signal,
      });
      db = table.db;
      rejectedOffers = table.rejected;
    } else {
      db = await openStageDb(context, scratch, [users, features]);
      await db.run(
        "CREATE TABLE redemptions (user_id VARCHAR, coupon_id VARCHAR, offered_at TIMESTAMP, redeemed BOOLEAN, treated BOOLEAN, converted BOOLEAN)",
      );
    }
    try {
      await createCatalogueTable(db, coupons);
      const numOffers = await writeHistory(db, users, join(dir, "history.safetensors"));
      const numActive = await writeReasons(context, db, ingested, users, features, join(dir, "reasons.safetensors"));
      const all = await db.count("SELECT count(*) FROM redemptions");
      return {
        rows: ingested.result.numUsers,
        numOffers,
        numUnknownOffers: all - numOffers,
        rejectedOffers,
        numActive,
      };
    } finally {
      db.close();
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

async function writeHistory(db: DuckDb, users: string, path: string): Promise<number> {
  const known = `redemptions r JOIN read_parquet(${quoteLiteral(users)}) u ON r.user_id = u.user_id JOIN catalogue c ON r.coupon_id = c.coupon_id`;
  const numOffers = await db.count(`SELECT count(*) FROM ${known}`);
  const writer = TensorFileWriter.create(
    path,
    [
      { name: "users", dtype: "I32", shape: [numOffers] },
      { name: "coupons", dtype: "I32", shape: [numOffers] },
      { name: "redeemed", dtype: "U8", shape: [numOffers] },
      { name: "treated", dtype: "U8", shape: [numOffers] },
      { name: "converted", dtype: "U8", shape: [numOffers] },
    ],
    { kind: "offers" },
  );
  try {
    let at = 0;
    const sql = `SELECT u.row, c.position, r.redeemed::UTINYINT, r.treated::UTINYINT, coalesce(r.converted::UTINYINT, ${UNKNOWN_CONVERSION}) FROM ${known} ORDER BY u.row, c.position, r.offered_at, r.redeemed`;
    for await (const { numRows, columns } of db.streamColumns(sql, ["I32", "I32", "U8", "U8", "U8"])) {
      await writer.write("users", at, columns[0]);
      await writer.write("coupons", at, columns[1]);
      await writer.write("redeemed", at, columns[2]);
      await writer.write("treated", at, columns[3]);
      await writer.write("converted", at, columns[4]);
      at += numRows;
    }
    await writer.commit();
    return numOffers;
  } finally {
    await writer.abort();
  }
}

/** Coupons whose reasons one query computes; keeps the SQL and the batch of columns small for long catalogues. */
const COUPONS_PER_QUERY = 64;

async function writeReasons(
  context: RunContext,
  db: DuckDb,
  ingested: IngestStage,
  users: string,
  features: string,
  path: string,
): Promise<number> {
  const { campaign, coupons } = context.loaded;
  const { holdout, timeZone } = campaign;
  const userRelation = `read_parquet(${quoteLiteral(users)})`;
  await db.run(`CREATE TABLE redeemed AS
    SELECT user_id, map_from_entries(list((coupon_id, n))) AS counts
    FROM (SELECT user_id, coupon_id, count(*) AS n FROM redemptions WHERE redeemed GROUP BY ALL) GROUP BY user_id`);
  const eligibility = eligibilitySql(coupons, {
    asOfMs: Date.parse(ingested.result.asOf),
    timeZone,
    userColumns: await db.describe(`SELECT * FROM ${userRelation}`),
    redemptionsSql: ({ id }) => `r.counts[${quoteLiteral(id)}]`,
  });
  // A keyed hash of the id decides: the same users for the same key, whoever else is in the file.
  const heldOut = `md5_number_lower(${quoteLiteral(`${holdout.key}:`)} || u.user_id)::DOUBLE / 18446744073709551616.0 < ${holdout.share}`;
  const { numUsers } = ingested.result;
  const width = coupons.length;
  const writer = TensorFileWriter.create(path, [{ name: "reasons", dtype: "U8", shape: [numUsers, width] }], {
    kind: "reasons",
  });
  const notActive = reasonCode("not_active");
  try {
    const from = `${userRelation} u JOIN read_parquet(${quoteLiteral(features)}) f ON u.row = f.row LEFT JOIN redeemed r ON u.user_id = r.user_id`;
    const rowsPerBatch = Math.max(2048, Math.floor(4_000_000 / Math.max(width, 1)));
    let begin = 0;
    while (begin < numUsers) {
      const end = Math.min(begin + rowsPerBatch, numUsers);
      const block = new Uint8Array((end - begin) * width).fill(notActive);
      for (let c = 0; c === 0 || c < eligibility.active.length; c += COUPONS_PER_QUERY) {
        const group = eligibility.active.slice(c, c + COUPONS_PER_QUERY);
        const list = group.map(({ sql }) => `CASE WHEN ${heldOut} THEN ${reasonCode("holdout")} ELSE ${sql} END`);
        const sql = `SELECT ${[`(${heldOut})::UTINYINT`, ...list].join(", ")} FROM ${from} WHERE u.row >= ${begin} AND u.row < ${end} ORDER BY u.row`;
        let row = 0;
        for await (const { numRows, columns } of db.streamColumns(
          sql,
          ["U8", ...group.map(() => "U8" as const)],
          16_384,
        )) {
          const [held, ...reasons] = columns as unknown as Uint8Array[];
          for (let i = 0; i < numRows; i++, row++) {
            if (c === 0 && held![i] === 1) block.fill(reasonCode("holdout"), row * width, (row + 1) * width);
            for (let j = 0; j < group.length; j++) block[row * width + group[j]!.index] = reasons[j]![i]!;
          }
        }
      }
      await writer.write("reasons", begin * width, block);
      begin = end;
      context.executor.progress("eligibility", begin, numUsers);
    }
    await writer.commit();
  } finally {
    await writer.abort();
  }
  return eligibility.active.length;
}

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

/** What the response and candidate kernels share, put together from finished stages. */
export async function pairContext(
  context: RunContext,
  ingested: IngestStage,
  segmented: SegmentStage,
  affinity: AffinityStage,
  scratch: string,
  transitioned?: TransitionStage,
) {
  const { campaign, coupons } = context.loaded;
  const { labels, features: ownFeatures } = await loadSegments(context, segmented);
  const next = await nextChances(context, transitioned);
  const features = next === undefined ? ownFeatures : await withNextBehaviour(ownFeatures, next);
  const segments = segmented.result.k;
  const path = join(ingested.dir, INGEST_FILES.features);
  const db = await openStageDb(context, scratch, [path]);
  try {
    const economics = await readEconomics(db, path, labels, segments, campaign.economics.orderValueMinor);
    if (next !== undefined) await raisePurchaseRate(economics.purchaseRate, next);
    const means = await affinityMeans(context.executor, affinityRef(affinity), coupons.length, labels, segments);
    const arrays = couponArrays(coupons, Date.parse(ingested.result.asOf), campaign.timeZone);
    const pairArgs: Record<string, ArgValue> = {
      affinity: affinityRef(affinity),
      meanShare: means.meanShare,
      orderValue: economics.orderValue,
      ...arrays.tiers,
      labels,
      fallbackRows: means.fallbackRows,
      purchaseRate: economics.purchaseRate,
      horizonDays: arrays.horizonDays,
    };
    return { labels, features, segments, economics, means, pairArgs, horizonDays: arrays.horizonDays };
  } finally {
    db.close();
    await rm(join(scratch, "spill"), { recursive: true, force: true });
  }
}

const MAX_TRAIT_VALUES = 16;

/** Membership and channel of each user, the commonest values by name. */
async function userTraits(context: RunContext, ingested: IngestStage, scratch: string): Promise<UserTraits> {
  const path = join(ingested.dir, INGEST_FILES.users);
  const db = await openStageDb(context, scratch, [path]);
  const relation = `read_parquet(${quoteLiteral(path)})`;
  const names = ["tier", "channel"] as const;
  const labels: string[] = [];
  const values = new Int32Array(ingested.result.numUsers * names.length);
  try {
    for (const [t, name] of names.entries()) {
      const common = await db.rows(
        `SELECT ${name}::VARCHAR AS value, count(*) AS n FROM ${relation} WHERE ${name} IS NOT NULL GROUP BY 1 ORDER BY n DESC, value LIMIT ${MAX_TRAIT_VALUES}`,
      );
      const codes = new Map(common.map(({ value }, i) => [String(value), labels.length + 1 + i]));
      const other = labels.length;
      labels.push(`${name}: none or other`, ...[...codes.keys()].map((value) => `${name}: ${value}`));
      let row = 0;
      const sql = `SELECT ${name}::VARCHAR FROM ${relation} ORDER BY row`;
      for await (const { numRows, columns } of db.streamColumns(sql, ["TEXT"])) {
        for (let i = 0; i < numRows; i++, row++) values[row * names.length + t] = codes.get(columns[0][i]!) ?? other;
      }
    }
    return { labels, width: names.length, values };
  } finally {
    db.close();
    await rm(join(scratch, "spill"), { recursive: true, force: true });
  }
}

export type ResponseStage = FinishedStage<{ rows: number; model: ResponseModel }>;

export function responseStage(
  context: RunContext,
  ingested: IngestStage,
  segmented: SegmentStage,
  affinity: AffinityStage,
  eligibility: EligibilityStage,
  transitioned: TransitionStage,
  without: ResponseOptions["without"] = "nothing",
): Promise<ResponseStage> {
  const { campaign, coupons } = context.loaded;
  const { response, economics, seed, timeZone } = campaign;
  const reads = {
    ingest: ingested.key,
    segment: segmented.key,
    affinity: affinity.key,
    eligibility: eligibility.key,
    ...transitionReads(context, transitioned),
  };
  return context.stages.run("response", reads, { response, economics, seed, timeZone, without }, async (dir) => {
    const pair = await pairContext(context, ingested, segmented, affinity, dir, transitioned);
    const { labels, features, segments, pairArgs } = pair;
    const history = await loadTensors(context.executor, join(eligibility.dir, "history.safetensors"), {
      users: "I32",
      coupons: "I32",
      redeemed: "U8",
      treated: "U8",
      converted: "U8",
    });
    const model = await fitResponse(
      context.executor,
      pairArgs,
      history as unknown as OfferHistory,
      coupons,
      features,
      labels,
      segments,
      await userTraits(context, ingested, dir),
      { ...response, seed, without },
    );
    return { rows: model.numOffers, model };
  });
}

export type CandidatesStage = FinishedStage<{ rows: number; width: number }>;
const CANDIDATE_TENSORS = {
  counts: "I32",
  coupons: "I32",
  value: "I64",
  cost: "I64",
  pRedeem: "F32",
  reasons: "U8",
} as const;

export function candidateRef(stage: CandidatesStage, tensor: keyof typeof CANDIDATE_TENSORS) {
  return { $file: join(stage.dir, "candidates.safetensors"), tensor };
}

export function candidatesStage(
  context: RunContext,
  ingested: IngestStage,
  segmented: SegmentStage,
  affinity: AffinityStage,
  eligibility: EligibilityStage,
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
    segment: segmented.key,
    affinity: affinity.key,
    eligibility: eligibility.key,
    response: responded.key,
    ...transitionReads(context, transitioned),
    ...(suggestions && { rules: suggestions.key }),
  };
  const settings = { economics: campaign.economics, width, suggestedLimit, timeZone: campaign.timeZone };
  return context.stages.run("candidates", reads, settings, async (dir) => {
    const pair = await pairContext(context, ingested, segmented, affinity, dir, transitioned);
    const { model } = responded.result;
    const { numUsers } = ingested.result;
    const marginRate = shared.f64(coupons.length);
    marginRate.set(affinity.result.marginRate);
    const pairBeta = Float64Array.from(model.parts.flatMap((part) => part.pairBeta));
    const userScore = await userScores(model, pair.features, pair.labels, await userTraits(context, ingested, dir));
    const couponScore = couponScores(model, coupons);
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
            ...pair.pairArgs,
            pairBeta,
            userScore,
            couponScore,
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
