import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { count, gapPercent, percent } from "../../report/format.js";
import type { AllocateTableOptions, AllocateTableResult } from "../allocate-table.js";
import { addCommand, addCommonOptions, type CommonOptions, required, setAction } from "../command.js";
import { decimal, integer, list, moneyOrNone, namedNumber } from "../option-values.js";
import { brief, byteSize, counted, labelled, table } from "../text-layout.js";
import { TABLE_ENDINGS, withOutputs } from "../with-outputs.js";

interface AllocateOptions extends CommonOptions, AllocateTableOptions {
  coupons?: string;
  out: string;
}

const MAX_COUPONS_SHOWN = 50;
const money = integer(0, 9e12);

export function addAllocate(program: Command): void {
  const command = addCommand(program, {
    name: "allocate",
    summary: "who gets which coupon, under budgets and stock",
    description: `Hands out coupons so that the sum of the values is as large as the limits allow: a total budget, budgets and stock
by coupon, coupons a user, groups of which a user gets one. Never breaks a limit; prints an upper bound that no
assignment can exceed, and the gap to it. Money is in minor units (cents).

TABLE (CSV, JSONL or Parquet) has a row for each coupon that a user may get: user_id, coupon_id, value_minor (what
it is expected to bring) and cost_minor (what it is expected to cost). Writes user_id, coupon_id, rank, value_minor,
cost_minor.`,
    examples: [
      ["spend at most 50,000.00", "allocate candidates.parquet --budget 5000000 -o assignments.parquet"],
      [
        "limits from a table with coupon_id, stock, budget_minor, exclusive_group",
        "allocate candidates.csv --budget 5000000 --coupons coupons.csv -o assignments.csv",
      ],
      [
        "limits by hand; two coupons a user, but only one of TEN and TWENTY",
        "allocate candidates.csv --budget none --stock TEN=500 --coupon-budget TWENTY=100000 --exclusive TEN,TWENTY --per-user 2 -o out.csv",
      ],
      [
        "at least a tenth of the money to new users; accounts that share a device or a card count as one",
        "allocate candidates.parquet --budget 5000000 --segment tier --floor-share new=0.1 --identity device,card -o out.parquet",
      ],
    ],
  })
    .argument("<table>", "candidates")
    .addOption(required("--budget <minor>", 'most cost in all, in minor units, or "none"', moneyOrNone))
    .option("--user <column>", "id of the user", "user_id")
    .option("--coupon <column>", "id of the coupon", "coupon_id")
    .option("--value <column>", "expected value, minor units; rows below 0 are left out", "value_minor")
    .option("--cost <column>", "expected cost, minor units, at least 0", "cost_minor")
    .option("--per-user <count>", "coupons a user, at most", integer(1, 1000), 1)
    .option(
      "--coupons <file>",
      "table of the coupons: coupon_id, and stock, budget_minor, exclusive_group, campaign, channel (empty: no limit)",
    )
    .option("--stock <coupon=count>", "pieces of a coupon; may be repeated", namedNumber(integer(0)))
    .option("--coupon-budget <coupon=minor>", "most cost of a coupon; may be repeated", namedNumber(money))
    .option(
      "--exclusive <coupons>",
      "a user gets one of these at most: ids with commas; may be repeated",
      (text, before: string[][] = []) => [...before, list(text)],
    )
    .option(
      "--campaign-budget <campaign=minor>",
      "most cost of a campaign's coupons; may be repeated",
      namedNumber(money),
    )
    .option("--channel-budget <channel=minor>", "most cost of a channel's coupons; may be repeated", namedNumber(money))
    .option("--segment <column>", "segment of the user: budgets and floors may be by segment")
    .option("--segment-budget <segment=minor>", "most cost of a segment; may be repeated", namedNumber(money))
    .option("--floor-pieces <segment=count>", "fewest coupons of a segment; may be repeated", namedNumber(integer(0)))
    .option(
      "--floor-share <segment=share>",
      "least share of the budget that a segment gets; may be repeated",
      namedNumber(decimal(0, 1)),
    )
    .option("--face <column>", "what a coupon costs when it is redeemed, minor units")
    .option("--face-budget <minor>", "most cost if everybody redeems; needs --face", money)
    .option(
      "--cap <coupons=count>",
      "a user gets so many of these coupons at most: ids with commas; may be repeated, nested",
      namedNumber(integer(0, 1000)),
    )
    .option("--identity <columns>", "accounts that share a value of one of these columns count as one user", list)
    .option("--sigma <column>", "standard error of the value, minor units")
    .option("--risk-aversion <kappa>", "weighs value - kappa * sigma; needs --sigma", decimal(0, 1000))
    .addOption(required("-o, --out <file>", "where to write: .csv, .parquet or .jsonl"))
    .option("--raw", "CSV: do not put an apostrophe before ids that a spreadsheet would take for a formula");
  addCommonOptions(command);
  setAction<AllocateOptions>(command, async (session, [path], options) => {
    const { findTable } = await import("../../table/read-table.js");
    const { allocateTable } = await import("../allocate-table.js");
    const candidates = await findTable(path!, "input");
    const coupons = options.coupons === undefined ? undefined : await findTable(options.coupons, "coupons");
    const inputs = [...candidates.files, ...(coupons?.files ?? [])].map((file) => file.path);
    const { result, bytes } = await withOutputs(
      session,
      [{ path: options.out, endings: TABLE_ENDINGS }],
      inputs,
      async (output) => ({
        result: await allocateTable(session, { candidates, coupons }, options, output),
        bytes: (await stat(output.path)).size,
      }),
    );
    const { allocation, ...rest } = result;
    const { multipliers, assigned, valueMinor, spendMinor, upperBoundMinor, gap } = allocation;
    const json = {
      out: resolve(options.out),
      bytes,
      budgetMinor: Number.isFinite(options.budget) ? options.budget : null,
      assigned,
      valueMinor,
      spendMinor,
      upperBoundMinor,
      gap,
      budgetMultiplier: multipliers.budget,
      ...rest,
    };
    return { json, lines: summary(result, options, bytes) };
  });
}

function minor(amount: number): string {
  return amount.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

function summary(
  { allocation, coupons, constraints, ...result }: AllocateTableResult,
  options: AllocateOptions,
  bytes: number,
): string[] {
  const { assigned, valueMinor, spendMinor, upperBoundMinor, gap, multipliers } = allocation;
  const share = options.budget > 0 ? ` (${percent(spendMinor / options.budget)})` : "";
  const facts: [string, string][] = [
    [
      "candidates",
      `${count(result.numCandidates)} of ${counted(result.numUsers, "user")} and ${counted(coupons.length, "coupon")}`,
    ],
    ["assigned", `${counted(assigned, "coupon")} to ${counted(result.numAssignedUsers, "user")}`],
    ["value", minor(valueMinor)],
    [
      "spend",
      options.budget === Number.POSITIVE_INFINITY
        ? `${minor(spendMinor)}, no budget`
        : `${minor(spendMinor)} of a budget of ${minor(options.budget)}${share}`,
    ],
    ["upper bound", `${minor(upperBoundMinor)}; gap ${gapPercent(gap)}`],
  ];
  if (Number.isFinite(options.budget))
    facts.push(["multiplier", `one more minor unit of budget is worth about ${brief(multipliers.budget)}`]);
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
    ...(others.length > 0 ? ["", ...table(["limit", "", "used", "per unit"], others)] : []),
    "",
    `${options.out} (${byteSize(bytes)}); money in minor units`,
  ];
}
