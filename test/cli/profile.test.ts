import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readTable } from "./read-table.js";
import { cli, cliJson, scratchFolder } from "./run-cli.js";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);

/** Users u0 to u5: segment, spend, and in a second table visits; u5 is in no segment and not in the second table. */
const SPEND = [10, 20, 30, 100, 120, 60];
const SEGMENT = ["0", "0", "0", "1", "1", ""];
const first = SPEND.map((spend, i) => `u${i},${SEGMENT[i]},${spend},=city`);

beforeAll(() => {
  writeFileSync(at("a.csv"), `user_id,segment,spend,city\n${first.join("\n")}\n`);
  writeFileSync(at("reversed.csv"), `user_id,segment,spend,city\n${[...first].reverse().join("\n")}\n`);
  writeFileSync(at("b.csv"), "user_id,visits,spend\nu4,9,0\nu3,7,0\nu2,1,0\nu1,1,0\nu0,1,0\nu9,5,0\n");
});

describe("profile", () => {
  it("compares each segment with all others, the most telling feature first", async () => {
    const args = [at("b.csv"), "-o", at("p.csv"), "--users", at("users.csv")];
    const document = await cliJson(["profile", at("a.csv"), ...args]);
    expect(document).toMatchObject({ numUsers: 6, numUnsegmented: 1 });
    const rows = await readTable(at("p.csv"));
    expect(rows.map((row) => `${row.segment} ${row.rank} ${row.feature}`)).toEqual([
      "0 1 visits",
      "0 2 spend",
      "1 1 visits",
      "1 2 spend",
    ]);
    // Visits 1 against 7 and 9: variance 0 and 1. The spend of the second table is not taken.
    expect(Number(rows[0]!.standardised_difference)).toBeCloseTo(-7 / Math.sqrt(0.5), 9);
    expect(rows[1]).toMatchObject({ mean: "20.0", num_known: "3" });
    expect(Number(rows[1]!.rest_mean)).toBeCloseTo(280 / 3, 9);
    const users = await readTable(at("users.csv"));
    expect(users.map((row) => row.user_id)).toEqual(["u0", "u1", "u2", "u3", "u4", "u5"]);
    expect(users[5]).toMatchObject({ spend: "60.0", visits: "", city: "'=city", segment: "" });
  });

  it("the same for another order of the rows, one thread and another format", async () => {
    await cliJson(["profile", at("reversed.csv"), at("b.csv"), "--threads", "1", "-o", at("p.jsonl")]);
    const rows = (await readTable(at("p.jsonl"))).map(({ segment, feature, mean }) => [segment, feature, Number(mean)]);
    const expected = (await readTable(at("p.csv"))).map(({ segment, feature, mean }) => [
      segment,
      feature,
      Number(mean),
    ]);
    expect(rows).toEqual(expected);
  });

  it("refuses a column that is not there, and users who come twice", async () => {
    const wrong = await cli(["profile", at("a.csv"), "--by", "segmnt", "-o", at("x.csv")]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('"segment"');
    writeFileSync(at("twice.csv"), "user_id,segment\na,1\na,2\n");
    const twice = await cli(["profile", at("twice.csv"), "-o", at("x.csv")]);
    expect(twice.code).toBe(2);
    expect(twice.stderr).toContain('"a" has several');
  });
});
