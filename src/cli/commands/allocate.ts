import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { invalidArgument } from "../../errors.js";
import { allocationSummary } from "../allocate-summary.js";
import type { AllocateTableOptions } from "../allocate-table.js";
import { addCommand, addCommonOptions, type CommonOptions, required, setAction } from "../command.js";
import { decimal, integer, list, moneyOrNone, namedNumber } from "../option-values.js";
import { TABLE_ENDINGS, withOutputs } from "../with-outputs.js";

interface AllocateOptions extends CommonOptions, AllocateTableOptions {
  coupons?: string;
  out: string;
  decisionsOutput?: string;
  frontierOutput?: string;
}

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
      [
        "draw a twentieth of the users by lot, so that other policies can be evaluated later",
        "allocate candidates.parquet --budget 5000000 --explore-epsilon 0.05 -o out.parquet --decisions-output decisions.parquet",
      ],
      [
        "what other budgets would bring, and up to which budget the last cent brings two",
        "allocate candidates.parquet --budget 5000000 --frontier 20 --target-roi 2 -o out.parquet --frontier-output frontier.csv",
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
    .option("--explore-epsilon <share>", "draw this share of the users by lot, evenly within the limits", decimal(0, 1))
    .option(
      "--explore-temperature <minor>",
      "draw by lot among what is worth nearly the same: e times rarer for each so many minor units less",
      decimal(0, 1e8),
    )
    .option("--explore-reserve <share>", "set this share of every limit aside, as draws scatter", decimal(0, 0.999))
    .addOption(new Option("--seed <number>", "of the draws").argParser(integer(0)).default(1))
    .option(
      "--decisions-output <file>",
      "of draws: each user, how many coupons, the propensity of that, and whether it is what the best allocation gives (target_propensity)",
    )
    .option("--frontier <points>", "allocate so many other budgets too, up to twice the budget", integer(1, 1000))
    .option("--frontier-output <file>", "table of these budgets, their value, spend and bound")
    .option(
      "--target-roi <ratio>",
      "find the budget whose last minor unit still brings this much value",
      decimal(0, 1e9),
    )
    .addOption(required("-o, --out <file>", "where to write: .csv, .parquet or .jsonl"))
    .option("--raw", "CSV: do not put an apostrophe before ids that a spreadsheet would take for a formula");
  addCommonOptions(command);
  setAction<AllocateOptions>(command, async (session, [path], options) => {
    checkExtras(options);
    const { findTable } = await import("../../table/read-table.js");
    const { allocateTable } = await import("../allocate-table.js");
    const candidates = await findTable(path!, "input");
    const coupons = options.coupons === undefined ? undefined : await findTable(options.coupons, "coupons");
    const inputs = [...candidates.files, ...(coupons?.files ?? [])].map((file) => file.path);
    const table = (path: string) => ({ path, endings: TABLE_ENDINGS });
    const maybe = (path: string | undefined) => (path === undefined ? undefined : table(path));
    const { result, bytes } = await withOutputs(
      session,
      [table(options.out), maybe(options.decisionsOutput), maybe(options.frontierOutput)],
      inputs,
      async (assignments, decisions, frontier) => ({
        result: await allocateTable(session, { candidates, coupons }, options, {
          assignments: assignments!,
          decisions,
          frontier,
        }),
        bytes: (await stat(assignments!.path)).size,
      }),
    );
    const { allocation, ...rest } = result;
    const { multipliers, upperBoundMinor, gap } = allocation;
    const { assigned, valueMinor, spendMinor } = result.exploration ?? allocation;
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
    return { json, lines: allocationSummary(result, options, bytes) };
  });
}

/** Options that mean nothing without another. */
function checkExtras(options: AllocateOptions): void {
  const explores = options.exploreEpsilon !== undefined || options.exploreTemperature !== undefined;
  const draws = "--explore-epsilon or --explore-temperature";
  if (!explores && options.decisionsOutput !== undefined)
    throw invalidArgument(`--decisions-output needs ${draws}: without draws every decision is certain`);
  if (!explores && options.exploreReserve !== undefined) throw invalidArgument(`--explore-reserve needs ${draws}`);
  if (options.frontierOutput !== undefined && options.frontier === undefined && options.targetRoi === undefined)
    throw invalidArgument("--frontier-output needs --frontier, the number of budgets");
}
