import type { RunOptions } from "../executor/executor.js";
import type { InputTable, TableReader } from "../table/read-table.js";
import { type CampaignEffect, campaignEffect } from "./campaign-effect.js";
import { type CampaignColumns, type CampaignTables, joinCampaignTables, type NamedColumn } from "./campaign-tables.js";
import { type CouponResults, couponResults } from "./coupon-results.js";
import { type PredictionQuality, predictionQuality } from "./prediction-quality.js";
import { responseBias, type Satisfaction, satisfaction } from "./survey.js";

export interface CampaignEvaluationOptions extends RunOptions {
  columns: CampaignColumns;
  confidence: number;
  replicates: number;
  seed: number;
}

export interface SurveyResults {
  /** Answers of users whom the run does not know. */
  numForeign: number;
  all: Satisfaction;
  groups: Record<string, Satisfaction>;
  warnings: string[];
}

export interface CampaignEvaluation {
  numUsers: number;
  numForeignOrders: number;
  numForeignRedemptions: number;
  effect: CampaignEffect;
  byCoupon: CouponResults[];
  byKind: CouponResults[];
  bySegment: CouponResults[];
  predictions: PredictionQuality;
  /** Null without a survey. */
  survey: SurveyResults | null;
}

/** A finished campaign from its outputs and what happened since. Errors: those of the tables and of campaignEffect. */
export async function evaluateCampaign(
  reader: TableReader,
  tables: CampaignTables & { survey: InputTable | undefined },
  options: CampaignEvaluationOptions,
): Promise<CampaignEvaluation> {
  const { columns, confidence, replicates, seed } = options;
  const { outcomes, numGroups, ...foreign } = await joinCampaignTables(reader, tables, columns);
  const { threads, signal, onProgress } = options;
  const effect = await campaignEffect(outcomes, {
    threads,
    signal,
    onProgress,
    confidence,
    replicates,
    seed,
    numGroups,
  });
  const { db } = reader;
  return {
    numUsers: outcomes.treated.length,
    ...foreign,
    effect,
    byCoupon: await couponResults(db, "coupon", confidence),
    byKind: await couponResults(db, "kind", confidence),
    bySegment: await couponResults(db, "segment", confidence),
    predictions: await predictionQuality(db),
    survey:
      tables.survey === undefined ? null : await surveyResults(reader, tables.survey, columns.users.survey, confidence),
  };
}

const SURVEY_GROUPS = [
  "users who redeemed",
  "users with a coupon not redeemed",
  "users without a coupon",
  "the holdout",
];

async function surveyResults(
  { db }: TableReader,
  survey: InputTable,
  user: NamedColumn,
  confidence: number,
): Promise<SurveyResults> {
  const id = await survey.id(user.column, user.setting);
  const score = await survey.number("score", "survey", { required: true, min: 0, max: 10, whole: true });
  // Of a user's answers the last in the file counts.
  await db.run(`CREATE TABLE answers AS SELECT id, last(score ORDER BY position) AS score
    FROM (SELECT ${id} AS id, CAST(${score} AS INTEGER) AS score, row_number() OVER () AS position FROM ${survey.table}) GROUP BY id`);
  const rows = await db.rows(`
    SELECT CASE WHEN NOT p.treated THEN 3 WHEN h.redeemed THEN 0 WHEN h.id IS NOT NULL THEN 1 ELSE 2 END AS kind, a.score, count(*) AS n
    FROM people p LEFT JOIN (SELECT id, bool_or(redeemed) AS redeemed FROM handed GROUP BY id) h ON p.id = h.id
      LEFT JOIN answers a ON p.id = a.id
    GROUP BY ALL`);
  const groups = SURVEY_GROUPS.map((name) => ({ name, numAsked: 0, counts: new Array<number>(11).fill(0) }));
  for (const { kind, score: given, n } of rows) {
    const group = groups[Number(kind)]!;
    group.numAsked += Number(n);
    if (given !== null) group.counts[Number(given)]! += Number(n);
  }
  const all = {
    numAsked: groups.reduce((sum, group) => sum + group.numAsked, 0),
    counts: groups[0]!.counts.map((_, score) => groups.reduce((sum, group) => sum + group.counts[score]!, 0)),
  };
  const byGroup = Object.fromEntries(groups.map((group) => [group.name, satisfaction(group, confidence)]));
  return {
    numForeign: await db.count("SELECT count(*) FROM answers WHERE id NOT IN (SELECT id FROM people)"),
    all: satisfaction(all, confidence),
    groups: byGroup,
    warnings: responseBias(byGroup),
  };
}
