import { join } from "node:path";
import type { Command } from "commander";
import type { Effect, GroupEffect } from "../../../evaluate/campaign-effect.js";
import type { CouponResults } from "../../../evaluate/coupon-results.js";
import type { CampaignEvaluation, SurveyResults } from "../../../evaluate/evaluate-campaign.js";
import { readRunSummary } from "../../../evaluate/run-summary.js";
import { count, type Money, moneyFormat, percent } from "../../../report/format.js";
import { addCommand, addCommonOptions, type CommonOptions, required, setAction } from "../../command.js";
import { decimal, integer } from "../../option-values.js";
import { withTables } from "../../read-columns.js";
import { brief, counted, table } from "../../text-layout.js";
import { addReport, writeReport } from "./report-option.js";

interface CampaignOptions extends CommonOptions {
  orders: string;
  redemptions?: string;
  survey?: string;
  user: string;
  sales: string;
  margin?: string;
  marginRate?: number;
  discount?: string;
  confidence: number;
  replicates: number;
  seed: number;
  report?: string;
}

const MAX_ROWS_SHOWN = 20;

export function addEvaluateCampaign(group: Command): void {
  const command = addCommand(group, {
    name: "campaign",
    summary: "what a finished run brought, against its holdout",
    description: `Compares all users who were open to a campaign with its holdout, which was drawn at random: conversion, sales, margin,
incremental profit and ROI, each with the intervals of the delta method and of a bootstrap over users; in all and by
segment. Beside it, per coupon, kind and segment: how many were redeemed, by number and by amount, and what their receivers
bought. With a survey: mean score, net promoter score, and a warning where the answers may not stand for all.

RESULT is the --out of \`couponcast run\`. Tables are CSV, JSONL or Parquet and hold what happened in the time that counts:
  --orders       user_id, sales_minor and, if known, a margin before discounts; one row an order
  --redemptions  user_id, coupon_id; also discount_minor, redeemed (0 or 1)
  --survey       user_id, score (0 to 10)`,
    examples: [
      ["after the campaign", "evaluate campaign result --orders orders.csv --redemptions redeemed.csv"],
      [
        "with margins, discounts, a survey and a page",
        "evaluate campaign result --orders orders.parquet --margin margin_minor --redemptions redeemed.csv --discount discount_minor --survey survey.csv --report effect.html",
      ],
    ],
  })
    .argument("<result>", "folder of a finished run")
    .addOption(required("--orders <file>", "orders since the decision"))
    .option("--redemptions <file>", "coupons redeemed since the decision (default: none were)")
    .option("--survey <file>", "answers of users")
    .option("--user <column>", "id of the user in these tables", "user_id")
    .option("--sales <column>", "sales of an order, minor units", "sales_minor")
    .option("--margin <column>", "margin of an order before discounts, minor units (default: sales times the rate)")
    .option("--margin-rate <share>", "margin as a share of sales (default: the campaign's)", decimal(0, 1))
    .option("--discount <column>", "discount of a redemption, minor units (default: what the run expected)")
    .option("--confidence <share>", "of the intervals", decimal(0.5, 0.9999), 0.95)
    .option("--replicates <count>", "of the bootstrap, 100 or more, or 0 for none", integer(0, 100_000), 1000)
    .option("--seed <number>", "of the bootstrap", integer(0, 2 ** 32 - 1), 1);
  addReport(command);
  addCommonOptions(command);
  setAction<CampaignOptions>(command, async (session, [folder], options) => {
    const { findTable } = await import("../../../table/read-table.js");
    const { evaluateCampaign } = await import("../../../evaluate/evaluate-campaign.js");
    const run = await readRunSummary(folder!);
    const find = (path: string | undefined, name: string) => (path === undefined ? undefined : findTable(path, name));
    const sources = {
      assignments: await findTable(join(folder!, "assignments.parquet"), "assignments"),
      withheld: await findTable(join(folder!, "withheld.parquet"), "withheld"),
      segments: await findTable(join(folder!, "segments.parquet"), "segments"),
      orders: await findTable(options.orders, "orders"),
      redemptions: await find(options.redemptions, "redemptions"),
      survey: await find(options.survey, "survey"),
    };
    const found = Object.values(sources).filter((source) => source !== undefined);
    const evaluation = await withTables(session, found, async (reader) => {
      const { assignments, withheld, segments, orders, redemptions, survey } = sources;
      const tables = {
        assignments: await reader.load(assignments, "assignments", true),
        withheld: await reader.load(withheld, "withheld", true),
        segments: await reader.load(segments, "segments", true),
        orders: await reader.load(orders, "orders"),
        redemptions: redemptions === undefined ? undefined : await reader.load(redemptions, "redemptions"),
        survey: survey === undefined ? undefined : await reader.load(survey, "survey"),
      };
      const { user, sales, margin, discount, confidence, replicates, seed } = options;
      const named = (column: string, setting: string) => ({ column, setting });
      const columns = {
        users: { orders: named(user, "--user"), redemptions: named(user, "--user"), survey: named(user, "--user") },
        sales: named(sales, "--sales"),
        margin: margin === undefined ? undefined : named(margin, "--margin"),
        marginRate: options.marginRate ?? run.marginRate,
        discount: discount === undefined ? undefined : named(discount, "--discount"),
      };
      return evaluateCampaign(reader, tables, { ...session.run(), columns, confidence, replicates, seed });
    });
    const out = await writeReport(session, options.report, options.orders, async () => {
      const { campaignPage } = await import("../../../report/evaluation/campaign.js");
      return campaignPage(evaluation, { ...run, confidence: options.confidence });
    });
    const lines = campaignLines(evaluation, moneyFormat(run.currency), options.confidence);
    return {
      json: { campaign: run.name, currency: run.currency, ...evaluation, report: out?.path ?? null },
      lines: [...lines, ...(out?.lines ?? [])],
    };
  });
}

