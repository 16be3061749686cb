import { figure, legendOf } from "../chart/figure.js";
import { frontierChart, marginalChart } from "../chart/frontier-chart.js";
import { ACCENT, BOUND, MUTED, VALUE } from "../chart/theme.js";
import { DASH, gapInWords } from "../format.js";
import { type Html, html } from "../html.js";
import type { FrontierPoint } from "../report-data.js";
import { type Column, table } from "../table.js";
import type { View } from "../view.js";
import { explorationHtml } from "./exploration.js";
import { limitsTable } from "./limits.js";
import { nothingToShow, paragraph, type Section } from "./section.js";

export async function budgetSection(view: View): Promise<Section> {
  const points = [...view.data.frontier].sort((a, b) => a.budgetMinor - b.budgetMinor);
  return {
    id: "budget",
    short: "Budget",
    title: "Would another budget be better?",
    body:
      points.length < 2
        ? [
            nothingToShow("The plan was not solved for other budgets, so there is no comparison."),
            limitsTable(view),
            await explorationHtml(view),
          ]
        : [
            paragraph(
              "The same shoppers and coupons, planned again for other budgets. The first money goes where it earns most; each further step earns less.",
            ),
            await frontier(view, points),
            await marginal(view, points),
            limitsTable(view),
            await explorationHtml(view),
          ],
  };
}

function pointsTable(view: View, points: readonly FrontierPoint[]): Html {
  const { money } = view;
  const columns: Column<FrontierPoint>[] = [
    {
      head: "Budget",
      numeric: true,
      cell: (p) =>
        html`${money.amount(p.budgetMinor)}${p.chosen ? html`<span class="sub">this campaign</span>` : null}`,
    },
    { head: "Expected spend", numeric: true, cell: (p) => money.amount(p.spendMinor) },
    { head: "Extra margin", numeric: true, cell: (p) => money.amount(p.valueMinor) },
    { head: "Upper bound", numeric: true, cell: (p) => money.amount(p.upperBoundMinor) },
    {
      head: `Margin per extra ${money.unit}`,
      numeric: true,
      cell: (p) => (p.budgetMultiplier === null ? DASH : money.exact(p.budgetMultiplier * money.minorPerMajor)),
    },
    { head: "The plan is", cell: (p) => gapInWords(p.valueMinor, p.upperBoundMinor) ?? DASH },
  ];
  return table("Plans for other budgets", columns, points);
}

function frontier(view: View, points: readonly FrontierPoint[]): Promise<Html> {
  const bounded = points.some((p) => p.upperBoundMinor !== null);
  return figure({
    key: "budget-frontier",
    title: "Extra margin by budget",
    caption: bounded
      ? "The line is what the plan earns at each budget; the pale band under it is the upper bound that no plan can pass. Where they lie on each other, the plan is as good as the best possible."
      : "What the plan earns at each budget.",
    ...frontierChart(points, view.money),
    legend: legendOf([
      { colour: VALUE, name: "Expected extra margin", mark: "line" },
      ...(bounded ? [{ colour: BOUND, name: "Upper bound", mark: "line" as const }] : []),
      { colour: ACCENT, name: "This campaign", mark: "dot" },
    ]),
    table: pointsTable(view, points),
  });
}

async function marginal(view: View, points: readonly FrontierPoint[]): Promise<Html | null> {
  const known = points.filter((p) => p.budgetMultiplier !== null);
  if (known.length < 2) return null;
  const { money, data } = view;
  const before = data.headline.valueBasis === "before-discount";
  const breakEven = before ? 1 : 0;
  return figure({
    key: "marginal-value",
    title: `What one more ${money.unit} of budget would bring`,
    caption: before
      ? `Above the dashed line a further ${money.unit} of discount brings more than ${money.unit} of extra margin; below it, growing the budget costs more than it brings.`
      : "Discounts are deducted already: as long as the line is above zero, growing the budget adds margin.",
    ...marginalChart(known, money, breakEven),
    legend: legendOf([
      { colour: VALUE, name: `Extra margin per extra ${money.unit}`, mark: "line" },
      { colour: MUTED, name: before ? `${money.unit}: pays for itself` : "zero: nothing to gain", mark: "dash" },
      { colour: ACCENT, name: "This campaign", mark: "dot" },
    ]),
    table: pointsTable(view, known),
  });
}
