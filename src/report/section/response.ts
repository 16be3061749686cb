import { wilsonInterval } from "../../evaluate/interval.js";
import { calibrationChart } from "../chart/calibration-chart.js";
import { figure, legendOf } from "../chart/figure.js";
import { MUTED, SPEND, VALUE } from "../chart/theme.js";
import { count, fixed, percent } from "../format.js";
import { type Html, html } from "../html.js";
import type { ResponseCoefficient, ResponseSummary } from "../response-data.js";
import { type Column, foldedTable, STACKS, table } from "../table.js";
import { idHtml } from "../text.js";
import type { View } from "../view.js";
import { nothingToShow, paragraph, type Section } from "./section.js";
import { tasteHtml } from "./taste.js";

type Model = Extract<ResponseSummary, { kind: "model" }>;

export async function responseSection({ data: { response, taste } }: View): Promise<Section> {
  return {
    id: "response",
    short: "Response",
    title: "How well redemption is predicted",
    body: [
      response.kind === "prior"
        ? priorNote(response)
        : response.kind === "given"
          ? givenNote(response)
          : await modelQuality(response),
      await tasteHtml(taste),
    ],
  };
}

function givenNote(given: Extract<ResponseSummary, { kind: "given" }>): Html {
  const anyway = given.hasUplift
    ? "They also say who would buy without the coupon."
    : "Who would buy without the coupon is reckoned from the shopper's orders a day.";
  const pairs =
    given.pairs === null
      ? ""
      : `: ${count(given.pairs.count)} pairs of a shopper and a coupon, redeemed with ${percent(given.pairs.meanPRedeem)} on average`;
  return html`<div class="note-box"><p><strong>Another model's predictions.</strong> The chances come from ${given.from}${pairs}. ${anyway} How good they are cannot be seen here: the held-out shoppers will show it.</p></div>`;
}

function priorNote(prior: Extract<ResponseSummary, { kind: "prior" }>): Html {
  return html`<div class="note-box"><p><strong>An assumption, not a measurement.</strong> The history holds ${count(prior.numRedemptions)} past redemptions; a model is learnt from ${count(prior.minRedemptions)} on. Until then each shopper is assumed to redeem with ${percent(prior.priorRate)} on average, adjusted by how well a coupon fits. Spend and margin in this report are only as good as that assumption: the held-out shoppers will show what is true.</p></div>`;
}

async function modelQuality(model: Model): Promise<Html> {
  const better = model.baseRateLogLoss > 0 ? 1 - model.heldOutLogLoss / model.baseRateLogLoss : null;
  const verdict =
    better === null
      ? "There is nothing to compare it with."
      : better > 0
        ? `That is ${percent(better)} better than expecting the average, ${percent(model.baseRate)}, of everybody.`
        : `That is no better than expecting the average, ${percent(model.baseRate)}, of everybody: the differences between shoppers in this report should not be trusted.`;
  return html`${paragraph(
    `The chance that a shopper redeems a coupon is learnt from ${count(model.numTrainOffers)} past offers and checked on ${count(model.numHeldOutOffers)} offers that the model never saw. `,
    html`<strong>${verdict}</strong>`,
  )}
<div class="two">
${await calibrationFigure(model)}
${lossFigure(model)}
</div>
${plattNote(model)}
${await upliftPart(model)}
<h3>${model.uplift === null ? "What makes redemption more likely" : "What makes a coupon win an order"}</h3>
${coefficientTable(model)}`;
}

function plattNote({ platt }: Model): Html {
  if (platt === null) return html``;
  const losses = `the error on the held-out offers ${platt.isApplied ? "went" : "would have gone"} from ${fixed(platt.logLossBefore, 5)} to ${fixed(platt.logLossAfter, 5)}`;
  return paragraph(
    platt.isApplied
      ? `The chances are calibrated (Platt) by ${count(platt.numOffers)} other offers that the model did not learn from: ${losses}.`
      : `A calibration (Platt) by ${count(platt.numOffers)} other offers was tried and not kept: ${losses}.`,
  );
}

async function calibrationFigure(model: Model): Promise<Html> {
  if (model.calibration.length === 0) return nothingToShow("No held-out offers to compare predictions with.");
  const before = model.platt?.isApplied === true ? model.platt.calibrationBefore : [];
  const columns: Column<Model["calibration"][number]>[] = [
    { head: "Mean prediction", numeric: true, cell: (b) => percent(b.meanPredicted) },
    { head: "Observed", numeric: true, cell: (b) => percent(b.observedRate) },
    {
      head: "95 % interval",
      numeric: true,
      cell: (b) => {
        const { low, high } = wilsonInterval(b.observedRate, b.numOffers);
        return `${percent(low)} to ${percent(high)}`;
      },
    },
    { head: "Offers", numeric: true, cell: (b) => count(b.numOffers) },
  ];
  return figure({
    key: "calibration",
    title: "Predicted and observed redemption",
    caption:
      "Held-out offers, grouped by their prediction. On the dashed line predictions come true on average; the bars are 95 % intervals, larger points hold more offers.",
    wide: calibrationChart(model.calibration, undefined, before),
    legend: legendOf([
      { colour: VALUE, name: "A group of offers", mark: "dot" },
      ...(before.length > 0 ? [{ colour: SPEND, name: "Before calibration", mark: "dot" as const }] : []),
      { colour: MUTED, name: "Prediction comes true", mark: "dash" },
    ]),
    table: table("Predicted and observed redemption", columns, model.calibration),
  });
}

