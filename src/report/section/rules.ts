import type { RuleLine, RuleSummary } from "../behaviour-data.js";
import { figure } from "../chart/figure.js";
import { ruleGraph } from "../chart/rule-graph.js";
import { count, decimal, percent } from "../format.js";
import type { Html } from "../html.js";
import { type Column, foldedTable, STACKS } from "../table.js";
import { truncateMiddle } from "../text.js";
import type { View } from "../view.js";
import { nothingToShow, paragraph, type Section } from "./section.js";

const RULES_SHOWN = 12;
const BASKETS = { order: "orders", "user-day": "days of a shopper", user: "shoppers" };

/** What is bought together; no section where nobody asked. */
export async function rulesSection(view: View): Promise<Section[]> {
  const { rules } = view.data;
  if (rules === undefined) return [];
  const { by, numBaskets, minCount, numItemsets, numRules, numUsers, numAssigned, best } = rules;
  const told = paragraph(
    `Of ${count(numBaskets)} ${BASKETS[by]}, at least ${count(minCount)} hold each of ${count(numItemsets)} sets of items; ${count(numRules)} rules follow. The latest basket of ${count(numUsers)} shoppers suggests a coupon; ${count(numAssigned)} were handed out for that reason.`,
  );
  const body =
    best.length === 0
      ? [told, nothingToShow("No rule is strong enough to show.")]
      : [
          told,
          await figure({
            key: "rule-graph",
            title: "The strongest rules",
            caption:
              "Each line is one of the rules that say most beyond chance: who buys what it comes from often buys what it leads to as well. Thicker lines are more certain.",
            ...ruleGraph(best),
            table: ruleTable(rules),
          }),
        ];
  return [{ id: "rules", short: "Bought together", title: "What is bought together", body }];
}

function ruleTable({ best }: RuleSummary): Html {
  const names = (ids: readonly string[]) => ids.map((id) => truncateMiddle(id, 40)).join(", ");
  const columns: Column<RuleLine>[] = [
    { head: "Who buys", cell: ({ antecedent }) => names(antecedent), className: "wide-cell" },
    { head: "also buys", cell: ({ consequent }) => names(consequent), className: "wide-cell" },
    { head: "Baskets", numeric: true, cell: ({ count: n }) => count(n) },
    { head: "Share", numeric: true, cell: ({ support }) => percent(support) },
    { head: "Certainty", numeric: true, cell: ({ confidence }) => percent(confidence) },
    { head: "Times chance", numeric: true, cell: ({ lift }) => decimal(lift) },
  ];
  return foldedTable("Rules: what is bought together", columns, best, {
    shown: RULES_SHOWN,
    others: (n) => `The other ${count(n)} rules`,
    className: STACKS,
  });
}
