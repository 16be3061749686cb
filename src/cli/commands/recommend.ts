import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { SCORING_METHODS } from "../../campaign/method-names.js";
import { readText } from "../../campaign/read-text.js";
import { CouponcastError } from "../../errors.js";
import { count, percent } from "../../report/format.js";
import type { Method } from "../../score/methods.js";
import type { Recommendations } from "../../score/recommend.js";
import type { Matrix } from "../../store/matrix.js";
import type { OutputFile } from "../../table/output-file.js";
import type { AlsFiles } from "../als-vectors.js";
import { addCommand, addCommonOptions, type CommonOptions, required, type Session, setAction } from "../command.js";
import { fillListRows } from "../list-rows.js";
import { openMatrixFile } from "../open-matrix-file.js";
import { decimal, integer, weights } from "../option-values.js";
import { byteSize, counted, labelled } from "../text-layout.js";
import { TABLE_ENDINGS, withOutputs } from "../with-outputs.js";

interface RecommendOptions extends CommonOptions, AlsFiles {
  method: Method;
  n: number;
  similarity: "cosine" | "tfidf" | "bm25";
  neighbours: number;
  lambda: number;
  profiles?: string;
  parts?: Record<string, number>;
  rankOffset: number;
  k1: number;
  b: number;
  factors: number;
  iterations: number;
  regularisation?: number;
  alpha: number;
  beta: number;
  solver: "cg" | "cholesky";
  seed: number;
  includeSeen?: boolean;
  normalise?: boolean;
  fallback: boolean;
  segments?: string;
  allow?: string;
  deny?: string;
  out: string;
  raw?: boolean;
}

/** Places whose row and rank are made up at once. */
const BATCH_PLACES = 4_000_000;

