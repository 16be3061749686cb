import { type Command, Option } from "commander";
import type { FeatureDrift } from "../../profile/drift.js";
import { count, percent } from "../../report/format.js";
import { addCommand, addCommonOptions, type CommonOptions, setAction } from "../command.js";
import type { DriftTablesOptions } from "../drift-tables.js";
import { list } from "../option-values.js";
import { brief, counted, table } from "../text-layout.js";

const MAX_ROWS_SHOWN = 50;

export function addDrift(program: Command): void {
  const command = addCommand(program, {
    name: "drift",
    summary: "do later users differ from earlier ones? (population stability index)",
    description: `Compares two tables of users with their segments, such as segments.parquet of two runs: the shares of the segments,
and each feature by the tenths of its old values. The index is the sum of (new - old) ln(new / old) over the shares:
below 0.1 stable, from 0.1 moderate, from 0.25 large. Segments that were found anew have other borders, so users of
both tables are counted in the old segment that is nearest; with --same-segments as the tables say.

OLD and NEW are CSV, JSONL or Parquet, also .gz and .zst.`,
    examples: [
      ["two runs of a campaign", "drift march/segments.parquet april/segments.parquet"],
      ["segments by `assign` or by rule mean the same in both", "drift old.csv new.csv --same-segments --segment rfm"],
    ],
  })
    .argument("<old>", "the earlier users")
    .argument("<new>", "the later ones")
    .option("--id <column>", "id of the user", "user_id")
    .option("--segment <column>", "segment of the user, empty for none", "segment")
    .option("--features <columns>", "columns with commas between them (default: all numbers that both have)", list)
    .addOption(
      new Option("--scale <how>", "of the distance to a segment: log: ln(1 + x) and then standard")
        .choices(["log", "standard", "none"])
        .default("log"),
    )
    .option("--same-segments", "equal segments mean the same in both tables");
  addCommonOptions(command);
  setAction<CommonOptions & DriftTablesOptions>(command, async (session, [before, after], options) => {
    const { findTable } = await import("../../table/read-table.js");
    const { driftTables } = await import("../drift-tables.js");
    const drift = await driftTables(session, await findTable(before!, "old"), await findTable(after!, "new"), options);
    const { numOld, numNew, segments, features } = drift;
    return {
      json: drift,
      lines: [
        `${counted(numOld, "user")} before, ${counted(numNew, "user")} now`,
        "",
        ...(segments === null
          ? ["the old table has no segments"]
          : [
              `segments: index ${segments.psi.toFixed(3)}, ${segments.level}`,
              "",
              ...table(
                ["segment", "before", "now"],
                shown(
                  segments.shares.map(({ segment, old, new: now }) => [
                    segment ?? "none",
                    `${count(old)} (${percent(old / numOld)})`,
                    `${count(now)} (${percent(now / numNew)})`,
                  ]),
                ),
              ),
            ]),
        ...hidden(segments?.shares.length ?? 0, "segment"),
        "",
        ...table(["feature", "index", "", "median before", "now"], shown(byIndex(features).map(featureRow))),
        ...hidden(features.length, "feature"),
      ],
    };
  });
}

/** Largest first; equal ones in the order of the table. */
function byIndex(features: readonly FeatureDrift[]): FeatureDrift[] {
  return [...features].sort((a, b) => b.psi - a.psi);
}

function featureRow({ name, psi, level, oldMedian, newMedian }: FeatureDrift): string[] {
  const median = (value: number | null) => (value === null ? "–" : brief(value));
  return [name.slice(0, 60), psi.toFixed(3), level, median(oldMedian), median(newMedian)];
}

const shown = (rows: string[][]) => rows.slice(0, MAX_ROWS_SHOWN);

function hidden(rows: number, noun: string): string[] {
  const more = rows - MAX_ROWS_SHOWN;
  return more > 0 ? [`  and ${counted(more, `more ${noun}`)} (see --json)`] : [];
}
