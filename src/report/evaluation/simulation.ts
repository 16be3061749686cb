import type { PolicyResult, Simulation } from "../../simulate/simulation.js";
import { barChart } from "../chart/bar-chart.js";
import { figure } from "../chart/figure.js";
import { SPEND, VALUE } from "../chart/theme.js";
import { count, type Money, mean, moneyFormat, percent, percentTick } from "../format.js";
import { pageHtml } from "../page.js";
import { paragraph, type Section } from "../section/section.js";
import { table } from "../table.js";
import { evaluationSummary } from "./summary.js";

/** The page of a simulation: what the campaign earns beside the oracle and the baselines, and what each part brings. */
export async function simulationPage(simulation: Simulation): Promise<string> {
  const { policies, numEligibleUsers, numUsers, meanRedemption, costOnlyShare } = simulation;
  const money = moneyFormat(simulation.currency);
  const own = policies.find(({ kind }) => kind === "campaign")!;
  const best = policies.find(({ kind }) => kind === "oracle")!;
  return pageHtml({
    title: "Simulation · couponcast",
    summary: evaluationSummary(
      "Simulation",
      `The campaign earns ${money.amount(own.profitMinor)} and closes ${percent(own.closedShare)} of the gap between random coupons and the best that is possible.`,
      [
        {
          term: "Best possible",
          value: money.amount(best.profitMinor),
          note: `by the truth; nothing within the limits earns more than ${money.amount(simulation.upperBoundMinor)}`,
        },
        { term: "Users", value: count(numEligibleUsers), note: `of ${count(numUsers)} may have a coupon` },
        { term: "Redemption", value: percent(meanRedemption), note: "of all coupons that may be handed out" },
        { term: "Only cost", value: percent(costOnlyShare), note: "of these users: no coupon earns anything on them" },
      ],
    ),
    sections: [await policySection(simulation, money), ...(await partsSection(own, simulation, money))],
    numSegments: 0,
  });
}

async function policySection({ policies, numFloors }: Simulation, money: Money): Promise<Section> {
  const ranked = policies.filter(({ kind }) => kind !== "ablation").sort((a, b) => b.profitMinor - a.profitMinor);
  return {
    id: "policies",
    short: "Policies",
    title: "What each policy earns",
    body: [
      await figure({
        key: "profit",
        title: "True profit",
        caption:
          "Expected margin that would not have been, less all discounts; at the ends the share of the gap closed between random and oracle.",
        ...barChart({
          rows: ranked.map(({ name }) => name),
          series: [
            {
              name: "True profit",
              colour: VALUE,
              values: ranked.map(({ profitMinor }) => profitMinor),
              label: (_, row) => percent(ranked[row]!.closedShare),
            },
          ],
          axisName: "True profit",
          axisFormat: money.compact,
        }),
        table: policyTable("Policies", ranked, money, numFloors),
      }),
      paragraph(
        "Every policy is played against the truth under the same budgets, stocks and rules; a coupon goes out only while its true expected cost, and for budgets of face cost its discount, still fits. What counts towards a floor goes out first.",
      ),
    ],
  };
}

/** Nothing where the campaign was not played without its parts. */
async function partsSection(own: PolicyResult, { policies, numFloors }: Simulation, money: Money): Promise<Section[]> {
  const parts = policies.filter(({ kind }) => kind === "ablation");
  if (parts.length === 0) return [];
  const brings = parts.map(({ closedShare }) => own.closedShare - closedShare);
  return [
    {
      id: "parts",
      short: "Parts",
      title: "What each part brings",
      body: [
        await figure({
          key: "parts-chart",
          title: "Share of the gap lost without a part",
          caption:
            "The campaign with all its parts less the campaign without that one; a negative bar is a part that harms.",
          ...barChart({
            rows: parts.map(({ name }) => name),
            series: [{ name: "Lost", colour: SPEND, values: brings, label: (value) => percent(value) }],
            axisName: "Share of the gap",
            axisFormat: percentTick,
          }),
          table: policyTable("Without parts", parts, money, numFloors),
        }),
      ],
    },
  ];
}

function policyTable(label: string, policies: readonly PolicyResult[], money: Money, numFloors: number) {
  const number = (head: string, cell: (row: PolicyResult) => string) => ({ head, numeric: true, cell });
  return table(
    label,
    [
      { head: "Policy", cell: ({ name }: PolicyResult) => name },
      { head: "What it does", cell: ({ about }: PolicyResult) => about },
      number("True profit", ({ profitMinor }) => money.amount(profitMinor)),
      number("Gap closed", ({ closedShare }) => percent(closedShare)),
      number("Regret", ({ regretMinor }) => money.amount(regretMinor)),
      number("Spent", ({ spendMinor }) => money.amount(spendMinor)),
      number("Coupons", ({ handedOut }) => count(Math.round(handedOut))),
      number("Redeemed", ({ redemptions }) => count(Math.round(redemptions))),
      number("Bought anyway", ({ redeemedAnyway }) => count(Math.round(redeemedAnyway))),
      ...(numFloors > 0 ? [number("Floors missed", ({ floorsMissed }) => mean(floorsMissed))] : []),
    ],
    policies,
  );
}