function campaignLines(evaluation: CampaignEvaluation, money: Money, confidence: number): string[] {
  const { effect, byCoupon, byKind, survey, numForeignOrders, numForeignRedemptions } = evaluation;
  const { treated, holdout } = effect.all;
  const lines = [
    `${counted(treated.numUsers, "user")} open to the campaign, ${count(holdout.numUsers)} in the holdout`,
    "",
    ...effectTable(effect.all, money, confidence),
    "",
    ...couponTable("kind", byKind, money),
    "",
    ...couponTable("coupon", byCoupon, money),
  ];
  if (survey !== null) lines.push("", ...surveyLines(survey));
  if (numForeignOrders > 0)
    lines.push("", `note: ${counted(numForeignOrders, "order")} of users whom the run does not know`);
  if (numForeignRedemptions > 0)
    lines.push("", `note: ${counted(numForeignRedemptions, "redemption")} of coupons that the run did not hand out`);
  return lines;
}

function effectTable(effect: GroupEffect, money: Money, confidence: number): string[] {
  const ratio = (x: number) => brief(x);
  const minor = (x: number) => money.amount(x);
  const row = (name: string, value: Effect | null, show: (x: number) => string) =>
    value === null
      ? [name, "–", "–", "–"]
      : [
          name,
          show(value.value),
          `${show(value.low)} to ${show(value.high)}`,
          value.bootstrap === null ? "–" : `${show(value.bootstrap.low)} to ${show(value.bootstrap.high)}`,
        ];
  return table(
    ["campaign - holdout", "estimate", `${percent(confidence)}, delta method`, `${percent(confidence)}, bootstrap`],
    [
      row("conversion", effect.conversion, percent),
      row("orders a user", effect.ordersPerUser, ratio),
      row("sales a user", effect.salesPerUserMinor, money.exact),
      row("margin a user", effect.marginPerUserMinor, money.exact),
      row("incremental margin", effect.incrementalMarginMinor, minor),
      row("incremental profit", effect.incrementalProfitMinor, minor),
      row("incremental ROAS", effect.incrementalRoas, ratio),
      row("incremental ROI", effect.incrementalRoi, ratio),
    ],
  );
}

function couponTable(what: string, results: readonly CouponResults[], money: Money): string[] {
  const shown = (x: number | null, show: (x: number) => string) => (x === null ? "–" : show(x));
  const rows = results
    .slice(0, MAX_ROWS_SHOWN)
    .map((r) => [
      r.name,
      count(r.numHanded),
      count(r.numRedeemed),
      percent(r.redemptionRate),
      shown(r.redemptionRateByAmount, percent),
      percent(r.conversion),
      money.amount(r.salesMinor),
      money.amount(r.discountMinor),
      shown(r.roas, brief),
      shown(r.roi, brief),
    ]);
  const header = [what, "handed out", "redeemed", "rate", "by amount", "buyers", "sales", "discount", "ROAS", "ROI"];
  const more = results.length - rows.length;
  return [...table(header, rows), ...(more > 0 ? [`  and ${count(more)} more (see --json)`] : [])];
}

function surveyLines({ all, groups, warnings, numForeign }: SurveyResults): string[] {
  const rows = Object.entries({ all, ...groups }).map(([name, group]) => [
    name,
    count(group.numAnswers),
    percent(group.responseRate),
    group.mean === null ? "–" : brief(group.mean.value),
    group.nps === null ? "–" : `${brief(group.nps.value)} (${brief(group.nps.low)} to ${brief(group.nps.high)})`,
  ]);
  return [
    ...table(["survey", "answers", "answered", "mean score", "NPS"], rows),
    ...warnings.map((warning) => `  warning: ${warning}`),
    ...(numForeign > 0 ? [`  note: ${counted(numForeign, "answer")} of users whom the run does not know`] : []),
  ];
}
