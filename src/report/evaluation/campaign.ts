import type { Effect, GroupEffect } from "../../evaluate/campaign-effect.js";
import type { CouponResults } from "../../evaluate/coupon-results.js";
import type { CampaignEvaluation, SurveyResults } from "../../evaluate/evaluate-campaign.js";
import type { PredictionQuality } from "../../evaluate/prediction-quality.js";
import { calibrationChart } from "../chart/calibration-chart.js";
import { figure } from "../chart/figure.js";
import { gainChart } from "../chart/gain-chart.js";
import { intervalChart } from "../chart/interval-chart.js";
import { count, DASH, decimal, type Money, moneyFormat, percent, percentTick } from "../format.js";
import { type Html, html } from "../html.js";
import { pageHtml } from "../page.js";
import type { ReportData } from "../report-data.js";
import { nothingToShow, paragraph, type Section } from "../section/section.js";
import { type Column, foldedTable, table } from "../table.js";
import { idHtml } from "../text.js";
import { evaluationSummary } from "./summary.js";

export interface CampaignPageOptions {
  name: string;
  currency: string;
  confidence: number;
}

/** The page of a campaign's evaluation. */
export async function campaignPage(evaluation: CampaignEvaluation, options: CampaignPageOptions): Promise<string> {
  const money = moneyFormat(options.currency);
  const { all } = evaluation.effect;
  const profit = all.incrementalProfitMinor;
  const interval = ({ low, high }: Effect, show: (x: number) => string) =>
    `${percent(options.confidence)} interval ${show(low)} to ${show(high)}`;
  return pageHtml({
    title: `${options.name.slice(0, 90)} · what it brought`,
    summary: evaluationSummary(
      options.name,
      html`The campaign ${profit.low > 0 ? "earned" : profit.high < 0 ? "lost" : "may have earned or lost:"} <strong>${money.amount(Math.abs(profit.value) * (profit.low > 0 || profit.high < 0 ? 1 : Math.sign(profit.value)))}</strong> of extra margin after its discounts, measured against a holdout of ${count(all.holdout.numUsers)} users drawn at random (${interval(profit, money.amount)}).`,
      [
        {
          term: "Extra margin",
          value: money.amount(all.incrementalMarginMinor.value),
          note: interval(all.incrementalMarginMinor, money.amount),
        },
        {
          term: "Discounts",
          value: money.amount(all.treated.discountMinor),
          note: `of ${count(all.treated.numUsers)} users open to the campaign`,
        },
        {
          term: "Incremental ROI",
          value: all.incrementalRoi === null ? DASH : percent(all.incrementalRoi.value),
          note: all.incrementalRoi === null ? "no discount was given" : interval(all.incrementalRoi, percent),
        },
        {
          term: "Conversion",
          value: percent(all.treated.conversion),
          note: `${percent(all.holdout.conversion)} in the holdout`,
        },
      ],
    ),
    sections: await evaluationSections(evaluation, money, options.confidence),
    numSegments: 0,
  });
}

/** Sections of the report of a later run; none where it names no earlier campaign. */
export async function earlierCampaignSections(earlier: ReportData["evaluation"]): Promise<Section[]> {
  if (earlier === null) return [];
  const { run, evaluation, confidence } = earlier;
  const [effect, ...others] = await evaluationSections(evaluation, moneyFormat(run.currency), confidence);
  const about = html`<p>An earlier campaign, ${idHtml(run.name, 90)}, against its holdout of ${count(evaluation.effect.all.holdout.numUsers)} users.</p>`;
  return [{ ...effect!, title: "What the earlier campaign changed", body: [about, effect!.body] }, ...others];
}

async function evaluationSections(
  evaluation: CampaignEvaluation,
  money: Money,
  confidence: number,
): Promise<Section[]> {
  return [
    await effectSection(evaluation, money, confidence),
    receiversSection(evaluation, money),
    await predictionsSection(evaluation.predictions),
    ...(evaluation.survey === null ? [] : [surveySection(evaluation.survey)]),
  ];
}

async function predictionsSection({ calibration, gain }: PredictionQuality): Promise<Section> {
  const title = "Predicted and observed redemption of the coupons handed out";
  return {
    id: "predictions",
    short: "Predictions",
    title: "Whether the predictions came true",
    body:
      gain.length < 2
        ? nothingToShow("No coupon was redeemed.")
        : html`<div class="two">
${await figure({
  key: "campaign-calibration",
  title,
  caption:
    "Coupons grouped by predicted redemption. On the dashed line predictions came true; the bars are 95 % intervals.",
  wide: calibrationChart(calibration),
  table: table(
    title,
    [
      { head: "Mean prediction", numeric: true, cell: (bin) => percent(bin.meanPredicted) },
      { head: "Observed", numeric: true, cell: (bin) => percent(bin.observedRate) },
      { head: "Coupons", numeric: true, cell: (bin) => count(bin.numOffers) },
    ],
    calibration,
  ),
})}
${await figure({
  key: "campaign-gain",
  title: "Redemptions found by prediction",
  caption: "Share of all redemptions among the coupons of highest prediction; dashed, a random order.",
  wide: gainChart(gain, "Share of the coupons", "Share of the redemptions", percentTick).narrow,
  table: table(
    "Redemptions found by prediction",
    [
      { head: "Share of the coupons", numeric: true, cell: (point) => percent(point.share) },
      { head: "Share of the redemptions", numeric: true, cell: (point) => percent(point.gain) },
    ],
    gain,
  ),
})}
</div>`,
  };
}

