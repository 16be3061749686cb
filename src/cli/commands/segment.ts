import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { CouponcastError } from "../../errors.js";
import { count, percent } from "../../report/format.js";
import type { OutputFile } from "../../table/output-file.js";
import { addCommand, addCommonOptions, type CommonOptions, required, type Session, setAction } from "../command.js";
import { sum } from "../list-rows.js";
import { list } from "../option-values.js";
import { addDbscanOptions, dbscanLines, SEGMENT_METHODS } from "../segment-dbscan.js";
import { addKmeansOptions, checkChoice, kmeansLines, writePlot } from "../segment-kmeans.js";
import type { SegmentMatrixResult } from "../segment-matrix.js";
import type { SegmentTableOptions, SegmentTableResult } from "../segment-table.js";
import { brief, byteSize, counted, table } from "../text-layout.js";
import { TABLE_ENDINGS, withOutputs } from "../with-outputs.js";

interface SegmentOptions extends CommonOptions, SegmentTableOptions {
  out: string;
  model?: string;
  plot?: string;
}

const MODEL_ENDINGS = [".safetensors"] as const;
const PLOT_ENDINGS = [".html"] as const;

const MAX_SEGMENT_COLUMNS = 8;
const MAX_SEGMENTS_SHOWN = 50;

export function addSegment(program: Command): void {
  const command = addCommand(program, {
    name: "segment",
    summary: "segments of users who are alike (K-means, DBSCAN)",
    description: `Groups the rows of a features table by K-means (k-means++, Lloyd), or by DBSCAN: dense places, and users who
are in none. Features are scaled first, a missing value counts as the mean of the others. Segments are numbered by
size, 0 is the largest. Writes id, segment and the features, sorted by id. The same for any order of the rows and
any number of threads.

TABLE is CSV, JSONL or Parquet, also .gz and .zst: \`couponcast ingest --features\` makes one. A behaviour matrix
(.safetensors) is segmented by its rows at unit length: by which items users have to do with.`,
    examples: [
      ["six segments of the shoppers", "segment features.parquet -k 6 -o segments.parquet"],
      ["twenty tastes, by the items of the users", "segment matrix.safetensors -k 20 -o tastes.parquet"],
      [
        "and the model that puts later users into them",
        "segment matrix.safetensors -k 20 -o tastes.parquet --model tastes.safetensors",
      ],
      [
        "as many tastes as the silhouette says, and a page with the curves",
        "segment matrix.safetensors --k-range 5:30 --plot choice.html -o tastes.parquet",
      ],
      ["as many segments as the silhouette says", "segment features.parquet -k auto -o segments.parquet"],
      ["of 2 to 30, by the elbow", "segment features.parquet --k-range 2:30 --k-by elbow -o segments.parquet"],
      ["of very many users", "segment features.parquet -k 50 --mini-batch 10000 -o segments.parquet"],
      ["users count by what they spend", "segment features.parquet -k 6 --weights monetary_minor -o segments.parquet"],
      [
        "the same of a matrix: user_id and weight are columns of another table",
        "segment matrix.safetensors -k 20 --weights weights.csv -o tastes.parquet",
      ],
      [
        "by three columns of a table of one's own",
        "segment customers.csv --id customer --features age,orders,spend --scale standard -k 4 -o segments.csv",
      ],
      [
        "as many as there are dense places, by distances that the table itself suggests",
        "segment features.parquet --method dbscan --min-samples 20 -o segments.parquet",
      ],
      [
        "crowds of users with nearly the same items",
        "segment matrix.safetensors --method dbscan --metric cosine --eps 0.3 -o crowds.parquet",
      ],
      ["the best of ten starts", "segment features.parquet -k 12 --init 'k-means||' --n-init 10 -o segments.parquet"],
      [
        "from last month's centres on",
        "segment features.parquet --start segments.safetensors --model april.safetensors -o april.parquet",
      ],
      ["by all columns that begin with count_", "segment features.parquet --features 'count_*' -o segments.jsonl"],
    ],
  })
    .argument("<table>", "features: one row a user; or a behaviour matrix")
    .addOption(new Option("--method <name>", "how to find segments").choices(SEGMENT_METHODS).default("kmeans"))
    .option("--id <column>", "id of the user; unique", "user_id")
    .option(
      "--features <columns>",
      "columns with commas between them, * at the end for all that begin so (default: all numbers)",
      list,
    )
    .option("--active <column>", "rows where this is 0 or empty get no segment (default: num_events, if there is one)")
    .addOption(
      new Option("--scale <how>", "log: ln(1 + x) and then standard; standard: mean 0, variance 1")
        .choices(["log", "standard", "none"])
        .default("log"),
    )
    .addOption(required("-o, --out <file>", "where to write: .csv, .parquet or .jsonl"))
    .option("--model <file>", "also write the model (.safetensors) that puts later users into these segments")
    .option("--raw", "CSV: do not put an apostrophe before ids that a spreadsheet would take for a formula");
  addKmeansOptions(command);
  addDbscanOptions(command);
  addCommonOptions(command);
  setAction<SegmentOptions>(command, async (session, [path], options) => {
    if (options.model !== undefined && options.method !== "kmeans") {
      throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", "--model needs segments of --method kmeans", {
        field: "--model",
        hint: "Dense places have no centre that later users could be compared with.",
      });
    }
    if (options.start !== undefined && options.method !== "kmeans") {
      throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", "--start needs segments of --method kmeans", {
        field: "--start",
        hint: "Dense places are found without a start.",
      });
    }
    checkChoice(options);
    const { inputs, found } = await (path!.toLowerCase().endsWith(".safetensors") ? ofMatrix : ofTable)(
      session,
      path!,
      options,
    );
    const { result, bytes } = await withOutputs(
      session,
      [{ path: options.out, endings: TABLE_ENDINGS }, modelOutput(options), plotOutput(options)],
      inputs,
      async (output, model, plot) => {
        const result = await found(output, model);
        await writePlot(plot, result);
        return { result, bytes: (await stat(output.path)).size };
      },
    );
    return {
      json: { out: resolve(options.out), ...modelPath(options), ...plotPath(options), bytes, ...result },
      lines: [
        ...(result.method === "dbscan" ? dbscanLines(result) : kmeansLines(result)),
        "",
        ...("means" in result ? [...profile(result), ""] : []),
        `${options.out} (${byteSize(bytes)})`,
        ...[options.model, options.plot].filter((path) => path !== undefined),
      ],
    };
  });
}

