/** `similar` and `recommend`: every format says the same, and the same as the library. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  als,
  foldInMatrix,
  type Matrix,
  openMatrix,
  readAlsModel,
  recommend,
  SCORE_SOURCES,
  similarItems,
  similarItemsByFactors,
  similarUsers,
} from "../../src/index.js";
import { readTensors } from "../../src/store/tensors.js";
import { readTable } from "./read-table.js";
import { cli, cliJson, scratchFolder } from "./run-cli.js";
import { makeShop } from "./shop.js";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);
let path: string;
let matrix: Matrix;

beforeAll(async () => {
  ({ matrix: path } = await makeShop(folder));
  matrix = await openMatrix(path);
});
afterAll(() => matrix.close());

type Line = (string | number)[];

/** Scores as float32, so that the text of every format stands for the same number. */
const lines = (rows: Record<string, string>[], columns: string[]): Line[] =>
  rows.map((row) =>
    columns.map((name) =>
      name === "score" ? Math.fround(Number(row[name])) : name === "rank" ? Number(row[name]) : row[name]!,
    ),
  );

const neighbourLines = (
  found: { k: number; indices: Int32Array; scores: Float32Array; counts: Int32Array },
  id: (row: number) => string,
): Line[] =>
  [...found.counts].flatMap((count, row) =>
    Array.from({ length: count }, (_, place) => {
      const from = row * found.k + place;
      return [id(row), id(found.indices[from]!), place + 1, found.scores[from]!];
    }),
  );

describe("similar", () => {
  it.each(["items", "users"] as const)(
    "%s: csv, parquet, jsonl and safetensors agree with the library",
    async (axis) => {
      const options = { similarity: "bm25", neighbours: 7, k1: 1.5, b: 0.5 } as const;
      const args = ["--similarity", "bm25", "-k", "7", "--k1", "1.5", "--b", "0.5"];
      const one = axis === "users" ? "user_id" : "item_id";
      const id = (row: number) => (axis === "users" ? matrix.userId(row) : matrix.itemId(row));
      const found = await (axis === "users" ? similarUsers : similarItems)(matrix, options);
      const expected = neighbourLines(found, id);
      for (const ending of ["csv", "parquet", "jsonl"]) {
        const file = at(`${axis}.${ending}`);
        const { neighbours } = await cliJson(["similar", path, "--axis", axis, ...args, "-o", file]);
        expect(neighbours).toBe(expected.length);
        expect(lines(await readTable(file), [one, "neighbour_id", "rank", "score"])).toEqual(expected);
      }
      const model = at(`${axis}.safetensors`);
      await cliJson(["similar", path, "--axis", axis, ...args, "-o", model]);
      const tensors = readTensors(model, {
        "neighbours.indices": "I32",
        "neighbours.scores": "F32",
        "neighbours.counts": "I32",
      });
      expect(tensors["neighbours.indices"]).toEqual(found.indices);
      expect(tensors["neighbours.scores"]).toEqual(found.scores);
      expect(tensors["neighbours.counts"]).toEqual(found.counts);
    },
  );

  it("lets a row be its own neighbour only when asked", async () => {
    await cliJson(["similar", path, "--axis", "items", "-k", "1", "--include-self", "-o", at("self.csv")]);
    for (const row of await readTable(at("self.csv"))) expect(row.neighbour_id).toBe(row.item_id);
    for (const row of await readTable(at("items.csv"))) expect(row.neighbour_id).not.toBe(row.item_id);
  });
});

const COLUMNS = ["user_id", "item_id", "rank", "score", "source"];

async function expected(options: Parameters<typeof recommend>[1], of = matrix): Promise<Line[]> {
  const { n, items, scores, sources, counts } = await recommend(of, options);
  return [...counts].flatMap((count, user) =>
    Array.from({ length: count }, (_, place) => {
      const from = user * n + place;
      const source = SCORE_SOURCES[sources[from]!]!;
      return [of.userId(user), of.itemId(items[from]!), place + 1, scores[from]!, source];
    }),
  );
}

describe("recommend", () => {
  it("csv, parquet and jsonl agree with the library, at most n items a user", async () => {
    const rows = await expected({ n: 6, similarity: "tfidf", neighbours: 9 });
    for (const ending of ["csv", "parquet", "jsonl"]) {
      const file = at(`recommended.${ending}`);
      const args = ["-n", "6", "--similarity", "tfidf", "-k", "9"];
      const document = await cliJson(["recommend", path, ...args, "-o", file]);
      expect(document.rows).toBe(rows.length);
      expect(lines(await readTable(file), COLUMNS)).toEqual(rows);
    }
    const bySource = (source: string) => rows.filter((row) => row[4] === source).length;
    expect(rows.length).toBe(6 * matrix.numUsers);
    expect(bySource("model")).toBeGreaterThan(0);
    expect(bySource("popularity")).toBeGreaterThan(0);
  });

  it("obeys lists of allowed and denied items, and tells of ids that are none", async () => {
    const ids = Array.from({ length: 12 }, (_, col) => matrix.itemId(col));
    writeFileSync(at("allow.txt"), `\ufeff${ids.join("\r\n")}\r\nno-such-item\r\n`);
    writeFileSync(at("deny.txt"), `${ids[3]}\n${ids[5]}`);
    const file = at("listed.csv");
    const args = [
      "recommend",
      path,
      "--allow",
      at("allow.txt"),
      "--deny",
      at("deny.txt"),
      "--include-seen",
      "-o",
      file,
    ];
    const { code, stderr } = await cli(args);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^note: [^\n]*allow\.txt: 1 id not in the matrix[^\n]*"no-such-item"\n$/);
    const rows = lines(await readTable(file), COLUMNS);
    expect(rows).toEqual(await expected({ allow: ids, deny: [ids[3]!, ids[5]!], filterSeen: false }));
    const items = new Set(rows.map((row) => row[1]));
    expect([...items].sort()).toEqual(ids.filter((id) => id !== ids[3] && id !== ids[5]));
  });

  it("takes popular items by segment from the table of `segment`", async () => {
    const segments = at("segments.csv");
    await cliJson(["segment", at("features.parquet"), "-k", "3", "-o", segments]);
    const labels = new Int32Array(matrix.numUsers).fill(-1);
    for (const { user_id, segment } of await readTable(segments)) {
      if (segment !== "") labels[matrix.rowOf(user_id!)] = Number(segment);
    }
    const args = ["--neighbours", "1", "--segments", segments, "-o", at("by-segment.parquet")];
    const { rowsBySource } = await cliJson(["recommend", path, ...args]);
    expect(rowsBySource.segment).toBeGreaterThan(0);
    expect(lines(await readTable(at("by-segment.parquet")), COLUMNS)).toEqual(
      await expected({ labels, neighbours: 1 }),
    );
  });
});

