import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { CouponcastError } from "../../errors.js";
import type { IngestResult } from "../../ingest/ingest-types.js";
import { count } from "../../report/format.js";
import { rejectionInWords } from "../../report/reasons.js";
import {
  addCommand,
  addCommonOptions,
  type CommonOptions,
  type Outcome,
  required,
  type Session,
  setAction,
} from "../command.js";
import { type IngestOptions, ingestInto, requestOf } from "../ingest-files.js";
import { decimal, instant, integer, list, oneCharacter, timeZone, weights } from "../option-values.js";
import { errorInOptionWords, inOptionWords } from "../option-words.js";
import { byteSize, counted, labelled } from "../text-layout.js";
import { TABLE_ENDINGS, withOutputs } from "../with-outputs.js";

export function addIngest(program: Command): void {
  const command = addCommand(program, {
    name: "ingest",
    summary: "behaviour logs to a behaviour matrix",
    description: `Reads events, cleans them and writes the behaviour matrix: for each user and item the sum over their events of
weight(behaviour) * 0.5^(age / half-life), then normalised. Rejected rows are counted by reason; when too many are,
nothing is written (but the rejected rows, if --rejected asks for them). Neither the order of rows and files nor the
number of threads changes a byte.

FILES are CSV, JSONL or Parquet, also .gz and .zst; patterns such as 'events/*.csv' may be quoted.`,
    examples: [
      ["columns user_id, item_id, behaviour, time", "ingest events.csv -o matrix.safetensors"],
      [
        "till receipts: every row is a purchase",
        "ingest 'tills/*.csv.gz' -o matrix.safetensors --user customer --item sku --time sold_at --time-format '%d/%m/%Y %H:%M' --time-zone Europe/Berlin --behaviour-constant purchase",
      ],
      [
        "recent behaviour counts more; features for `segment`",
        "ingest events.parquet -o matrix.safetensors --half-life-days 90 --features features.parquet",
      ],
      ["see what was rejected", "ingest events.csv -o matrix.safetensors --rejected rejected.csv"],
    ],
  })
    .argument("<files...>", "event files")
    .addOption(required("-o, --out <file>", "the matrix, .safetensors; it appears whole, at the end"))
    .option("--user <column>", "id of the user", "user_id")
    .option("--item <column>", "id of the item", "item_id")
    .option("--behaviour <column>", "what the user did", "behaviour")
    .addOption(new Option("--behaviour-constant <name>", "every row is this behaviour").conflicts("behaviour"))
    .option("--time <column>", "when", "time")
    .option("--time-format <format>", "iso, epoch-seconds, epoch-millis, or a strptime pattern", "iso")
    .option("--time-zone <zone>", "IANA zone of times without an offset, and of calendar days", timeZone, "UTC")
    .option("--quantity <column>", "pieces of a purchase")
    .option("--price <column>", "price of a purchase")
    .addOption(
      new Option("--price-unit <unit>", "cents, or euros with a fraction").choices(["minor", "major"]).default("minor"),
    )
    .addOption(
      new Option("--price-per <what>", "one piece, or the whole line").choices(["unit", "line"]).default("unit"),
    )
    .option("--minor-per-major <count>", "minor units in a major one", integer(1, 9999), 100)
    .option("--event-id <column>", "id of the event, to find duplicates (default: same user, item, behaviour and time)")
    .option("--order <column>", "order or invoice that a purchase belongs to")
    .addOption(
      new Option("--format <format>", "of the files (default: by their ending)").choices(["csv", "jsonl", "parquet"]),
    )
    .option("--delimiter <character>", "of CSV (default: found out)", oneCharacter)
    .option(
      "--weights <list>",
      'weight of each behaviour, others are rejected (default: "browse=1,search=2,purchase=5")',
      weights,
    )
    .option("--purchase-behaviour <name>", "the behaviour that is an order", "purchase")
    .option(
      "--half-life-days <days>",
      "an event's weight halves every so many days (default: no decay)",
      decimal(0, 1e6, true),
    )
    .addOption(
      new Option("--normalise <how>", "of the cells")
        .choices(["none", "log1p", "min-max", "z-score", "l2"])
        .default("log1p"),
    )
    .option("--as-of <time>", "the present, ISO 8601: later events are rejected (default: the latest event)", instant)
    .option("--window-days <days>", "events older than this are rejected", decimal(0, 1e6, true))
    .option("--max-rejected-share <share>", "give up when more of the rows are rejected, 0 to 1", decimal(0, 1), 0.5)
    .option("--users <file>", "table of users (user_id ...): all of them get a row")
    .option("--items <file>", "table of items (item_id ...): all of them get a column")
    .option("--rejected <file>", "keep the rejected rows: .csv, .parquet or .jsonl")
    .option("--features <file>", "features of each user (counts, recency, frequency, monetary value): likewise")
    .option("--sequences <file>", "keep the users' behaviours in the order of time for `transitions`: .safetensors")
    .option("--baskets <file>", "keep what was bought together for `mine`: .safetensors")
    .addOption(
      new Option("--baskets-by <what>", "what makes a basket: an order, a user's day, or all of a user's events")
        .choices(["order", "user-day", "user"])
        .default("order"),
    )
    .option("--baskets-of <list>", "behaviours that count in baskets (default: the purchase behaviour)", list)
    .option("--memory <megabytes>", "limit of the reader's memory, at least 128", integer(128, 1e8), 4096)
    .option("--raw", "CSV: do not put an apostrophe before texts that a spreadsheet would take for a formula");
  addCommonOptions(command);
  setAction<IngestOptions & CommonOptions>(command, async (session, files, options) => {
    try {
      return await runIngest(session, files, options);
    } catch (thrown) {
      throw thrown instanceof CouponcastError ? errorInOptionWords(thrown) : thrown;
    }
  });
}