/** The files that are read, and what finds and writes the segments. */
interface Source {
  inputs: string[];
  found(output: OutputFile, model: OutputFile | undefined): Promise<SegmentTableResult | SegmentMatrixResult>;
}

async function ofTable(session: Session, path: string, options: SegmentOptions): Promise<Source> {
  if (options.metric === "cosine") {
    throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", "--metric cosine needs a behaviour matrix", {
      field: "--metric",
      hint: "The features of a table are compared by euclidean distance.",
    });
  }
  const { findTable } = await import("../../table/read-table.js");
  const { segmentTable } = await import("../segment-table.js");
  const source = await findTable(path, "input");
  return {
    inputs: [...source.files.map((file) => file.path), ...startPath(options)],
    found: (output, model) => segmentTable(session, source, options, output, model),
  };
}

async function ofMatrix(session: Session, path: string, options: SegmentOptions): Promise<Source> {
  const { segmentMatrix } = await import("../segment-matrix.js");
  const { findTable } = await import("../../table/read-table.js");
  const weights = options.weights === undefined ? undefined : await findTable(options.weights, "weights");
  return {
    inputs: [resolve(path), ...(weights?.files ?? []).map((file) => file.path), ...startPath(options)],
    found: (output, model) => segmentMatrix(session, path, { ...options, weights }, output, model),
  };
}

const startPath = ({ start }: SegmentOptions) => (start === undefined ? [] : [resolve(start)]);
const modelPath = ({ model }: SegmentOptions) => (model === undefined ? {} : { model: resolve(model) });
const plotPath = ({ plot }: SegmentOptions) => (plot === undefined ? {} : { plot: resolve(plot) });
const modelOutput = ({ model }: SegmentOptions) =>
  model === undefined ? undefined : { path: model, endings: MODEL_ENDINGS };
const plotOutput = ({ plot }: SegmentOptions) =>
  plot === undefined ? undefined : { path: plot, endings: PLOT_ENDINGS };

/** Sizes and means of the segments; the segments are columns where they are few. */
function profile({ names, sizes, means }: SegmentTableResult): string[] {
  const total = sum(sizes);
  const rows = sizes
    .slice(0, MAX_SEGMENTS_SHOWN)
    .map((size, s) => [
      String(s),
      count(size),
      percent(size / total),
      ...means[s]!.map((mean) => (mean === null ? "–" : brief(mean))),
    ]);
  const header = ["segment", "users", "share", ...names.map((name) => `mean ${name.slice(0, 40)}`)];
  const more = sizes.length - rows.length;
  if (more > 0) return [...table(header, rows), `  and ${counted(more, "smaller segment")} (see --json)`];
  if (rows.length > MAX_SEGMENT_COLUMNS) return table(header, rows);
  const [first, ...rest] = header.map((label, c) => [label, ...rows.map((row) => row[c]!)]);
  return table(first!, rest);
}
