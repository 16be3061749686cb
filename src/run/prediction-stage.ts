/** Stage response where the campaign brings its own predictions: a table of chances in place of a model. */
import { join } from "node:path";
import type { PredictionsSource } from "../campaign/schema/sources.js";
import { type DuckDb, quoteLiteral } from "../duckdb/duckdb.js";
import { CouponcastError, invalidArgument } from "../errors.js";
import type { ArgValue } from "../executor/call.js";
import { shared } from "../executor/executor.js";
import { INGEST_FILES } from "../ingest/ingest.js";
import { type GivenChances, PAIR_COLUMNS, type ResponseModel } from "../response/model.js";
import type { OrderValueModel } from "../response/order-value.js";
import { resolveSource } from "../source/source.js";
import { writeTensors } from "../store/write-tensors.js";
import { type InputTable, TableReader } from "../table/read-table.js";
import { createCatalogueTable } from "./catalogue-table.js";
import { inputDigests, type RunContext } from "./context.js";
import type { IngestStage } from "./profile-stages.js";
import type { FinishedStage } from "./stage-runner.js";

const FILE = "predictions.safetensors";
const FIELD = "inputs.predictions";
/** Pairs in memory, 8 bytes each. */
const MAX_PAIRS = 2 ** 31 - 1;

type Offers = FinishedStage<{ rows: number; numOffers: number }>;

/** float32 [users * coupons]: chances by pair, NaN where there is none. */
export interface PairChances {
  redeem: Float32Array;
  /** Of those who redeem, the share of all who would have bought without it; NaN: reckoned from orders a day. */
  anyway: Float32Array;
}

/** The candidate kernel's arguments for chances that `writeChances` has written to a stage's folder. */
export function givenChances(dir: string, numUsers: number, numCoupons: number): Record<string, ArgValue> {
  const tensor = (name: string) => ({ $file: join(dir, FILE), tensor: name });
  return {
    givenRedeem: tensor("redeem"),
    givenAnyway: tensor("anyway"),
    pairKnots: new Float64Array(PAIR_COLUMNS),
    pairBeta: new Float64Array(PAIR_COLUMNS),
    userScore: shared.f64(numUsers),
    couponScore: new Float64Array(numCoupons),
  };
}

/** Places for the chances of all pairs, none known yet. */
export function noChances(numUsers: number, numCoupons: number): PairChances {
  if (numUsers * numCoupons > MAX_PAIRS)
    throw new CouponcastError(
      "ERR_COUPONCAST_OUT_OF_MEMORY",
      `${numUsers} users x ${numCoupons} coupons are too many pairs for predictions of another model`,
      { hint: "Plan fewer coupons in one campaign." },
    );
  const none = () => shared.f32(numUsers * numCoupons).fill(Number.NaN);
  return { redeem: none(), anyway: none() };
}

export function writeChances(dir: string, { redeem, anyway }: PairChances, numUsers: number): Promise<void> {
  const shape = [numUsers, redeem.length / Math.max(numUsers, 1)];
  return writeTensors(join(dir, FILE), "predictions", [
    { name: "redeem", dtype: "F32", shape, data: redeem },
    { name: "anyway", dtype: "F32", shape, data: anyway },
  ]);
}

/** The place of a fitted model where chances come from elsewhere. */
export function givenModel(eligibility: Offers, orderValue: OrderValueModel, given: GivenChances): ResponseModel {
  const counts = { numOffers: eligibility.result.numOffers, numControls: 0, numRedemptions: 0 };
  const basis = { knots: [], mean: [], deviation: [] };
  const nothing = { parts: [], pairKnots: [], basis, attributes: [], quality: null, coefficients: [] };
  return { kind: "given", ...counts, ...nothing, orderValue, given };
}

export function predictionStage(
  context: RunContext,
  ingested: IngestStage,
  eligibility: Offers,
  states: FinishedStage<{ rows: number; orderValue: OrderValueModel }>,
): Promise<FinishedStage<{ rows: number; model: ResponseModel }>> {
  const { campaign, coupons, baseDir } = context.loaded;
  const source = campaign.inputs.predictions!;
  const settings = { predictions: source, coupons: coupons.map(({ id }) => id) };
  const reads = {
    ingest: ingested.key,
    eligibility: eligibility.key,
    states: states.key,
    ...inputDigests(context, ["predictions"]),
  };
  return context.stages.run("response", reads, settings, async (dir) => {
    const users = join(ingested.dir, INGEST_FILES.users);
    const resolved = await resolveSource(source, { baseDir, input: "predictions", field: FIELD });
    const reader = await TableReader.open([resolved], {
      scratch: dir,
      threads: context.options.threads,
      memoryLimitMb: campaign.ingest.memoryLimitMb,
      signal: context.options.signal,
      readable: [users],
    });
    try {
      await createCatalogueTable(reader.db, coupons);
      await joinPairs(await reader.load(resolved, "predictions"), source, users);
      const { numUsers } = ingested.result;
      const chances = noChances(numUsers, coupons.length);
      const given = await readPairs(reader.db, source, chances, coupons.length);
      context.executor.checkCancelled();
      await writeChances(dir, chances, numUsers);
      return { rows: given.pairs?.count ?? 0, model: givenModel(eligibility, states.result.orderValue, given) };
    } finally {
      reader.close();
    }
  });
}

