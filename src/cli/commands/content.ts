import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { CouponcastError, invalidArgument } from "../../errors.js";
import { count } from "../../report/format.js";
import { rejectionInWords } from "../../report/reasons.js";
import { addCommand, addCommonOptions, type CommonOptions, required, setAction } from "../command.js";
import { openMatrixFile } from "../open-matrix-file.js";
import { integer, list, oneCharacter, weights } from "../option-values.js";
import { byteSize, counted, labelled } from "../text-layout.js";
import { withOutputs } from "../with-outputs.js";

interface ContentOptions extends CommonOptions {
  out: string;
  matrix?: string;
  id: string;
  category?: string[];
  tags?: string[];
  text?: string[];
  attributes?: string[];
  weights?: Record<string, number>;
  hashBits: number;
  bins: number;
  seed: number;
  format?: "csv" | "jsonl" | "parquet";
  delimiter?: string;
  memory: number;
}

export function addContent(program: Command): void {
  const command = addCommand(program, {
    name: "content",
    summary: "items' categories, tags, words and numbers to profiles",
    description: `Writes a profile of each item, made from columns of a table of items: hashed TF-IDF of its category, tags and words, and
soft bins of its numbers, every profile of length 1. With profiles, \`recommend --method content\` finds items like those
that a user has dealt with, also items that nobody has dealt with yet; \`similar --axis users\` finds items like an item.

FILES are CSV, JSONL or Parquet, also .gz and .zst. Name at least one column.`,
    examples: [
      [
        "for the items of a matrix (ingest with --items, so that new items are in it)",
        "content items.csv --matrix matrix.safetensors --category category --tags tags --text name,description -o profiles.safetensors",
      ],
      [
        "numbers too, words counting half",
        "content items.parquet --category category --text name --attributes price,size --weights text=0.5 -o profiles.safetensors",
      ],
      ["items like each item", "similar profiles.safetensors --axis users -k 10 -o alike.csv"],
    ],
  })
    .argument("<files...>", "files of the items table")
    .addOption(required("-o, --out <file>", "the profiles, .safetensors; it appears whole, at the end"))
    .option("--matrix <file>", "behaviour matrix whose items get profiles; default: all items of the table")
    .option("--id <column>", "id of the item", "item_id")
    .option("--category <columns>", "columns whose whole value is one feature", list)
    .option("--tags <columns>", "columns of tags, separated by commas, semicolons or bars", list)
    .option("--text <columns>", "columns of words", list)
    .option("--attributes <columns>", "columns of numbers", list)
    .option(
      "--weights <list>",
      "how much category, tags, text and attribute count, such as text=0.5 (default: 1)",
      weights,
    )
    .option("--hash-bits <count>", "tokens of a column fall into 2^count features", integer(1, 24), 18)
    .option("--bins <count>", "quantiles that numbers are measured from", integer(2, 1000), 8)
    .option("--seed <number>", "of the hash", integer(0, 2 ** 32 - 1), 1)
    .addOption(new Option("--format <name>", "default: by the files' ending").choices(["csv", "jsonl", "parquet"]))
    .option("--delimiter <character>", "of CSV; default: found out", oneCharacter)
    .option("--memory <megabytes>", "limit for reading the table", integer(128), 2048);
  addCommonOptions(command);
  setAction<ContentOptions>(command, async (session, files, options) => {
    const { ItemProfiles } = await import("../../score/content/item-profiles.js");
    const { readItemContent } = await import("../../ingest/item-content.js");
    const { category: categories, tags, text, attributes, hashBits, bins, seed, out } = options;
    const matrix = options.matrix === undefined ? undefined : await openMatrixFile(options.matrix);
    try {
      const columns = { categories, tags, text, attributes };
      const profiles = new ItemProfiles({ ...columns, weights: kinds(options.weights), hashBits, bins, seed, matrix });
      const inputs = [...files.map((file) => resolve(file)), ...(matrix === undefined ? [] : [matrix.path])];
      const endings = [".safetensors"];
      const result = await withOutputs(session, [{ path: out, endings }], inputs, async (output) => {
        session.progress.update({ stage: "reading", done: 0, total: undefined });
        const request = {
          source: { files: [...files], format: options.format, delimiter: options.delimiter },
          id: options.id,
          columns: profiles.columns,
          baseDir: process.cwd(),
          tempDir: output.scratch,
          threads: session.threads ?? 1,
          memoryLimitMb: options.memory,
          signal: session.signal,
        };
        const rejected = await readItemContent(request, (id, values) => profiles.add(id, values)).catch((thrown) => {
          throw thrown instanceof CouponcastError ? inOptions(thrown) : thrown;
        });
        session.progress.update({ stage: "profiles", done: 0, total: undefined });
        const summary = await profiles.write(output.path);
        return { ...summary, rejected, bytes: (await stat(output.path)).size };
      });
      const { numItems, numFeatures, nnz, numWithout, numUnknown, rejected, bytes } = result;
      return {
        json: { out: resolve(out), ...result },
        lines: [
          `profiles of ${counted(numItems, "item")}: ${counted(numFeatures, "feature")}, ${counted(nnz, "cell")}`,
          ...(numWithout > 0 ? [`  ${counted(numWithout, "item")} without any value`] : []),
          ...(numUnknown > 0 ? [`  ${counted(numUnknown, "item")} of the table not in the matrix: left out`] : []),
          ...labelled(Object.entries(rejected).map(([reason, n]) => [rejectionInWords(reason), count(n)])),
          `${out} (${byteSize(bytes)})`,
        ],
      };
    } finally {
      matrix?.close();
    }
  });
}

/** A column that is not there is named by an option here, not by a campaign file. */
function inOptions(error: CouponcastError): CouponcastError {
  if (error.field?.startsWith("inputs.items.columns") !== true) return error;
  const { code, message, file, line, field } = error;
  const hint =
    field === "inputs.items.columns.id"
      ? "name the column of the ids with --id"
      : "name columns of the table with --category, --tags, --text and --attributes";
  return new CouponcastError(code, message, { cause: error, hint, file, line });
}

const KINDS = ["category", "tags", "text", "attribute"] as const;

function kinds(given: Record<string, number> | undefined): Partial<Record<(typeof KINDS)[number], number>> | undefined {
  const unknown = Object.keys(given ?? {}).find((kind) => !KINDS.includes(kind as (typeof KINDS)[number]));
  if (unknown !== undefined)
    throw invalidArgument(`expected weights of ${KINDS.join(", ")} but received one of ${JSON.stringify(unknown)}`);
  return given;
}