async function runIngest(session: Session, files: string[], options: IngestOptions): Promise<Outcome> {
  const { resolveSource } = await import("../../source/source.js");
  const request = await requestOf(files, options);
  const inputs: string[] = [];
  for (const [input, source] of [
    ["events", request.events[0]!] as const,
    ["users", request.users] as const,
    ["items", request.items] as const,
  ]) {
    if (source === undefined) continue;
    const resolved = await resolveSource(source, {
      baseDir: process.cwd(),
      input,
      field: `inputs.${input}`,
    });
    inputs.push(...resolved.files.map(({ path }) => path));
  }
  const optional = (path: string | undefined) => (path === undefined ? undefined : { path, endings: TABLE_ENDINGS });
  const wanted = [
    { path: options.out, endings: [".safetensors"] },
    optional(options.rejected),
    optional(options.features),
    options.sequences === undefined ? undefined : { path: options.sequences, endings: [".safetensors"] },
    options.baskets === undefined ? undefined : { path: options.baskets, endings: [".safetensors"] },
  ] as const;
  const { result, bytes } = await withOutputs(
    session,
    wanted,
    inputs,
    (...[matrix, rejected, features, sequences, baskets]) =>
      ingestInto(session, request, options, { matrix, rejected, features, sequences, baskets }),
  );
  return { json: { out: resolve(options.out), bytes, ...result }, lines: summary(result, options, bytes) };
}

/** The cleaning funnel, and what came out of it. */
function summary(result: IngestResult, options: IngestOptions, bytes: number): string[] {
  const entries = Object.entries(result.rejected).filter(([, n]) => n > 0);
  const width = count(result.rowsRead).length;
  const funnel: [string, string][] = [
    ["read", `${count(result.rowsRead)} rows`],
    ...entries.map(([reason, n]): [string, string] => [
      "",
      `${count(n).padStart(width)} rejected: ${rejectionInWords(reason)}`,
    ]),
    ["accepted", `${count(result.rowsAccepted)} events, ${result.firstEvent} to ${result.lastEvent}`],
    ...Object.entries(result.eventsByBehaviour).map(([name, n]): [string, string] => [
      "",
      `${count(n).padStart(width)} ${name}`,
    ]),
    ["as of", result.asOf],
    [
      "matrix",
      `${counted(result.numUsers, "user")} x ${counted(result.numItems, "item")}, ${counted(result.nnz, "cell")}`,
    ],
  ];
  for (const [table, counts] of [
    ["users", result.rejectedUsers],
    ["items", result.rejectedItems],
  ] as const) {
    for (const [reason, n] of Object.entries(counts))
      funnel.push([`${table} file`, `${count(n)} rows rejected: ${rejectionInWords(reason)}`]);
  }
  const others = [options.rejected, options.features, options.sequences, options.baskets].filter(
    (path) => path !== undefined,
  );
  return [
    ...labelled(funnel),
    ...result.warnings.map((warning) => `  warning: ${inOptionWords(warning)}`),
    "",
    `${options.out} (${byteSize(bytes)})`,
    ...others,
  ];
}
