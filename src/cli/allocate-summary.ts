/** What `allocate` prints. */
import type { Frontier } from "../allocate/frontier.js";
import { count, gapPercent, percent } from "../report/format.js";
import type { AllocateTableResult } from "./allocate-table.js";
import { brief, byteSize, counted, labelled, table } from "./text-layout.js";

const MAX_COUPONS_SHOWN = 50;

function minor(amount: number): string {
  return amount.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

export function allocationSummary(
  { allocation, coupons, constraints, ...result }: AllocateTableResult,
  { budget, out }: { budget: number; out: string },
  bytes: number,
): string[] {
  const { upperBoundMinor, gap, multipliers } = allocation;
  const { exploration, frontier } = result;
  const { assigned, valueMinor, spendMinor } = exploration ?? allocation;
  const share = budget > 0 ? ` (${percent(spendMinor / budget)})` : "";
  const facts: [string, string][] = [
    [
      "candidates",
      `${count(result.numCandidates)} of ${counted(result.numUsers, "user")} and ${counted(coupons.length, "coupon")}`,
    ],
    ["assigned", `${counted(assigned, "coupon")} to ${counted(result.numAssignedUsers, "user")}`],
    ["value", minor(valueMinor)],
    [
      "spend",
      budget === Number.POSITIVE_INFINITY
        ? `${minor(spendMinor)}, no budget`
        : `${minor(spendMinor)} of a budget of ${minor(budget)}${share}`,
    ],
    ["upper bound", `${minor(upperBoundMinor)}; gap ${gapPercent(gap)}`],
  ];
  if (Number.isFinite(budget))
    facts.push(["multiplier", `one more minor unit of budget is worth about ${brief(multipliers.budget)}`]);
  if (exploration !== null) {
    const { expected, givenUpMinor } = exploration;
    facts.push(
      ["drawn by lot", `on the average worth ${minor(expected.valueMinor)} for ${minor(expected.spendMinor)}`],
      ["given up", `${minor(givenUpMinor)} of the best allocation's ${minor(allocation.valueMinor)}`],
    );
  }
  if (frontier?.recommendedBudgetMinor !== undefined) facts.push(["recommended", recommendation(frontier)]);
  if (result.numNegative > 0) facts.push(["left out", `${counted(result.numNegative, "candidate")} of negative value`]);
  const limit = (value: number | null) => (value === null ? "–" : count(value));
  const rows = coupons
    .slice(0, MAX_COUPONS_SHOWN)
    .map((c) => [
      c.id.slice(0, 40),
      count(c.assigned),
      limit(c.stock),
      brief(c.stockMultiplierMinor),
      minor(c.spendMinor),
      limit(c.budgetMinor),
      brief(c.budgetMultiplier),
      minor(c.valueMinor),
    ]);
  const header = ["coupon", "assigned", "stock", "per piece", "spend", "budget", "per unit", "value"];
  const more = coupons.length - rows.length;
  const others = constraints.map((c) => [
    c.name.slice(0, 40),
    `${c.kind === "floor" ? "at least" : "at most"} ${minor(c.limit)}${c.counts === "pieces" ? " pieces" : ""}`,
    minor(c.used),
    brief(c.multiplier),
  ]);
  return [
    ...labelled(facts),
    "",
    ...table(header, rows),
    ...(more > 0 ? [`  and ${counted(more, "more coupon")} (see --json)`] : []),
    ...exploredLines(exploration),
    ...frontierLines(frontier),
    ...(others.length > 0 ? ["", ...table(["limit", "", "used", "per unit"], others)] : []),
    "",
    `${out} (${byteSize(bytes)}); money in minor units`,
  ];
}

function recommendation({ points, recommendedBudgetMinor: budget }: Frontier): string {
  const last = points.at(-1)!;
  return budget! < last.budgetMinor
    ? `a budget of ${minor(budget!)}: beyond it a unit brings less than the target`
    : `a budget of ${minor(budget!)} or more: the last unit still brings ${brief(last.marginalValue)}`;
}

function exploredLines(exploration: AllocateTableResult["exploration"]): string[] {
  if (exploration === null || exploration.limits.length === 0) return [];
  const rows = exploration.limits
    .slice(0, MAX_COUPONS_SHOWN)
    .map((l) => [l.name.slice(0, 40), minor(l.limit), minor(l.expected), brief(l.deviation), minor(l.drawn)]);
  return ["", ...table(["limit", "", "expected", "deviation", "drawn"], rows)];
}

function frontierLines(frontier: AllocateTableResult["frontier"]): string[] {
  if (frontier === null) return [];
  const rows = frontier.points.map((p) => [
    minor(p.budgetMinor),
    minor(p.spendMinor),
    minor(p.valueMinor),
    p.roi === null ? "–" : brief(p.roi),
    brief(p.marginalValue),
  ]);
  return ["", ...table(["budget", "spend", "value", "a unit", "the last unit"], rows)];
}