export function addRecommend(program: Command): void {
  const command = addCommand(program, {
    name: "recommend",
    summary: "the items that suit each user best",
    description: `Writes the n best items of each user with the columns user_id, item_id, rank, score, source. Users for whom the
model finds fewer are filled up with what is popular in their segment, then with all; source says which of model,
segment and popularity scored a row (scores of different sources do not compare).`,
    examples: [
      ["20 items for everybody", "recommend matrix.safetensors -o items.parquet"],
      [
        "BM25 neighbours, only of the model, seen items too",
        "recommend matrix.safetensors --similarity bm25 --no-fallback --include-seen -o items.csv",
      ],
      [
        "vectors of 128 numbers, popular cells counting more, kept in a file",
        "recommend matrix.safetensors --method als --factors 128 --alpha 10 --save-model als.safetensors -o items.parquet",
      ],
      [
        "this month's users in last month's vectors, without fitting them again",
        "recommend matrix.safetensors --method als --model als.safetensors -o items.parquet",
      ],
      ["a linear model of all pairs of items", "recommend matrix.safetensors --method ease -o items.parquet"],
      [
        "never these items; popular ones by segment",
        "recommend matrix.safetensors --deny sold-out.txt --segments segments.parquet -o items.jsonl",
      ],
      [
        "what is bought together, blended with what is alike, also of items that nobody has bought yet",
        "recommend matrix.safetensors --method blend --parts item-knn=1,content=0.3 --profiles profiles.safetensors -o items.csv",
      ],
    ],
  })
    .argument("<matrix>", "behaviour matrix, .safetensors")
    .addOption(
      new Option("--method <name>", "how items are scored")
        .choices([...SCORING_METHODS, "seed-literal"])
        .default("item-knn"),
    )
    .option("-n, --n <count>", "items a user, at most", integer(1, 1_000_000), 20)
    .addOption(new Option("--similarity <name>", "of item-knn").choices(["cosine", "tfidf", "bm25"]).default("cosine"))
    .option("-k, --neighbours <count>", "neighbours that the model keeps of each row", integer(1, 2 ** 31 - 1), 100)
    .option("--k1 <number>", "of bm25: term saturation, at least 0", decimal(0, 1e9), 1.2)
    .option("--b <number>", "of bm25: length normalisation, 0 to 1", decimal(0, 1), 0.75)
    .option("--lambda <number>", "of saturated and seed-literal: r / (r + lambda), above 0", decimal(0, 1e30, true), 1)
    .option("--factors <count>", "of als: length of the vectors, 1 to 512", integer(1, 512), 64)
    .option("--iterations <count>", "of als: rounds over users and items", integer(1, 1_000_000), 15)
    .option("--regularisation <number>", "of als (default: 0.01) and ease (default: 250)", decimal(0, 1e9))
    .option(
      "--alpha <number>",
      "of als: a cell of value r counts 1 + alpha r; of rp3beta: power of the walk",
      decimal(0, 1e9),
      1,
    )
    .option("--beta <number>", "of rp3beta: penalty of popular items, 0 to 10", decimal(0, 10), 0.6)
    .addOption(
      new Option("--solver <name>", "of als: conjugate gradient or exact").choices(["cg", "cholesky"]).default("cg"),
    )
    .option("--seed <number>", "of als, 0 to 4294967295", integer(0, 2 ** 32 - 1), 1)
    .addOption(
      new Option("--save-model <file>", "of als: keep the vectors in this .safetensors file").conflicts("model"),
    )
    .option("--model <file>", "of als: items' vectors of --save-model; users' are found from their rows")
    .option("--profiles <file>", "of content: profiles of the items, as `content` writes them")
    .option("--parts <list>", "of blend: its methods and their weights, such as item-knn=1,content=0.3", weights)
    .option("--rank-offset <number>", "of blend: sum of weight / (offset + rank)", decimal(0, 1e9), 60)
    .option("--include-seen", "also items that the user has dealt with already")
    .option("--normalise", "weighted mean of the neighbours instead of the sum")
    .option("--no-fallback", "leave lists short instead of filling them up with popular items")
    .option("--segments <file>", "table with user_id and segment, as `segment` writes it: popular items by segment")
    .option("--allow <file>", "only these items: a text file, one id a line")
    .option("--deny <file>", "never these items: a text file, one id a line")
    .addOption(required("-o, --out <file>", "where to write: .csv, .parquet or .jsonl"))
    .option("--raw", "CSV: do not put an apostrophe before ids that a spreadsheet would take for a formula");
  addCommonOptions(command);
  setAction<RecommendOptions>(command, async (session, [path], options) => {
    const { findTable } = await import("../../table/read-table.js");
    const { out, n, method, model, saveModel } = options;
    const { alsVectors, checkAlsFiles } = await import("../als-vectors.js");
    checkAlsFiles(options, method === "als" || (method === "blend" && options.parts?.als !== undefined));
    const matrix = await openMatrixFile(path!);
    try {
      const [allow, deny] = await Promise.all([
        readIds(session, matrix, options.allow),
        readIds(session, matrix, options.deny),
      ]);
      const segments = options.segments === undefined ? undefined : await findTable(options.segments, "segments");
      const inputs = [matrix.path, options.allow, options.deny, options.profiles, model].filter(
        (file) => file !== undefined,
      );
      inputs.push(...(segments?.files ?? []).map((file) => file.path));
      const outputs = [
        { path: out, endings: TABLE_ENDINGS },
        saveModel === undefined ? undefined : { path: saveModel, endings: [".safetensors"] },
      ] as const;
      const result = await withOutputs(session, outputs, inputs, async (output, modelOutput) => {
        const { recommend } = await import("../../score/recommend.js");
        const { readSegments } = await import("../read-segments.js");
        const labels = segments && (await readSegments(session, matrix, segments, output.scratch));
        const { similarity, neighbours, lambda, k1, b, profiles, rankOffset, normalise, fallback } = options;
        const { factors, iterations, regularisation, alpha, beta, solver, seed } = options;
        const fit = { factors, iterations, regularisation, alpha, solver, seed };
        const own = {
          als: { ...fit, model: await alsVectors(session, matrix, fit, model, modelOutput) },
          ease: { regularisation },
          rp3beta: { alpha, beta },
        };
        const settings = { similarity, neighbours, lambda, k1, b, ...own, profiles };
        // No user can get more: wider rows would be memory for nothing.
        const width = Math.max(1, Math.min(n, matrix.numItems));
        const parts = Object.entries(options.parts ?? {}).map(([name, weight]) => {
          return { ...settings, method: name as Exclude<Method, "blend">, weight };
        });
        const scoring = { ...settings, method, parts, blend: { rankOffset }, n: width, normalise, fallback };
        const found = await recommend(matrix, {
          ...session.run(),
          ...scoring,
          filterSeen: !options.includeSeen,
          allow,
          deny,
          labels,
        });
        session.progress.update({ stage: "writing", done: 0, total: undefined });
        const rows = await writeTable(session, matrix, found, options, output);
        return { rows, bytes: (await stat(output.path)).size, ...(await tally(found)) };
      });
      const { rows, bytes, bySource, usersWithout } = result;
      return {
        json: {
          out: resolve(out),
          method,
          ...(saveModel === undefined ? {} : { model: resolve(saveModel) }),
          n,
          users: matrix.numUsers,
          usersWithout,
          rows,
          rowsBySource: bySource,
          bytes,
        },
        lines: [
          `${counted(rows, "recommendation")} for ${counted(matrix.numUsers - usersWithout, "user")} (${method}, at most ${count(n)} each)`,
          ...labelled(
            Object.entries(bySource).map(([source, number]) => [
              source,
              `${count(number)} (${percent(rows > 0 ? number / rows : 0)})`,
            ]),
          ),
          ...(usersWithout > 0 ? [`  ${counted(usersWithout, "user")} without any`] : []),
          `${out} (${byteSize(bytes)})`,
          ...(saveModel === undefined ? [] : [saveModel]),
        ],
      };
    } finally {
      matrix.close();
    }
  });
}