async function effectSection({ effect }: CampaignEvaluation, money: Money, confidence: number): Promise<Section> {
  const groups = [
    { name: "all users", effect: effect.all as GroupEffect | null },
    ...effect.groups.map((group, g) => ({ name: `segment ${g}`, effect: group })),
  ].flatMap(({ name, effect: group }) => (group === null ? [] : [{ name, effect: group }]));
  const rowsOf = (of: (group: GroupEffect) => Effect) =>
    groups.map(({ name, effect: group }) => ({ name, ...of(group) }));
  const columnsFor = (
    show: (x: number) => string,
    of: (group: GroupEffect) => Effect,
  ): Column<(typeof groups)[0]>[] => [
    { head: "Users", cell: (row) => row.name },
    { head: "Open to it", numeric: true, cell: (row) => count(row.effect.treated.numUsers) },
    { head: "Holdout", numeric: true, cell: (row) => count(row.effect.holdout.numUsers) },
    { head: "Difference", numeric: true, cell: (row) => show(of(row.effect).value) },
    { head: "Delta method", numeric: true, cell: (row) => range(of(row.effect), show) },
    {
      head: "Bootstrap",
      numeric: true,
      cell: (row) => {
        const { bootstrap } = of(row.effect);
        return bootstrap === null ? DASH : range(bootstrap, show);
      },
    },
  ];
  const range = ({ low, high }: { low: number; high: number }, show: (x: number) => string) =>
    `${show(low)} to ${show(high)}`;
  const drawn = async (
    key: string,
    title: string,
    axis: string,
    tick: (x: number) => string,
    show: (x: number) => string,
    of: (group: GroupEffect) => Effect,
  ): Promise<Html> =>
    figure({
      key,
      title,
      caption: `Difference between users open to the campaign and the holdout, with ${percent(confidence)} intervals. Left of the dashed line the campaign did harm.`,
      ...intervalChart(rowsOf(of), axis, tick),
      table: table(title, columnsFor(show, of), groups),
    });
  return {
    id: "effect",
    short: "Effect",
    title: "What the campaign changed",
    body: [
      await drawn(
        "effect-margin",
        "Margin a user, before discounts",
        `margin a user (${money.currency})`,
        money.compact,
        money.exact,
        (g) => g.marginPerUserMinor,
      ),
      await drawn(
        "effect-conversion",
        "Conversion",
        "share of users with an order",
        percentTick,
        percent,
        (g) => g.conversion,
      ),
      paragraph(
        "Everybody who was open to the campaign is compared with the holdout, not only those who got a coupon: receivers were chosen, and would differ from the holdout without any coupon.",
      ),
    ],
  };
}

function receiversSection({ byCoupon, byKind, bySegment }: CampaignEvaluation, money: Money): Section {
  const shown = (x: number | null, show: (x: number) => string) => (x === null ? DASH : show(x));
  const columns = (head: string): Column<CouponResults>[] => [
    { head, cell: (r) => idHtml(r.name, 40), className: "name-cell" },
    { head: "Handed out", numeric: true, cell: (r) => count(r.numHanded) },
    { head: "Redeemed", numeric: true, cell: (r) => count(r.numRedeemed) },
    {
      head: "Rate",
      numeric: true,
      cell: (r) => percent(r.redemptionRate),
      title: "Redeemed share of the coupons handed out",
    },
    {
      head: "By amount",
      numeric: true,
      cell: (r) => shown(r.redemptionRateByAmount, percent),
      title: "Discount given, of what all coupons would have cost",
    },
    { head: "Buyers", numeric: true, cell: (r) => percent(r.conversion) },
    { head: "Sales", numeric: true, cell: (r) => money.amount(r.salesMinor) },
    { head: "Discount", numeric: true, cell: (r) => money.amount(r.discountMinor) },
    { head: "ROAS", numeric: true, cell: (r) => shown(r.roas, decimal), title: "Sales over discount" },
    { head: "ROI", numeric: true, cell: (r) => shown(r.roi, percent), title: "(Margin - discount) / discount" },
  ];
  const listed = (head: string, rows: readonly CouponResults[]) =>
    foldedTable(`Results by ${head.toLowerCase()}`, columns(head), rows, {
      shown: 20,
      others: (n) => `${count(n)} more`,
    });
  return {
    id: "receivers",
    short: "Receivers",
    title: "What the receivers did",
    body:
      byCoupon.length === 0
        ? nothingToShow("No coupon was handed out.")
        : [
            listed("Kind", byKind),
            listed("Coupon", byCoupon),
            listed("Segment", bySegment),
            paragraph(
              "Receivers were chosen, so what they bought is not what the coupons brought; the comparison with the holdout is.",
            ),
          ],
  };
}

function surveySection({ all, groups, warnings }: SurveyResults): Section {
  const rows = Object.entries({ "all users": all, ...groups }).map(([name, group]) => ({ name, group }));
  return {
    id: "survey",
    short: "Survey",
    title: "What users say",
    body: [
      table(
        "Survey",
        [
          { head: "Users", cell: ({ name }) => name },
          { head: "Answers", numeric: true, cell: ({ group }) => count(group.numAnswers) },
          { head: "Answered", numeric: true, cell: ({ group }) => percent(group.responseRate) },
          {
            head: "Mean score",
            numeric: true,
            cell: ({ group }) => (group.mean === null ? DASH : decimal(group.mean.value)),
          },
          {
            head: "NPS",
            numeric: true,
            cell: ({ group: { nps } }) =>
              nps === null ? DASH : `${decimal(nps.value)} (${decimal(nps.low)} to ${decimal(nps.high)})`,
          },
        ],
        rows,
      ),
      ...warnings.map((warning) => html`<p class="note-box">Careful: ${warning}.</p>`),
    ],
  };
}
