import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { count, percent } from "../../report/format.js";
import { addCommand, addCommonOptions, type CommonOptions, required, setAction } from "../command.js";
import { decimal } from "../option-values.js";
import { byteSize, counted, table } from "../text-layout.js";
import type { TransitionsOptions, TransitionTables } from "../transition-tables.js";
import { TABLE_ENDINGS, withOutputs } from "../with-outputs.js";

interface Options extends CommonOptions, TransitionsOptions {
  out: string;
  next?: string;
  segments?: string;
}

export function addTransitions(program: Command): void {
  const command = addCommand(program, {
    name: "transitions",
    summary: "what users do next: a Markov chain of behaviours",
    description: `Counts how often each behaviour is followed by each other one of the same user, for all users and for each
segment: probabilities, time in between (mean and median), where the chain settles, and with what chance and in how
many steps it gets to a purchase. With --next it also writes for each user the chance that its next behaviour comes
within the horizon, by what those did who had been silent for as long after the same behaviour.

SEQUENCES is a file that \`couponcast ingest --sequences\` makes.`,
    examples: [
      ["the shop's transitions", "transitions sequences.safetensors -o transitions.csv"],
      [
        "for each segment, and what each user does next",
        "transitions sequences.safetensors --segments segments.parquet -o transitions.csv --next next.parquet",
      ],
      ["what came before", "transitions sequences.safetensors --direction backward --smoothing 1 -o before.csv"],
    ],
  })
    .argument("<sequences>", "behaviour sequences, .safetensors")
    .option("--segments <file>", "table of user_id and segment")
    .option("--target <behaviour>", "where the steps lead to", "purchase")
    .addOption(
      new Option("--direction <how>", "forward: of what comes next; backward: of what came before")
        .choices(["forward", "backward"])
        .default("forward"),
    )
    .option("--smoothing <number>", "added to every count before it becomes a probability", decimal(0, 1e12), 0)
    .option("--horizon-days <days>", "of --next", decimal(0, 1e6, true), 14)
    .option("--next <file>", "chance of each next behaviour of each user: .csv, .parquet or .jsonl")
    .addOption(required("-o, --out <file>", "the transitions: .csv, .parquet or .jsonl"))
    .option("--raw", "CSV: do not put an apostrophe before ids that a spreadsheet would take for a formula");
  addCommonOptions(command);
  setAction<Options>(command, async (session, [path], options) => {
    const { transitionTables } = await import("../transition-tables.js");
    const { findTable } = await import("../../table/read-table.js");
    const segments = options.segments === undefined ? undefined : await findTable(options.segments, "segments");
    const inputs = [resolve(path!), ...(segments?.files ?? []).map((file) => file.path)];
    const wanted = [
      { path: options.out, endings: TABLE_ENDINGS },
      options.next === undefined ? undefined : { path: options.next, endings: TABLE_ENDINGS },
    ] as const;
    const { result, bytes } = await withOutputs(session, wanted, inputs, async (output, next) => {
      const result = await transitionTables(session, path!, segments, options, output, next);
      return { result, bytes: (await stat(output.path)).size };
    });
    return {
      json: { out: resolve(options.out), bytes, ...result },
      lines: [...summary(result), "", `${options.out} (${byteSize(bytes)})`, ...[options.next ?? []].flat()],
    };
  });
}

/** The chain of all users; the segments are in the table. */
function summary({ behaviours, numEvents, target, all, segments }: TransitionTables): string[] {
  const n = behaviours.length;
  const chance = (p: number | null) => percent(p);
  const rows = behaviours.map((name, from) => [
    name.slice(0, 40),
    ...behaviours.map((_, to) => chance(all.probabilities[from * n + to] ?? null)),
    chance(all.stationary?.[from] ?? null),
    chance(all.reaches[from] ?? null),
    all.stepsIfReached[from]?.toFixed(2) ?? "–",
  ]);
  const header = [
    "from \\ to",
    ...behaviours.map((name) => name.slice(0, 40)),
    "settles",
    `gets to ${target}`,
    "steps",
  ];
  return [
    `${counted(all.numUsers, "user")}, ${counted(numEvents, "event")}${segments.length > 0 ? `, ${count(segments.length)} segments` : ""}`,
    "",
    ...table(header, rows),
  ];
}
