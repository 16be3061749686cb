/** Stage eligibility: who may get what, and the past offers as rows of this campaign. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type DuckDb, quoteLiteral } from "../duckdb/duckdb.js";
import { INGEST_FILES } from "../ingest/ingest.js";
import { readRedemptions } from "../ingest/redemptions.js";
import { type OfferHistory, UNKNOWN_CONVERSION } from "../response/past-offers.js";
import { eligibilitySql, reasonCode } from "../score/eligibility.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import { loadTensors } from "../store/tensors.js";
import { createCatalogueTable } from "./catalogue-table.js";
import { inputDigests, openStageDb, type RunContext } from "./context.js";
import type { IngestStage } from "./profile-stages.js";
import type { FinishedStage } from "./stage-runner.js";

interface EligibilityResult {
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
      { name: "times", dtype: "I64", shape: [numOffers] },
      { name: "redeemed", dtype: "U8", shape: [numOffers] },
      { name: "treated", dtype: "U8", shape: [numOffers] },
      { name: "converted", dtype: "U8", shape: [numOffers] },
    ],
    { kind: "offers" },
  );
  try {
    let at = 0;
    const sql = `SELECT u.row, c.position, epoch_us(r.offered_at), r.redeemed::UTINYINT, r.treated::UTINYINT, coalesce(r.converted::UTINYINT, ${UNKNOWN_CONVERSION}) FROM ${known} ORDER BY u.row, r.offered_at, c.position, r.redeemed`;
    for await (const { numRows, columns } of db.streamColumns(sql, ["I32", "I32", "I64", "U8", "U8", "U8"])) {
      for (const [index, name] of ["users", "coupons", "times", "redeemed", "treated", "converted"].entries())
        await writer.write(name, at, columns[index]!);
      at += numRows;
    }
    await writer.commit();
    return numOffers;
  } finally {
    await writer.abort();
  }
}

export async function loadHistory({ executor }: RunContext, stage: EligibilityStage): Promise<OfferHistory> {
  const tensors = await loadTensors(executor, join(stage.dir, "history.safetensors"), {
    users: "I32",
    coupons: "I32",
    times: "I64",
    redeemed: "U8",
    treated: "U8",
    converted: "U8",
  });
  return tensors as unknown as OfferHistory;
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
    SELECT row, map_from_entries(list((coupon_id, n))) AS counts
    FROM (SELECT u.row, r.coupon_id, count(*) AS n FROM redemptions r JOIN ${userRelation} u ON r.user_id = u.user_id
      WHERE r.redeemed GROUP BY ALL) GROUP BY row ORDER BY row`);
  const eligibility = eligibilitySql(coupons, {
    asOfMs: Date.parse(ingested.result.asOf),
    timeZone,
    userColumns: await db.describe(`SELECT * FROM ${userRelation}`),
    redemptionsSql: ({ id }) => `r.counts[${quoteLiteral(id)}]`,
  });
  // A keyed hash of the id decides: the same users for the same key, whoever else is in the file.
  const heldOut = `md5_number_lower(${quoteLiteral(`${holdout.key}:`)} || user_id)::DOUBLE / 18446744073709551616.0 < ${holdout.share}`;
  const { numUsers } = ingested.result;
  const width = coupons.length;
  const writer = TensorFileWriter.create(path, [{ name: "reasons", dtype: "U8", shape: [numUsers, width] }], {
    kind: "reasons",
  });
  const notActive = reasonCode("not_active");
  try {
    const rowsPerBatch = Math.max(2048, Math.floor(4_000_000 / Math.max(width, 1)));
    let begin = 0;
    while (begin < numUsers) {
      const end = Math.min(begin + rowsPerBatch, numUsers);
      const block = new Uint8Array((end - begin) * width).fill(notActive);
      // Of each table only these rows: a batch costs the same, however many users there are.
      const rows = `row >= ${begin} AND row < ${end}`;
      const from = `(SELECT *, (${heldOut})::UTINYINT AS is_held_out FROM ${userRelation} WHERE ${rows}) u
        JOIN (SELECT * FROM read_parquet(${quoteLiteral(features)}) WHERE ${rows}) f ON u.row = f.row
        LEFT JOIN (SELECT * FROM redeemed WHERE ${rows}) r ON u.row = r.row`;
      for (let c = 0; c === 0 || c < eligibility.active.length; c += COUPONS_PER_QUERY) {
        const group = eligibility.active.slice(c, c + COUPONS_PER_QUERY);
        const list = group.map(
          ({ sql }) => `CASE WHEN u.is_held_out = 1 THEN ${reasonCode("holdout")} ELSE ${sql} END`,
        );
        const sql = `SELECT ${["u.is_held_out", ...list].join(", ")} FROM ${from} ORDER BY u.row`;
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
