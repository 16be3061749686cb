/** Stage outputs: the tables that people and programs read. */
import { copyFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { quoteLiteral } from "../duckdb/duckdb.js";
import { INGEST_FILES } from "../ingest/ingest.js";
import { REASONS, reasonCode } from "../score/eligibility.js";
import { loadTensors } from "../store/tensors.js";
import { writeRows } from "../table/write-rows.js";
import { forEachYielding } from "../util/yield.js";
import { affinityStandIns } from "./affinity-stage.js";
import { type AssignmentColumns, listAssignments } from "./assignment-columns.js";
import { createCatalogueTable } from "./catalogue-table.js";
import { openStageDb, type RunContext } from "./context.js";
import { type Examples, exampleUsers } from "./examples.js";
import type { FinishedStages } from "./finished-stages.js";
import type { IngestStage } from "./profile-stages.js";
import { PROFILE_FILES } from "./profile-table-stage.js";
import { rulesOf } from "./rule-hits.js";
import { itemsetTablePath, ruleTablePath } from "./rule-stage.js";
import type { FinishedStage } from "./stage-runner.js";
import { DECISIONS_FILE } from "./workspace.js";

/** Sums over the assignment, money in milli. */
interface GroupTotals {
  assigned: number;
  users: number;
  valueMilli: number;
  spendMilli: number;
  pRedeemSum: number;
}

export interface OutputResult {
  rows: number;
  numAssignedUsers: number;
  byCoupon: GroupTotals[];
  /** By segment, then users in none. */
  bySegment: GroupTotals[];
  /** Users by reason code name; "holdout" among them. */
  withheld: Record<string, number>;
  /** Assignments with the source rule. */
  numByRule: number;
  scores: { x: number; y: number; segment: number }[];
  examples: Examples;
}
export type OutputStage = FinishedStage<OutputResult>;

const SCATTER_POINTS = 2000;
/** Codes of assignments' `source` while it is a number. */
const SOURCE_CODES = { method: 0, segment: 1, popularity: 2, rule: 3 } as const;

const countOf = (values: Uint8Array, wanted: number) =>
  values.reduce((sum, value) => sum + (value === wanted ? 1 : 0), 0);

const emptyTotals = (): GroupTotals => ({ assigned: 0, users: 0, valueMilli: 0, spendMilli: 0, pRedeemSum: 0 });

export function outputStage(context: RunContext, stages: FinishedStages): Promise<OutputStage> {
  const { ingested, segmented, profiled, affinity, rules, candidates, allocated } = stages;
  const { campaign, coupons } = context.loaded;
  const reads = {
    ingest: ingested.key,
    segment: segmented.key,
    profiles: profiled.key,
    affinity: affinity.key,
    candidates: candidates.key,
    allocate: allocated.key,
    ...(rules === undefined ? {} : { rules: rules.key }),
  };
  const settings = {
    method: campaign.scoring.method,
    holdout: campaign.holdout.share,
    exampleUsers: campaign.output.exampleUsers,
  };
  return context.stages.run("outputs", reads, settings, async (dir) => {
    const columns = await listAssignments(context, ingested, candidates, affinity, allocated);
    const { labels, segments, fallbackRows } = await affinityStandIns(context, segmented, affinity);
    const sources = await scoreSources(columns, labels, fallbackRows, coupons.length, segments);
    const ruleOf = rules && (await rulesOf(context.executor, rules, columns));
    if (ruleOf !== undefined) {
      await forEachYielding(ruleOf.length, (i) => {
        if (ruleOf[i]! >= 0) sources[i] = SOURCE_CODES.rule;
      });
    }
    await writeAssignments(context, dir, stages, columns, sources, ruleOf);
    const allocationFile = join(allocated.dir, "allocation.safetensors");
    const { reasons } = await loadTensors(context.executor, allocationFile, { reasons: "U8" });
    const withheld = await writeWithheld(context, dir, ingested, reasons as Uint8Array);
    if (allocated.result.exploration !== undefined)
      await writeDecisions(context, dir, ingested, columns.users, allocationFile);
    await copyFile(join(segmented.dir, "segments.parquet"), join(dir, "segments.parquet"));
    if (rules !== undefined) {
      await copyFile(ruleTablePath(rules), join(dir, "rules.parquet"));
      await copyFile(itemsetTablePath(rules), join(dir, "itemsets.parquet"));
    }
    for (const name of Object.values(PROFILE_FILES)) await copyFile(join(profiled.dir, name), join(dir, name));
    await copyFile(join(ingested.dir, INGEST_FILES.rejected), join(dir, "rejected.parquet"));
    const summary = await summarise(columns, labels, coupons.length, segments);
    const examples = await exampleUsers(context, stages, columns, sources, labels, reasons as Uint8Array);
    return {
      rows: columns.users.length,
      ...summary,
      numByRule: countOf(sources, SOURCE_CODES.rule),
      withheld,
      examples,
    };
  });
}

/** Users without affinity of their own show their stand-in's, and say whose it is. */
async function scoreSources(
  columns: AssignmentColumns,
  labels: Int32Array,
  fallbackRows: Float32Array,
  numCoupons: number,
  segments: number,
): Promise<Uint8Array> {
  const sources = new Uint8Array(columns.users.length);
  await forEachYielding(columns.users.length, (i) => {
    if (columns.totals[i]! > 0) return;
    const label = labels[columns.users[i]!]!;
    sources[i] = label >= 0 ? SOURCE_CODES.segment : SOURCE_CODES.popularity;
    const row = (label >= 0 ? label : segments) * (numCoupons + 1);
    columns.affinity[i] = fallbackRows[row + columns.coupons[i]!]!;
    columns.totals[i] = fallbackRows[row + numCoupons]!;
  });
  return sources;
}

/** Why a coupon goes with the user's latest basket; empty where no rule says so. */
const RULE_REASON = `coalesce(printf('bought with %s: %.0f%% of such baskets hold %s too; ',
          array_to_string(r.antecedent, ' and '), 100 * r.confidence, array_to_string(r.consequent, ' and ')), '')`;

async function writeAssignments(
  context: RunContext,
  dir: string,
  { ingested, allocated, rules }: FinishedStages,
  columns: AssignmentColumns,
  sources: Uint8Array,
  ruleOf: Int32Array | undefined,
): Promise<void> {
  const { campaign, coupons } = context.loaded;
  const users = join(ingested.dir, INGEST_FILES.users);
  const csv = join(dir, "assignments.csv");
  await writeRows(context.executor, csv, [
    columns.users,
    columns.coupons,
    columns.ranks,
    columns.affinity,
    columns.totals,
    columns.pRedeem,
    columns.values,
    columns.costs,
    sources,
    ...(ruleOf === undefined ? [] : [ruleOf]),
    ...(columns.propensity === undefined ? [] : [columns.propensity]),
  ]);
  // One thread: the order of rows, and so the bytes, are the same each time.
  const ruleTable = rules && ruleTablePath(rules);
  const db = await openStageDb(context, dir, [users, ...(ruleTable === undefined ? [] : [ruleTable])], 1);
  try {
    await createCatalogueTable(db, coupons);
    const method = quoteLiteral(campaign.scoring.method);
    const price = allocated.result.multipliers.budget;
    await db.run(`COPY (
      SELECT u.user_id, c.coupon_id, c.kind, a.rank, a.affinity AS score, a.p AS p_redeem,
        a.value / 1000.0::DOUBLE AS expected_value_minor, a.cost / 1000.0::DOUBLE AS expected_cost_minor,
        ${1 - campaign.holdout.share}::DOUBLE${columns.propensity === undefined ? "" : " * a.propensity"} AS propensity,
        CASE a.source WHEN ${SOURCE_CODES.method} THEN ${method} WHEN ${SOURCE_CODES.segment} THEN 'segment'
          WHEN ${SOURCE_CODES.rule} THEN 'rule' ELSE 'popularity' END AS source,
        ${ruleTable === undefined ? "" : `${RULE_REASON} || `}printf('%s: %.0f%% of predicted interest in scope, %.1f%% likely to redeem, worth %.0f at a cost of %.0f; budget price %.3f',
          c.kind, CASE WHEN a.total > 0 THEN 100 * a.affinity / a.total ELSE 0 END::DOUBLE, 100 * a.p::DOUBLE,
          a.value / 1000.0::DOUBLE, a.cost / 1000.0::DOUBLE, ${price}::DOUBLE) AS reason
      FROM read_csv(${quoteLiteral(csv)}, header = false, auto_detect = false, delim = ',', parallel = false, columns = {'row': 'INTEGER', 'coupon': 'INTEGER', 'rank': 'INTEGER',
        'affinity': 'FLOAT', 'total': 'FLOAT', 'p': 'FLOAT', 'value': 'BIGINT', 'cost': 'BIGINT', 'source': 'UTINYINT'${ruleTable === undefined ? "" : ", 'rule': 'INTEGER'"}${columns.propensity === undefined ? "" : ", 'propensity': 'DOUBLE'"}}) a
      JOIN read_parquet(${quoteLiteral(users)}) u ON a.row = u.row
      JOIN catalogue c ON a.coupon = c.position
      ${ruleTable === undefined ? "" : `LEFT JOIN read_parquet(${quoteLiteral(ruleTable)}, file_row_number = true) r ON a.rule = r.file_row_number`}
      ORDER BY a.row, a.rank
    ) TO ${quoteLiteral(join(dir, "assignments.parquet"))} (FORMAT parquet, COMPRESSION zstd)`);
  } finally {
    db.close();
    await rm(csv, { force: true });
    await rm(join(dir, "spill"), { recursive: true, force: true });
  }
}

async function writeWithheld(
  context: RunContext,
  dir: string,
  ingested: IngestStage,
  reasons: Uint8Array,
): Promise<Record<string, number>> {
  const users = join(ingested.dir, INGEST_FILES.users);
  const csv = join(dir, "withheld.csv");
  await writeRows(context.executor, csv, [reasons]);
  const db = await openStageDb(context, dir, [users], 1);
  try {
    const names = Object.entries(REASONS).map(([code, name]) => `WHEN ${code} THEN ${quoteLiteral(name)}`);
    await db.run(`CREATE TABLE reasons AS SELECT row_number() OVER () - 1 AS row, code
      FROM read_csv(${quoteLiteral(csv)}, header = false, auto_detect = false, delim = ',', parallel = false, columns = {'code': 'UTINYINT'})`);
    await db.run(`COPY (
      SELECT u.user_id, CASE r.code ${names.join(" ")} END AS reason
      FROM reasons r JOIN read_parquet(${quoteLiteral(users)}) u ON r.row = u.row WHERE r.code > 0 ORDER BY r.row
    ) TO ${quoteLiteral(join(dir, "withheld.parquet"))} (FORMAT parquet, COMPRESSION zstd)`);
    const counts = await db.rows("SELECT code, count(*) AS n FROM reasons WHERE code > 0 GROUP BY code ORDER BY code");
    return Object.fromEntries(counts.map(({ code, n }) => [REASONS[Number(code) as keyof typeof REASONS], Number(n)]));
  } finally {
    db.close();
    await rm(csv, { force: true });
    await rm(join(dir, "spill"), { recursive: true, force: true });
  }
}

/** A row a user who is not held out, also of those who drew nothing: the log that policies can be evaluated from. */
async function writeDecisions(
  context: RunContext,
  dir: string,
  ingested: IngestStage,
  assigned: Int32Array,
  allocationFile: string,
): Promise<void> {
  const wanted = { decision: "F64", isBest: "U8", reasons: "U8" } as const;
  const { decision, isBest, reasons } = await loadTensors(context.executor, allocationFile, wanted);
  const coupons = new Int32Array(ingested.result.numUsers);
  await forEachYielding(assigned.length, (i) => {
    coupons[assigned[i]!]!++;
  });
  const users = join(ingested.dir, INGEST_FILES.users);
  const csv = join(dir, "decisions.csv");
  await writeRows(context.executor, csv, [coupons, decision, isBest, reasons]);
  const db = await openStageDb(context, dir, [users], 1);
  try {
    await db.run(`CREATE TABLE decisions AS SELECT row_number() OVER () - 1 AS row, * FROM read_csv(${quoteLiteral(csv)}, header = false, auto_detect = false, delim = ',',
      parallel = false, columns = {'coupons': 'INTEGER', 'propensity': 'DOUBLE', 'best': 'UTINYINT', 'reason': 'UTINYINT'})`);
    await db.run(`COPY (
      SELECT u.user_id, d.coupons, d.propensity, d.best::DOUBLE AS target_propensity
      FROM decisions d JOIN read_parquet(${quoteLiteral(users)}) u ON d.row = u.row
      WHERE d.reason <> ${reasonCode("holdout")} ORDER BY d.row
    ) TO ${quoteLiteral(join(dir, DECISIONS_FILE))} (FORMAT parquet, COMPRESSION zstd)`);
  } finally {
    db.close();
    await rm(csv, { force: true });
    await rm(join(dir, "spill"), { recursive: true, force: true });
  }
}

async function summarise(columns: AssignmentColumns, labels: Int32Array, numCoupons: number, segments: number) {
  const byCoupon = Array.from({ length: numCoupons }, emptyTotals);
  const bySegment = Array.from({ length: segments + 1 }, emptyTotals);
  const scores: OutputResult["scores"] = [];
  const count = columns.users.length;
  const every = Math.max(1, Math.floor(count / SCATTER_POINTS));
  let numAssignedUsers = 0;
  await forEachYielding(count, (i) => {
    const label = labels[columns.users[i]!]!;
    const isFirst = columns.ranks[i] === 1;
    if (isFirst) numAssignedUsers++;
    for (const totals of [byCoupon[columns.coupons[i]!]!, bySegment[label >= 0 ? label : segments]!]) {
      totals.assigned++;
      totals.valueMilli += Number(columns.values[i]);
      totals.spendMilli += Number(columns.costs[i]);
      totals.pRedeemSum += columns.pRedeem[i]!;
    }
    if (isFirst) bySegment[label >= 0 ? label : segments]!.users++;
    if (i % every === 0 && scores.length < SCATTER_POINTS) {
      const total = columns.totals[i]!;
      scores.push({ x: total > 0 ? columns.affinity[i]! / total : 0, y: columns.pRedeem[i]!, segment: label });
    }
  });
  return { numAssignedUsers, byCoupon, bySegment, scores };
}