/** Longest list of ids. */
const MAX_LIST_BYTES = 2 ** 28;

/** Ids of a text file, one a line. */
async function readIds(session: Session, matrix: Matrix, path: string | undefined): Promise<string[] | undefined> {
  if (path === undefined) return undefined;
  const text = await readText(path, MAX_LIST_BYTES).catch(({ code, message }: CouponcastError) => {
    const hint = "Expected a text file with the id of one item a line.";
    throw new CouponcastError(code, message, { file: path, hint });
  });
  const ids = [...new Set(text.split(/\r\n|\n|\r/))].filter((id) => id !== "");
  const unknown = ids.filter((id) => matrix.colOf(id) < 0);
  if (unknown.length > 0) {
    const examples = unknown.slice(0, 3).map((id) => JSON.stringify(id.slice(0, 60)));
    session.note(`note: ${path}: ${counted(unknown.length, "id")} not in the matrix, such as ${examples.join(", ")}`);
  }
  return ids;
}

async function writeTable(
  session: Session,
  matrix: Matrix,
  found: Recommendations,
  options: RecommendOptions,
  output: OutputFile,
): Promise<number> {
  const { SCORE_SOURCES } = await import("../../score/recommend.js");
  const { Executor, shared } = await import("../../executor/executor.js");
  const { TableWriter } = await import("../../table/table-writer.js");
  const { matrixIds } = await import("../../table/matrix-ids.js");
  const executor = new Executor({ threads: session.threads, signal: session.signal });
  const writer = await TableWriter.open(output, { executor, signal: session.signal, raw: options.raw });
  try {
    await writer.addIds("users", matrixIds(matrix, "users"));
    await writer.addIds("items", matrixIds(matrix, "items"));
    const { n, items, scores, sources } = found;
    const batch = Math.max(1, Math.floor(BATCH_PLACES / n));
    for (let begin = 0; begin === 0 || begin < matrix.numUsers; begin += batch) {
      const end = Math.min(begin + batch, matrix.numUsers);
      const row = shared.i32((end - begin) * n);
      const rank = shared.i32(row.length);
      await fillListRows(row, rank, n, begin);
      const part = <T extends Int32Array | Float32Array | Uint8Array>(values: T): T =>
        values.subarray(begin * n, end * n) as T;
      await writer.append([row, part(items), rank, part(scores), part(sources)], 1);
    }
    return await writer.finish(
      [
        { name: "user_id", from: 0, ids: "users" },
        { name: "item_id", from: 1, ids: "items" },
        { name: "rank", from: 2 },
        { name: "score", from: 3 },
        { name: "source", from: 4, names: SCORE_SOURCES },
      ],
      [0, 2],
    );
  } finally {
    writer.close();
  }
}

async function tally({ items, sources, counts }: Recommendations) {
  const { SCORE_SOURCES } = await import("../../score/recommend.js");
  const { forEachYielding } = await import("../../util/yield.js");
  const numbers = SCORE_SOURCES.map(() => 0);
  let usersWithout = 0;
  await forEachYielding(items.length, (at) => {
    if (items[at]! >= 0) numbers[sources[at]!]!++;
  });
  await forEachYielding(counts.length, (user) => {
    if (counts[user] === 0) usersWithout++;
  });
  const bySource = Object.fromEntries(
    SCORE_SOURCES.map((name, code) => [name, numbers[code]!] as const).filter(([name]) => name !== "none"),
  );
  return { bySource, usersWithout };
}
