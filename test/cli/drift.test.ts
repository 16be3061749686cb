import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { readTable } from "./read-table.js";
import { cli, cliJson, scratchFolder } from "./run-cli.js";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);
const PERSON = ["--scale", "standard", "--features", "x,y"];

/** Two far groups; `far` of the people in the second. */
function people(name: string, size: number, far: number): void {
  const rows = Array.from({ length: size }, (_, i) => {
    const place = i < far ? 100 : 0;
    return `u${i},${place + (i % 7)},${place + (i % 5)},${i === size - 1 ? 0 : 1}`;
  });
  writeFileSync(at(name), `user_id,x,y,num_events\n${rows.join("\n")}\n`);
}

beforeAll(async () => {
  people("old.csv", 101, 30);
  people("same.csv", 201, 60);
  people("moved.csv", 101, 60);
  await cliJson([
    "segment",
    at("old.csv"),
    ...PERSON,
    "-k",
    "2",
    "--model",
    at("m.safetensors"),
    "-o",
    at("old-s.csv"),
  ]);
});

it("assign: the nearest segment of the model, nobody without activity; the shares compared", async () => {
  const result = await cliJson(["assign", at("moved.csv"), "--model", at("m.safetensors"), "-o", at("a.csv")]);
  expect(result).toMatchObject({ sizes: [40, 60], numUnsegmented: 1, names: ["x", "y"] });
  expect(result.stability).toMatchObject({ level: "large" });
  const rows = await readTable(at("a.csv"));
  expect(Object.keys(rows[0]!)).toEqual(["user_id", "segment", "x", "y"]);
  for (const row of rows) {
    const far = Number(row.x) > 50 ? "1" : "0";
    expect(row.segment).toBe(row.user_id === "u100" ? "" : far);
  }
  const again = await cliJson(["assign", at("old.csv"), "--model", at("m.safetensors"), "-o", at("again.csv")]);
  expect(again.stability).toEqual({ psi: 0, level: "stable" });
  expect(await readTable(at("again.csv"))).toEqual(await readTable(at("old-s.csv")));
});

it("drift: shares of the nearest old segment, features by the tenths of the old values", async () => {
  // Found anew, the segments are numbered by size: the other way around.
  await cliJson(["segment", at("moved.csv"), ...PERSON, "-k", "2", "-o", at("moved-s.csv")]);
  const drift = await cliJson(["drift", at("old-s.csv"), at("moved-s.csv"), "--scale", "standard"]);
  expect(drift).toMatchObject({ numOld: 101, numNew: 101 });
  expect(drift.segments).toMatchObject({
    level: "large",
    shares: [
      { segment: "0", old: 70, new: 40 },
      { segment: "1", old: 30, new: 60 },
      { segment: null, old: 1, new: 1 },
    ],
  });
  const [x] = drift.features as { name: string; bins: { upTo: number | null; old: number; new: number }[] }[];
  expect(x!.name).toBe("x");
  const old = (await readTable(at("old-s.csv"))).map((row) => Number(row.x)).sort((a, b) => a - b);
  const limits = [...new Set(Array.from({ length: 9 }, (_, i) => old[Math.ceil(((i + 1) * old.length) / 10) - 1]!))];
  expect(x!.bins.map(({ upTo }) => upTo)).toEqual([...limits, null]);
  const binned = limits.map((limit, i) => old.filter((v) => v <= limit && v > (limits[i - 1] ?? -1)).length);
  expect(x!.bins.slice(0, -1).map((bin) => bin.old)).toEqual(binned);
  const same = await cliJson(["drift", at("moved-s.csv"), at("moved-s.csv"), "--same-segments"]);
  expect((same.segments as { psi: number }).psi).toBe(0);
});

it("drift: stable for more of the same people, also without segments in the new table", async () => {
  const drift = await cliJson(["drift", at("old-s.csv"), at("same.csv"), "--scale", "standard"]);
  expect(drift.segments).toMatchObject({ level: "stable" });
  const { stdout, code } = await cli(["drift", at("old-s.csv"), at("same.csv")]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/segments: index 0\.\d+, stable/);
});

it("refuses tables without what is asked for", async () => {
  const wrong: [string[], string][] = [
    [["drift", at("old.csv"), at("same.csv"), "--id", "customer"], "customer"],
    [["drift", at("old-s.csv"), at("same.csv"), "--same-segments"], "segment"],
    [["drift", at("old-s.csv"), at("same.csv"), "--features", "z"], "z"],
    [["assign", at("old.csv"), "--model", at("old.csv"), "-o", at("no.csv")], "old.csv"],
  ];
  for (const [args, message] of wrong) {
    const { code, stderr } = await cli(args);
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
  }
});
