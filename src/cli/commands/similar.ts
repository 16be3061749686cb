import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { count } from "../../report/format.js";
import type { WeightingName } from "../../score/weighting.js";
import type { Matrix } from "../../store/matrix.js";
import type { OutputFile } from "../../table/output-file.js";
import { addCommand, addCommonOptions, type CommonOptions, required, type Session, setAction } from "../command.js";
import { partOf, sum } from "../list-rows.js";
import { openMatrixFile } from "../open-matrix-file.js";
import { decimal, integer } from "../option-values.js";
import { byteSize, counted } from "../text-layout.js";
import { TABLE_ENDINGS, withOutputs } from "../with-outputs.js";

interface SimilarOptions extends CommonOptions {
  axis: "users" | "items";
  neighbours: number;
  similarity: WeightingName;
  k1: number;
  b: number;
  lambda: number;
  includeSelf?: boolean;
  out: string;
  raw?: boolean;
}

export function addSimilar(program: Command): void {
  const command = addCommand(program, {
    name: "similar",
    summary: "the users or items most similar to each",
    description: `Finds the k nearest users of each user, or items of each item, exactly: similarity = sum of the products of the
weights of what both have (cosine by default). Only similarities above 0 count, so a row may have fewer than k.

Of a model of als, as \`recommend --save-model\` writes it, items are compared by the cosine of their vectors.

The ending of FILE chooses the format: .csv, .parquet, .jsonl with the columns user_id (or item_id), neighbour_id,
rank, score; or .safetensors, a model file with the tensors neighbours.indices, .scores and .counts.

A model file that takes long keeps what is finished in the folder FILE.unfinished: interrupted, the same command goes on
from there.`,
    examples: [
      ["items that are bought together", "similar matrix.safetensors --axis items -k 20 -o items.csv"],
      [
        "nearest users by BM25, as Parquet",
        "similar matrix.safetensors --axis users -k 50 --similarity bm25 -o users.parquet",
      ],
      ["items of the same taste, by the vectors of als", "similar als.safetensors --axis items -k 20 -o items.parquet"],
    ],
  })
    .argument("<matrix>", "behaviour matrix or model of als, .safetensors")
    .addOption(required("--axis <axis>", "what is compared").choices(["users", "items"]))
    .option("-k, --neighbours <count>", "of each row", integer(1, 2 ** 31 - 1), 50)
    .addOption(
      new Option("--similarity <name>", "how cells become weights")
        .choices(["cosine", "tfidf", "bm25", "saturation"])
        .default("cosine"),
    )
    .option("--k1 <number>", "of bm25: term saturation, at least 0", decimal(0, 1e9), 1.2)
    .option("--b <number>", "of bm25: length normalisation, 0 to 1", decimal(0, 1), 0.75)
    .option("--lambda <number>", "of saturation: r / (r + lambda), above 0", decimal(0, 1e30, true), 1)
    .option("--include-self", "let a row be its own neighbour")
    .addOption(required("-o, --out <file>", "where to write: .csv, .parquet, .jsonl or .safetensors"))
    .option("--raw", "CSV: do not put an apostrophe before ids that a spreadsheet would take for a formula");
  addCommonOptions(command);
  setAction<SimilarOptions>(command, async (session, [path], options) => {
    const { axis, neighbours: k, similarity, out } = options;
    const { isAlsModel } = await import("../../score/als-model-file.js");
    const { rows, written, bytes } = await (isAlsModel(path!) ? ofModel : ofMatrix)(session, path!, options);
    return {
      json: { out: resolve(out), axis, k, similarity, rows, neighbours: written, bytes },
      lines: [
        `${counted(rows, axis === "users" ? "user" : "item")}, ${counted(written, "neighbour")} (${similarity}, at most ${count(k)} each)`,
        `${out} (${byteSize(bytes)})`,
      ],
    };
  });
}

async function ofModel(session: Session, path: string, options: SimilarOptions) {
  const { checkFactorOptions, similarByFactors } = await import("../similar-by-factors.js");
  checkFactorOptions(options);
  const outputs = [{ path: options.out, endings: TABLE_ENDINGS }];
  return await withOutputs(session, outputs, [resolve(path)], async (output) => {
    const found = await similarByFactors(session, path, options, output);
    return { ...found, bytes: (await stat(output.path)).size };
  });
}

async function ofMatrix(session: Session, path: string, options: SimilarOptions) {
  const matrix = await openMatrixFile(path);
  try {
    const outputs = [{ path: options.out, endings: [...TABLE_ENDINGS, ".safetensors"] }];
    return await withOutputs(session, outputs, [matrix.path], async (output) => {
      const write = output.path.endsWith(".safetensors") ? writeModel : writeTable;
      const written = await write(session, matrix, options, output);
      const rows = options.axis === "users" ? matrix.numUsers : matrix.numItems;
      return { rows, written, bytes: (await stat(output.path)).size };
    });
  } finally {
    matrix.close();
  }
}

type Write = (session: Session, matrix: Matrix, options: SimilarOptions, output: OutputFile) => Promise<number>;

const writeModel: Write = async (session, matrix, options, output) => {
  const { writeNeighbours } = await import("../../score/similar.js");
  const { readTensors } = await import("../../store/tensors.js");
  await writeNeighbours(matrix, options.axis, output.path, {
    ...session.run(),
    ...scoringOf(options),
    keepIn: `${output.target}.unfinished`,
  });
  const counts = readTensors(output.path, { "neighbours.counts": "I32" })["neighbours.counts"];
  return sum(counts as Int32Array);
};

const writeTable: Write = async (session, matrix, options, output) => {
  const { similarItems, similarUsers } = await import("../../score/similar.js");
  const { matrixIds } = await import("../../table/matrix-ids.js");
  const { writeNeighbourTable } = await import("../neighbour-table.js");
  const { axis, raw } = options;
  const rows = axis === "users" ? matrix.numUsers : matrix.numItems;
  const similar = axis === "users" ? similarUsers : similarItems;
  return await writeNeighbourTable(session, output, {
    axis,
    ids: matrixIds(matrix, axis),
    rows,
    width: Math.min(options.neighbours, Math.max(rows, 1)),
    raw,
    find: (range) => {
      const onProgress = partOf(range, rows, session.progress.update);
      return similar(matrix, { ...session.run(), ...scoringOf(options), range, onProgress });
    },
  });
};

function scoringOf({ neighbours, similarity, k1, b, lambda, includeSelf }: SimilarOptions) {
  return { neighbours, similarity, k1, b, lambda, includeSelf };
}
