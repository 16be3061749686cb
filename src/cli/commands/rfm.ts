import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { DEFAULT_CUTS, NUM_CUTS, RFM_CUT_RULES } from "../../campaign/rfm-rules.js";
import { quoteIdentifier, quoteLiteral } from "../../duckdb/duckdb.js";
import { RFM_COLUMNS } from "../../profile/rfm.js";
import type { RfmSummary, RfmTableOptions } from "../../profile/rfm-table.js";
import { count, percent } from "../../report/format.js";
import { COPY_OPTIONS, guardedTextSql } from "../../table/csv-guard.js";
import { tableFormatOf } from "../../table/table-format.js";
import { addCommand, addCommonOptions, type CommonOptions, required, setAction } from "../command.js";
import { decimal, list } from "../option-values.js";
import { brief, byteSize, counted, table } from "../text-layout.js";
import { TABLE_ENDINGS, withOutputs } from "../with-outputs.js";

interface RfmOptions extends CommonOptions, Omit<RfmTableOptions, "cuts"> {
  recencyCuts: readonly number[];
  frequencyCuts: readonly number[];
  monetaryCuts: readonly number[];
  out: string;
  raw?: boolean;
}

const EXAMPLES: readonly (readonly [string, string])[] = [
  ["scores by fifths of the shoppers who buy", "rfm features.parquet -o rfm.parquet"],
  [
    "by limits of one's own, on a table of one's own",
    "rfm customers.csv --id customer --recency days --frequency orders --monetary spend --cut fixed --recency-cuts 14,30,60,120 -o rfm.csv",
  ],
];

export function addRfm(program: Command): void {
  const command = addCommand(program, {
    name: "rfm",
    summary: "segments by recency, frequency and monetary value",
    description: `Scores each user from 1 to 5 by the days since the last order, the number of orders and the money spent, and names
the segments as usual: champions, loyal, at risk, hibernating and others (docs/profiles.md has the table). Users
without orders have no scores. Equal values have equal scores, so neither the order of the rows nor the number of
threads changes a byte.

TABLE is CSV, JSONL or Parquet, also .gz and .zst: \`couponcast ingest --features\` makes one.`,
    examples: EXAMPLES,
  })
    .argument("<table>", "one row a user")
    .option("--id <column>", "id of the user; unique", RFM_COLUMNS.id)
    .option("--recency <column>", "days since the last order", RFM_COLUMNS.recency)
    .option("--frequency <column>", "number of orders", RFM_COLUMNS.frequency)
    .option("--monetary <column>", "money spent", RFM_COLUMNS.monetary)
    .addOption(
      new Option("--cut <how>", "quantile: a fifth of those who buy has each score; fixed: by the limits below")
        .choices(RFM_CUT_RULES)
        .default("quantile"),
    )
    .option("--recency-cuts <days>", "four limits: up to the first is a 5", limits, DEFAULT_CUTS.recencyDays)
    .option("--frequency-cuts <orders>", "four limits: from the last on is a 5", limits, DEFAULT_CUTS.frequency)
    .option("--monetary-cuts <amounts>", "likewise", limits, DEFAULT_CUTS.monetary)
    .addOption(required("-o, --out <file>", "where to write: .csv, .parquet or .jsonl"))
    .option("--raw", "CSV: do not put an apostrophe before ids that a spreadsheet would take for a formula");
  addCommonOptions(command);
  setAction<RfmOptions>(command, async (session, [path], options) => {
    const { findTable, TableReader } = await import("../../table/read-table.js");
    const { scoreRfm } = await import("../../profile/rfm-table.js");
    const { checkThreads } = await import("../../executor/executor.js");
    const source = await findTable(path!, "input");
    const inputs = source.files.map((file) => file.path);
    const cuts = {
      recencyDays: options.recencyCuts,
      frequency: options.frequencyCuts,
      monetary: options.monetaryCuts,
    };
    const wanted = [{ path: options.out, endings: TABLE_ENDINGS }] as const;
    const { result, bytes } = await withOutputs(session, wanted, inputs, async (output) => {
      session.progress.update({ stage: "reading", done: 0, total: undefined });
      const reader = await TableReader.open([source], {
        scratch: output.scratch,
        threads: checkThreads(session.threads),
        signal: session.signal,
      });
      try {
        const result = await scoreRfm(reader, source, { ...options, cuts });
        const format = tableFormatOf(output.path);
        const id = format === "csv" && !options.raw ? guardedTextSql("id") : "id";
        await reader.db.run(`COPY (
          SELECT ${id} AS ${quoteIdentifier(options.id)}, segment, rfm_segment, rfm, recency_score, frequency_score,
            monetary_score, recency_days, frequency, monetary
          FROM scored ORDER BY position
        ) TO ${quoteLiteral(output.path)} (${COPY_OPTIONS[format]})`);
        return { result, bytes: (await stat(output.path)).size };
      } finally {
        reader.close();
      }
    });
    return {
      json: { out: resolve(options.out), bytes, ...result },
      lines: [...summary(result), "", `${options.out} (${byteSize(bytes)})`],
    };
  });
}

function limits(text: string): number[] {
  const numbers = list(text).map(decimal(0));
  if (numbers.length === NUM_CUTS && numbers.every((n, i) => i === 0 || n > numbers[i - 1]!)) return numbers;
  throw new InvalidArgumentError("Expected four ascending numbers with commas between them.");
}

function summary({ numUsers, numUnsegmented, segments }: RfmSummary): string[] {
  const buyers = numUsers - numUnsegmented;
  const rows = segments.map(({ name, size, meanRecencyDays, meanFrequency, meanMonetary }, s) => [
    name,
    String(s),
    count(size),
    percent(size / buyers),
    brief(meanRecencyDays),
    brief(meanFrequency),
    brief(meanMonetary),
  ]);
  return [
    `${counted(buyers, "user")} with orders${numUnsegmented > 0 ? `, ${count(numUnsegmented)} without` : ""}`,
    "",
    ...table(["segment", "no.", "users", "share", "mean days", "mean orders", "mean money"], rows),
  ];
}
