/** `similar` and `recommend`: every format says the same, and the same as the library. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Matrix, openMatrix, recommend, SCORE_SOURCES, similarItems, similarUsers } from "../../src/index.js";
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

describe("similar", () => {
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

describe("recommend", () => {
  const COLUMNS = ["user_id", "item_id", "rank", "score", "source"];

  async function expected(options: Parameters<typeof recommend>[1]): Promise<Line[]> {
    const { n, items, scores, sources, counts } = await recommend(matrix, options);
    return [...counts].flatMap((count, user) =>
      Array.from({ length: count }, (_, place) => {
        const from = user * n + place;
        const source = SCORE_SOURCES[sources[from]!]!;
        return [matrix.userId(user), matrix.itemId(items[from]!), place + 1, scores[from]!, source];
      }),
    );
  }

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
