import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { count, signed } from "../../report/format.js";
import { addCommand, addCommonOptions, type CommonOptions, required, setAction } from "../command.js";
import type { ProfileOptions, ProfileTables } from "../profile-tables.js";
import { brief, byteSize, counted, table } from "../text-layout.js";
import { TABLE_ENDINGS, withOutputs } from "../with-outputs.js";

interface Options extends CommonOptions, ProfileOptions {
  out: string;
  users?: string;
}

/** Of each segment in the summary; the table has all. */
const FEATURES_SHOWN = 3;
const SEGMENTS_SHOWN = 20;

export function addProfile(program: Command): void {
  const command = addCommand(program, {
    name: "profile",
    summary: "what sets each segment apart, and one table of all that is known of each user",
    description: `Compares the users of each segment with all others, feature by feature: mean, mean of the others, and the
difference in standard deviations within the two groups. Writes for each segment its features, the most telling first.
With --users it also writes the table of all features of each user.

TABLES are CSV, JSONL or Parquet, also .gz and .zst, with one row a user: the users of the first, and what the others
know of them. One of them says who is in which segment. A column that an earlier table has is not taken again.`,
    examples: [
      ["what sets the segments apart", "profile segments.parquet -o segment-profiles.csv"],
      [
        "with RFM scores and what each user does next",
        "profile segments.parquet rfm.parquet next.parquet -o segment-profiles.parquet --users profiles.parquet",
      ],
      ["by another column", "profile customers.csv --id customer --by city -o cities.csv"],
    ],
  })
    .argument("<tables...>", "tables of users")
    .option("--id <column>", "id of the user, in every table; unique", "user_id")
    .option("--by <column>", "segment of the user; empty: in none", "segment")
    .option("--users <file>", "all columns of each user: .csv, .parquet or .jsonl")
    .addOption(required("-o, --out <file>", "profiles of the segments: .csv, .parquet or .jsonl"))
    .option("--raw", "CSV: do not put an apostrophe before texts that a spreadsheet would take for a formula");
  addCommonOptions(command);
  setAction<Options>(command, async (session, paths, options) => {
    const { profileTables } = await import("../profile-tables.js");
    const { findTable } = await import("../../table/read-table.js");
    const sources = await Promise.all(paths.map((path, t) => findTable(path, `input${t}`)));
    const inputs = sources.flatMap(({ files }) => files.map((file) => file.path));
    const wanted = [
      { path: options.out, endings: TABLE_ENDINGS },
      options.users === undefined ? undefined : { path: options.users, endings: TABLE_ENDINGS },
    ] as const;
    const { result, bytes } = await withOutputs(session, wanted, inputs, async (output, users) => {
      const result = await profileTables(session, sources, options, output, users);
      return { result, bytes: (await stat(output.path)).size };
    });
    return {
      json: { out: resolve(options.out), bytes, ...result },
      lines: [...summary(result), "", `${options.out} (${byteSize(bytes)})`, ...[options.users ?? []].flat()],
    };
  });
}

function summary({ numUsers, numUnsegmented, segments }: ProfileTables): string[] {
  const rows = segments
    .slice(0, SEGMENTS_SHOWN)
    .flatMap(({ segment, size, features }) =>
      features
        .slice(0, FEATURES_SHOWN)
        .map(({ feature, mean, restMean, difference }, i) => [
          i === 0 ? segment.slice(0, 40) : "",
          i === 0 ? count(size) : "",
          feature.slice(0, 40),
          brief(mean ?? Number.NaN),
          brief(restMean ?? Number.NaN),
          signed(difference, 2),
        ]),
    );
  const more = segments.length - SEGMENTS_SHOWN;
  return [
    `${counted(numUsers, "user")}, ${counted(segments.length, "segment")}${numUnsegmented > 0 ? `, ${count(numUnsegmented)} in none` : ""}`,
    "",
    ...table(["segment", "users", "feature", "mean", "others", "difference"], rows),
    ...(more > 0 ? [`  and ${counted(more, "further segment")} (see --json)`] : []),
  ];
}
