import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readTable } from "./read-table.js";
import { cli, cliJson, scratchFolder } from "./run-cli.js";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);

/** b,b,s,p,b / s,b,p / b,s,s of formulas.md, an hour between two events, in an order that says nothing. */
const NAMES = { b: "browse", s: "search", p: "purchase" };
const LINES = Object.entries({ u1: "bbspb", u2: "sbp", u3: "bss" }).flatMap(([user, text]) =>
  [...text].map((b, i) => `${user},item${i},${NAMES[b as keyof typeof NAMES]},2025-01-01T0${i}:00:00Z`),
);

beforeAll(async () => {
  writeFileSync(at("events.csv"), `user_id,item_id,behaviour,time\n${LINES.reverse().join("\n")}\n`);
  await cliJson(["ingest", at("events.csv"), "-o", at("m.safetensors"), "--sequences", at("s.safetensors")]);
  writeFileSync(at("segments.csv"), "user_id,segment\nu1,0\nu3,1\n");
});

describe("transitions", () => {
  it("tells the chain of formulas.md, and writes it", async () => {
    const document = await cliJson(["transitions", at("s.safetensors"), "-o", at("t.csv")]);
    const { probabilities, reaches, stepsIfReached, numUsers } = document.all;
    expect(numUsers).toBe(3);
    expect(probabilities).toEqual([0.25, 0.5, 0.25, 1 / 3, 1 / 3, 1 / 3, 1, 0, 0]);
    expect(reaches.map((p: number) => p.toFixed(6))).toEqual(["0.500000", "0.500000", "0.250000"]);
    expect(stepsIfReached[0]).toBeCloseTo(2.3, 9);
    const rows = await readTable(at("t.csv"));
    expect(rows).toHaveLength(9);
    expect(rows[1]).toEqual({
      segment: "all",
      from: "browse",
      to: "search",
      count: "2",
      probability: "0.5",
      mean_gap_seconds: "3600.0",
      median_gap_seconds: "3600.0",
    });
    expect(rows[8]).toMatchObject({ from: "purchase", to: "purchase", count: "0", mean_gap_seconds: "" });
  });

  it("by segment, and what each user does next; the same for one thread", async () => {
    const args = ["transitions", at("s.safetensors"), "--segments", at("segments.csv"), "--smoothing", "1"];
    const outputs = (name: string) => ["-o", at(`${name}.csv`), "--next", at(`${name}-next.csv`)];
    const document = await cliJson([...args, ...outputs("a")]);
    await cliJson([...args, ...outputs("b"), "--threads", "1"]);
    expect(document.segments.map(({ numUsers }: { numUsers: number }) => numUsers)).toEqual([1, 1]);
    const rows = await readTable(at("a.csv"));
    expect(rows).toHaveLength(27);
    expect(rows.filter((row) => row.segment === "1" && row.count === "1").map((row) => row.to)).toEqual([
      "search",
      "search",
    ]);
    const next = await readTable(at("a-next.csv"));
    expect(next.map((row) => row.user_id)).toEqual(["u1", "u2", "u3"]);
    expect(Object.keys(next[0]!)).toEqual(["user_id", "next_browse", "next_search", "next_purchase"]);
    expect(await readTable(at("b.csv"))).toEqual(rows);
    expect(await readTable(at("b-next.csv"))).toEqual(next);
  });

  it("refuses what is no sequence, and an unknown target", async () => {
    const other = await cli(["transitions", at("m.safetensors"), "-o", at("x.csv")]);
    expect(other.code).toBe(3);
    expect(other.stderr).toContain("behaviour sequences");
    const target = await cli(["transitions", at("s.safetensors"), "--target", "purchas", "-o", at("x.csv")]);
    expect(target.code).toBe(2);
    expect(target.stderr).toContain('"purchase"');
  });
});