/** Of the extra orders: what the control group says. */
async function upliftPart({ uplift }: Model): Promise<Html> {
  if (uplift === null || uplift.length === 0) return html``;
  const bins = uplift.map(({ observed, standardError, ...bin }) => ({
    ...bin,
    observedRate: observed,
    interval: { low: observed - 1.96 * standardError, high: observed + 1.96 * standardError },
  }));
  const columns: Column<(typeof bins)[number]>[] = [
    { head: "Mean prediction", numeric: true, cell: (b) => percent(b.meanPredicted) },
    { head: "Observed", numeric: true, cell: (b) => percent(b.observedRate) },
    {
      head: "95 % interval",
      numeric: true,
      cell: (b) => `${percent(b.interval.low)} to ${percent(b.interval.high)}`,
    },
    { head: "Offers", numeric: true, cell: (b) => count(b.numOffers) },
  ];
  return figure({
    key: "uplift",
    title: "Predicted and observed extra orders",
    caption:
      "Held-out offers, grouped by how many extra orders an offer was predicted to win. Observed: the share who bought among those who were sent the coupon, less the share among those from whom it was withheld by lot.",
    wide: calibrationChart(bins, { predicted: "Predicted extra orders an offer", observed: "Sent less withheld" }),
    legend: legendOf([
      { colour: VALUE, name: "A group of offers", mark: "dot" },
      { colour: MUTED, name: "Prediction comes true", mark: "dash" },
    ]),
    table: table("Predicted and observed extra orders", columns, bins),
  });
}

/** Two bars, in CSS: how surprised each prediction is by what happened. */
function lossFigure({ heldOutLogLoss, baseRateLogLoss, baseRate }: Model): Html {
  const most = Math.max(heldOutLogLoss, baseRateLogLoss, Number.MIN_VALUE);
  const bar = (name: string, loss: number, colour: string) =>
    html`<div class="loss"><span>${name}</span><b>${fixed(loss, 4)}</b><span class="track"><span style="--part:${(loss / most).toFixed(4)};--c:${colour}"></span></span></div>`;
  return html`<figure class="figure" id="log-loss">
<h3>Error on held-out offers</h3>
<div class="losses">
${bar("The model", heldOutLogLoss, "var(--value)")}
${bar(`Everybody alike (${percent(baseRate)})`, baseRateLogLoss, "var(--bound)")}
</div>
<figcaption>Mean log loss in nats per offer; less is better. It measures how surprised a prediction is by what happened.</figcaption>
</figure>
`;
}

function coefficientTable({ coefficients }: Model): Html {
  if (coefficients.length === 0) return nothingToShow("The model has no inputs besides the average.");
  const sorted = [...coefficients].sort((a, b) => Math.abs(b.coefficient) - Math.abs(a.coefficient));
  const most = Math.max(Number.MIN_VALUE, ...coefficients.map((c) => Math.abs(c.coefficient)));
  const columns: Column<ResponseCoefficient>[] = [
    { head: "Input", cell: (c) => idHtml(c.label, 60), className: "wide-cell" },
    { head: "Effect", cell: effectInWords, className: "wide-cell" },
    {
      head: "Less ◂ ▸ more likely",
      cell: (c) =>
        html`<span class="diverging ${c.coefficient < 0 ? "low" : "high"}" style="--part:${(Math.abs(c.coefficient) / most).toFixed(4)}"></span>`,
      className: "bar-cell",
    },
    { head: "Log-odds", numeric: true, cell: (c) => fixed(c.coefficient, 3) },
  ];
  return html`${foldedTable("Inputs of the response model, strongest first", columns, sorted, {
    shown: 12,
    others: (n) => `The other ${count(n)} inputs`,
    className: STACKS,
  })}`;
}

function effectInWords({ coefficient, per }: ResponseCoefficient): string {
  const unit = per === "standard-deviation" ? "one standard deviation more" : "if so";
  const odds = Math.exp(coefficient);
  if (Math.abs(coefficient) < 0.005) return "makes no difference";
  return `${unit}: the odds are ${fixed(odds, 2)} times as high`;
}