describe("a model of als", () => {
  const fit = { factors: 8, iterations: 3 };
  const model = () => at("als.safetensors");

  beforeAll(async () => {
    const args = ["--method", "als", "--factors", "8", "--iterations", "3"];
    const document = await cliJson(["recommend", path, ...args, "--save-model", model(), "-o", at("als.csv")]);
    expect(document.model).toBe(model());
  });

  it("is the library's, and keeping it changes no recommendation", async () => {
    const { userFactors, itemFactors } = await readAlsModel(model());
    const fitted = await als(matrix, fit);
    expect(userFactors).toEqual(fitted.userFactors);
    expect(itemFactors).toEqual(fitted.itemFactors);
    expect(lines(await readTable(at("als.csv")), COLUMNS)).toEqual(await expected({ method: "als", als: fit }));
  });

  it("folds later users in, with items that it does not know", async () => {
    const events = ["user_id,item_id,behaviour,time"];
    for (let i = 0; i < 60; i++) {
      const item = i % 7 === 0 ? `new-${i % 3}` : matrix.itemId((5 * i) % matrix.numItems);
      events.push(`later-${i % 9},${item},purchase,2025-01-0${1 + (i % 9)}T12:00:00Z`);
    }
    writeFileSync(at("later.csv"), `${events.join("\n")}\n`);
    await cliJson(["ingest", at("later.csv"), "-o", at("later.safetensors")]);
    const args = ["recommend", at("later.safetensors"), "--method", "als", "--model", model(), "--no-fallback"];
    const { code, stderr } = await cli([...args, "-o", at("later-items.parquet")]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^note: [^\n]*als\.safetensors: 3 items of the matrix not in the model[^\n]*\n$/);
    using later = await openMatrix(at("later.safetensors"));
    const folded = await foldInMatrix(await readAlsModel(model()), later);
    const rows = await expected({ method: "als", als: { model: folded }, fallback: false }, later);
    expect(rows.length).toBeGreaterThan(0);
    expect(lines(await readTable(at("later-items.parquet")), COLUMNS)).toEqual(rows);

    const blend = ["--method", "blend", "--parts", "als=1,item-knn=0.5", "--model", model(), "-n", "5"];
    await cliJson(["recommend", at("later.safetensors"), ...blend, "-o", at("blend.csv")]);
    const parts = [{ method: "als", als: { model: folded } } as const, { method: "item-knn", weight: 0.5 } as const];
    expect(lines(await readTable(at("blend.csv")), COLUMNS)).toEqual(
      await expected({ method: "blend", parts, n: 5 }, later),
    );
  });

  it("gives similar items", async () => {
    const { neighbours } = await cliJson(["similar", model(), "--axis", "items", "-k", "6", "-o", at("taste.jsonl")]);
    const found = await similarItemsByFactors(await readAlsModel(model()), { neighbours: 6 });
    const rows = neighbourLines(found, (col) => matrix.itemId(col));
    expect(neighbours).toBe(rows.length);
    expect(lines(await readTable(at("taste.jsonl")), ["item_id", "neighbour_id", "rank", "score"])).toEqual(rows);
  });

  it.each<[line: string, message: RegExp, hint: RegExp]>([
    ["recommend MATRIX --model MODEL", /--model is of als/, /--method als/],
    ["recommend MATRIX --save-model x.safetensors", /--save-model is of als/, /--method als/],
    ["recommend MATRIX --method als --model m --save-model m", /cannot be used with/, /--help/],
    ["similar MODEL --axis users", /--axis users needs a behaviour matrix/, /items/],
    ["similar MODEL --axis items --similarity bm25", /--similarity bm25 needs/, /cosine/],
    ["similar MODEL --axis items --include-self", /--include-self needs/, /others/],
  ])("is not asked for what it has not: %s", async (line, message, hint) => {
    const args = line.split(" ").map((arg) => ({ MATRIX: path, MODEL: model() })[arg] ?? arg);
    const { code, stdout, stderr } = await cli([...args, "-o", at("none.csv")]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    const [first, second] = stderr.split("\n");
    expect(first).toMatch(message);
    expect(second).toMatch(hint);
  });

  it("is told from other files", async () => {
    const args = ["recommend", path, "--method", "als", "--model", path, "-o", at("none.csv")];
    const { code, stderr } = await cli(args);
    expect(code).toBe(3);
    expect(stderr).toMatch(/holds no model of als\nhint: .*--save-model/);
  });
});
