/** Allocation problems as linear programmes in the LP format, for a solver that knows nothing of duals and polish. */
import type { Instance } from "./allocation.js";

const milli = (minor: number) => Math.round(minor * 1000);
const costMilli = (minor: number) => Math.ceil(minor * 1000 - 1e-6);

/** `integer`: each candidate is handed out or not; else the relaxation. */
export function lpOf({ candidates, limits }: Instance, integer: boolean): string {
  const { width, counts, coupons, valueMinor, costMinor } = candidates;
  const rows: string[] = [];
  const sum = (places: number[], of: (at: number) => number) =>
    places
      .filter((at) => of(at) !== 0)
      .map((at) => `+ ${of(at)} x${at}`)
      .join(" ");
  const atMost = (places: number[], of: (at: number) => number, limit: number | undefined) => {
    const left = sum(places, of);
    if (limit !== undefined && left !== "") rows.push(`r${rows.length}: ${left} <= ${limit}`);
  };
  const all: number[] = [];
  for (let user = 0; user < counts.length; user++) {
    const mine = Array.from({ length: counts[user]! }, (_, j) => user * width + j);
    all.push(...mine);
    atMost(mine, () => 1, limits.perUser ?? 1);
    const groups = new Set(limits.coupons.map(({ exclusiveGroup }) => exclusiveGroup));
    groups.delete(undefined);
    for (const group of groups)
      atMost(
        mine.filter((at) => limits.coupons[coupons[at]!]!.exclusiveGroup === group),
        () => 1,
        1,
      );
  }
  const cost = (at: number) => costMilli(costMinor[at]!);
  const budget = (minor: number | undefined) => (minor === undefined ? undefined : milli(minor));
  atMost(all, cost, budget(limits.budgetMinor));
  for (const [j, { stock, budgetMinor }] of limits.coupons.entries()) {
    const mine = all.filter((at) => coupons[at] === j);
    atMost(mine, () => 1, stock);
    atMost(mine, cost, budget(budgetMinor));
  }
  const bounds = all.map((at) => `0 <= x${at} <= 1`);
  return [
    "Maximize",
    `obj: ${sum(all, (at) => milli(valueMinor[at]!)) || "+ 0 x0"}`,
    "Subject To",
    ...(rows.length > 0 ? rows : [`none: ${all.map((at) => `+ 0 x${at}`).join(" ") || "+ 0 x0"} <= 1`]),
    "Bounds",
    ...bounds,
    ...(integer ? ["General", all.map((at) => `x${at}`).join(" ")] : []),
    "End",
  ].join("\n");
}
