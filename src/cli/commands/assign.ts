import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { count, percent } from "../../report/format.js";
import type { OutputFile } from "../../table/output-file.js";
import type { AssignTableOptions } from "../assign-table.js";
import { addCommand, addCommonOptions, type CommonOptions, required, type Session, setAction } from "../command.js";
import { sum } from "../list-rows.js";
import { byteSize, counted, table } from "../text-layout.js";
import { TABLE_ENDINGS, withOutputs } from "../with-outputs.js";

interface AssignOptions extends CommonOptions, AssignTableOptions {
  out: string;
}

const MAX_SEGMENTS_SHOWN = 50;

export function addAssign(program: Command): void {
  const command = addCommand(program, {
    name: "assign",
    summary: "later users in the segments that were found before",
    description: `Puts each row of a features table into the segment of a model whose centre is nearest, after the scaling that the
model has learned; a missing value counts as the mean of the users that the model was made from. Writes id, segment and
the model's features, sorted by id, as \`couponcast segment\` does, and tells whether the segments' shares have moved.

TABLE is CSV, JSONL or Parquet, also .gz and .zst. \`couponcast segment --model\` writes models. Of a behaviour matrix
(.safetensors) the model is one that was made of a matrix; items are matched by their ids.`,
    examples: [
      [
        "last month's segments, this month's users",
        "assign features.parquet --model segments.safetensors -o segments.parquet",
      ],
      [
        "by the items that users have to do with",
        "assign matrix.safetensors --model tastes.safetensors -o tastes.parquet",
      ],
      ["a table of one's own", "assign new.csv --id customer --model segments.safetensors -o new-segments.csv"],
    ],
  })
    .argument("<table>", "features: one row a user; or a behaviour matrix")
    .addOption(required("--model <file>", "the model (.safetensors)"))
    .option("--id <column>", "id of the user; unique", "user_id")
    .option("--active <column>", "rows where this is 0 or empty get no segment (default: num_events, if there is one)")
    .addOption(required("-o, --out <file>", "where to write: .csv, .parquet or .jsonl"))
    .option("--raw", "CSV: do not put an apostrophe before ids that a spreadsheet would take for a formula");
  addCommonOptions(command);
  setAction<AssignOptions>(command, async (session, [path], options) => {
    const { inputs, assigned } = await sourceOf(session, path!, options);
    const { result, bytes } = await withOutputs(
      session,
      [{ path: options.out, endings: TABLE_ENDINGS }],
      [...inputs, resolve(options.model)],
      async (output) => ({ result: await assigned(output), bytes: (await stat(output.path)).size }),
    );
    const { sizes, numUnsegmented, stability } = result;
    const total = sum(sizes);
    const rows = sizes.map((size, s) => [String(s), count(size), total > 0 ? percent(size / total) : "–"]);
    const more = rows.length - MAX_SEGMENTS_SHOWN;
    return {
      json: { out: resolve(options.out), bytes, ...result },
      lines: [
        `${counted(total, "user")} in ${counted(sizes.length, "segment")}`,
        ...(numUnsegmented > 0 ? [`${counted(numUnsegmented, "user")} without a segment: nothing to go by`] : []),
        ...(stability === null
          ? []
          : [`the shares of the segments: stability index ${stability.psi.toFixed(3)}, ${stability.level}`]),
        "",
        ...table(["segment", "users", "share"], rows.slice(0, MAX_SEGMENTS_SHOWN)),
        ...(more > 0 ? [`  and ${counted(more, "more segment")} (see --json)`] : []),
        "",
        `${options.out} (${byteSize(bytes)})`,
      ],
    };
  });
}

/** The files that are read, and what makes the result of them. */
async function sourceOf(session: Session, path: string, options: AssignOptions) {
  if (path.toLowerCase().endsWith(".safetensors")) {
    const { assignMatrix } = await import("../assign-matrix.js");
    return { inputs: [resolve(path)], assigned: (output: OutputFile) => assignMatrix(session, path, options, output) };
  }
  const { findTable } = await import("../../table/read-table.js");
  const { assignTable } = await import("../assign-table.js");
  const source = await findTable(path, "input");
  return {
    inputs: source.files.map((file) => file.path),
    assigned: (output: OutputFile) => assignTable(session, source, options, output),
  };
}
