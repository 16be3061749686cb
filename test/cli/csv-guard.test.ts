/** Ids are chosen by strangers: in CSV none may begin as a spreadsheet's formulas do. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readTable } from "./read-table.js";
import { cli, cliJson, scratchFolder } from "./run-cli.js";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);
const IDS = ["=1+1", "+49", "-5", "@SUM(A1)", "plain", "a=b"];
const guarded = (id: string) => (/^[=+\-@]/.test(id) ? `'${id}` : id);

beforeAll(async () => {
  const rows = IDS.flatMap((user) => [`${user},x,browse,2024-01-01`, `${user},=item,purchase,2024-01-02`]);
  writeFileSync(at("events.csv"), `user_id,item_id,behaviour,time\n${rows.join("\n")}\n=1+1,x,=stare,2024-01-01\n`);
  await cliJson(["ingest", at("events.csv"), "-o", at("matrix.safetensors"), "--features", at("features.parquet")]);
  const candidates = IDS.map((user) => `${user},@coupon,5,1`);
  writeFileSync(at("candidates.csv"), `user_id,coupon_id,value_minor,cost_minor\n${candidates.join("\n")}\n`);
});

/** Arguments without the output, and the columns that hold ids. */
const COMMANDS: [args: string[], columns: string[]][] = [
  [
    ["similar", "matrix.safetensors", "--axis", "users"],
    ["user_id", "neighbour_id"],
  ],
  [
    ["recommend", "matrix.safetensors", "--include-seen"],
    ["user_id", "item_id"],
  ],
  [["segment", "features.parquet", "-k", "2"], ["user_id"]],
  [
    ["allocate", "candidates.csv", "--budget", "none"],
    ["user_id", "coupon_id"],
  ],
];

describe.each(COMMANDS)("%j", ([name, input, ...options], columns) => {
  const write = (file: string, ...more: string[]) =>
    cliJson([name!, at(input!), ...options, ...more, "-o", at(`${name}-${file}`)]);
  const ids = async (file: string) =>
    (await readTable(at(`${name}-${file}`))).map((row) => columns.map((c) => row[c]!));

  it("guards CSV but not with --raw, and never Parquet or JSONL", async () => {
    await Promise.all([write("g.csv"), write("raw.csv", "--raw")]);
    await Promise.all([write("t.parquet"), write("t.jsonl")]);
    const plain = await ids("t.parquet");
    expect(new Set(plain.map(([user]) => user))).toEqual(new Set(IDS));
    expect(await ids("t.jsonl")).toEqual(plain);
    expect(await ids("raw.csv")).toEqual(plain);
    expect(await ids("g.csv")).toEqual(plain.map((row) => row.map(guarded)));
  });
});

it("guards the features and rejected rows of ingest", async () => {
  const tables = ["--features", at("f.csv"), "--rejected", at("r.csv")];
  await cliJson(["ingest", at("events.csv"), "-o", at("m.safetensors"), ...tables]);
  const users = (await readTable(at("f.csv"))).map((row) => row.user_id!);
  expect(users.sort()).toEqual(IDS.map(guarded).sort());
  for (const line of readFileSync(at("r.csv"), "utf8").split("\n")) expect(line).not.toMatch(/(^|,)"?[=+\-@]/);
});

it("takes a guarded table of segments back", async () => {
  const popular = ["--segments", at("segment-g.csv"), "-o", at("back.csv")];
  const text = readFileSync(at("segment-g.csv"), "utf8");
  expect(text).toContain("'=1+1,");
  const { code, stderr } = await cli(["recommend", at("matrix.safetensors"), ...popular]);
  // Nobody is told that ids are not in the matrix.
  expect([code, stderr]).toEqual([0, ""]);
});