/** Makes `pairs` (u, c, p, other) of the table; a pair may stand in it once. */
async function joinPairs(input: InputTable, source: PredictionsSource, users: string): Promise<void> {
  const { db, loaded } = input;
  const names = source.columns;
  const field = (key: string) => `${FIELD}.columns.${key}`;
  const chance = { required: true, min: 0, max: 1 };
  const user = await input.id(names.user, field("user"));
  const coupon = await input.id(names.coupon, field("coupon"));
  const p = await input.number(names.pRedeem, field("pRedeem"), chance);
  const other =
    names.uplift !== undefined
      ? await input.number(names.uplift, field("uplift"), chance)
      : names.pWithout !== undefined
        ? await input.number(names.pWithout, field("pWithout"), chance)
        : "NULL::DOUBLE";
  await db.run(`CREATE TABLE pairs AS
    SELECT t.user_id, t.coupon_id, CAST(u.row AS INTEGER) AS u, CAST(c.position AS INTEGER) AS c, t.p, t.other
    FROM (SELECT ${user} AS user_id, ${coupon} AS coupon_id, ${p} AS p, ${other} AS other FROM ${input.table}) t
    LEFT JOIN read_parquet(${quoteLiteral(users)}) u ON u.user_id = t.user_id LEFT JOIN catalogue c ON c.coupon_id = t.coupon_id`);
  const refuse = async (sql: string, what: (row: Record<string, unknown>) => string, column: string) => {
    const [row] = await db.rows(sql);
    if (row !== undefined)
      throw invalidArgument(
        `${loaded.label}: user ${JSON.stringify(String(row.user_id).slice(0, 60))} and coupon ${JSON.stringify(String(row.coupon_id).slice(0, 60))} ${what(row)}`,
        { file: loaded.label, field: field(column) },
      );
  };
  await refuse(
    "SELECT user_id, coupon_id, count(*) AS n FROM pairs GROUP BY user_id, coupon_id HAVING n > 1 ORDER BY user_id, coupon_id LIMIT 1",
    ({ n }) => `have ${n} rows but one is expected`,
    "user",
  );
  if (names.uplift !== undefined)
    await refuse(
      "SELECT user_id, coupon_id, p, other FROM pairs WHERE other > p ORDER BY user_id, coupon_id LIMIT 1",
      (row) =>
        `have an uplift of ${row.other} but a chance to redeem of ${row.p}: orders that are won are redeemed ones`,
      "uplift",
    );
}

async function readPairs(
  db: DuckDb,
  { columns }: PredictionsSource,
  { redeem, anyway }: PairChances,
  numCoupons: number,
): Promise<GivenChances> {
  const sql = "SELECT u, c, p, other FROM pairs WHERE u IS NOT NULL AND c IS NOT NULL ORDER BY u, c";
  let numPairs = 0;
  let sum = 0;
  for await (const { numRows, columns: read } of db.streamColumns(sql, ["I32", "I32", "F64", "F64"])) {
    const [users, coupons, p, other] = read;
    for (let i = 0; i < numRows; i++) {
      const at = users[i]! * numCoupons + coupons[i]!;
      redeem[at] = p[i]!;
      if (columns.uplift !== undefined) anyway[at] = p[i]! - other[i]!;
      else if (columns.pWithout !== undefined) anyway[at] = p[i]! * other[i]!;
      sum += p[i]!;
    }
    numPairs += numRows;
  }
  return {
    from: "a table of predictions",
    pairs: { count: numPairs, meanPRedeem: numPairs > 0 ? sum / numPairs : 0 },
    numUnknown: (await db.count("SELECT count(*) FROM pairs")) - numPairs,
    hasUplift: columns.uplift !== undefined || columns.pWithout !== undefined,
  };
}
