import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parquet, query, request, run, scratch, write } from "./harness.js";

const HEADER = "user_id,item_id,behaviour,time";
const row = (user: string, item = "x", time = "2024-01-01") => `${user},${item},browse,${time}`;

describe("hostile input", () => {
  it("takes column names as data, whatever they contain", async () => {
    const folder = scratch();
    const names = [`u" FROM read_text('/etc/passwd') --`, `i'); DROP TABLE staged_events; --`, "b\nb", "t\\"];
    const quoted = names.map((name) => `"${name.replaceAll('"', '""')}"`);
    write(folder, "e.csv", `${quoted.join(",")}\n${row("a")}\n,x,browse,2024-01-01\n`);
    const [user, item, behaviour, time] = names;
    const { result, sink, outDir } = await run(
      request(folder, { files: "e.csv", columns: { user, item, behaviour, time } }),
    );
    expect(sink.users).toEqual(["a"]);
    expect(result.rejected).toEqual({ missing_user: 1 });
    const [rejected] = await parquet(outDir, "rejected.parquet");
    expect(JSON.parse(String(rejected?.raw))).toEqual({
      [names[0]!]: null,
      [names[1]!]: "x",
      [names[2]!]: "browse",
      [names[3]!]: "2024-01-01",
    });
  });

  it.each(["p[1].csv", "a*b?.csv", `it's "quoted".csv`, "back\\slash.csv", "new\nline.csv", "$HOME ~.csv", "-o.csv"])(
    "reads a file named %j and no other",
    async (name) => {
      const folder = scratch();
      write(folder, "p1.csv", `${HEADER}\n${row("wrong")}\n`);
      write(folder, "aXbY.csv", `${HEADER}\n${row("wrong")}\n`);
      write(folder, name, `${HEADER}\n${row("right")}\n`);
      const { sink, result } = await run(request(folder, { files: name }));
      expect(sink.users).toEqual(["right"]);
      expect(result.inputs.map((i) => i.path)).toEqual([name]);
    },
  );

  it("takes ids, behaviours and reasons as data", async () => {
    const folder = scratch();
    const id = `'; DROP TABLE events; --`;
    write(folder, "e.csv", `${HEADER}\n"${id}",x,"it's ""b""",2024-01-01\n`);
    const { sink } = await run(
      request(folder, { files: "e.csv" }, { behaviours: { 'it\'s "b"': 3 }, purchaseBehaviour: 'it\'s "b"' }),
    );
    expect(sink.cell(id, "x")).toBe(3);
  });

  it("lists the columns and suggests the nearest when one is missing", async () => {
    const folder = scratch();
    write(folder, "e.csv", `userid,item_id,behaviour,time\n${row("a")}\n`);
    await expect(run(request(folder, { files: "e.csv" }))).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      message: `e.csv: expected a column "user_id", found "userid", "item_id", "behaviour", "time"`,
      field: "inputs.events.columns.user",
      file: "e.csv",
      hint: expect.stringContaining(`did you mean "userid"?`),
    });
    write(folder, "e.jsonl", `{"user_id":"a","item_id":"x","behaviour":"browse"}\n`);
    await expect(run(request(folder, { files: "e.jsonl" }))).rejects.toMatchObject({
      field: "inputs.events.columns.time",
    });
    write(folder, "d.csv", `user_id,user_id,item_id,behaviour,time\na,b,x,browse,2024-01-01\n`);
    await expect(run(request(folder, { files: "d.csv" }))).rejects.toMatchObject({
      message: expect.stringContaining("2 columns named"),
    });
  });

  it.each([
    ["an empty file", ""],
    ["only line ends", "\n\r\n\n"],
    ["only a header", HEADER],
    ["binary garbage", Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * 7919 + ((i * i) >> 3)) & 255))],
    ["NUL bytes", Buffer.alloc(100_000)],
    ["an unclosed quote in the header", `"user_id,item_id\n${row("a")}\n`],
  ])("refuses %s with an error of its own", async (_name, content) => {
    const folder = scratch();
    write(folder, "e.csv", content);
    await expect(run(request(folder, { files: "e.csv" }))).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
    });
  });

  it("loses one row to each broken record, and none silently", async () => {
    const folder = scratch();
    const lines: (string | Buffer)[] = [
      HEADER,
      row("a"),
      row('"unclosed'),
      row("b"),
      row('"closed"junk'),
      Buffer.concat([Buffer.from("bad"), Buffer.from([0xff, 0xfe]), Buffer.from(",x,browse,2024-01-01")]),
      row("nul\0byte"),
      row('"two\nlines"'),
      row('mid"quote'),
      row(`"${"h".repeat(3_000_000)}"`),
      row("c"),
      row('"unclosed at the end'),
    ];
    write(folder, "e.csv", Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from("\n")])));
    const { result, sink } = await run(request(folder, { files: "e.csv" }));
    expect(sink.users).toEqual(["a", "b", "c", 'mid"quote', "nul\0byte", "two\nlines"]);
    expect(result.rejected).toEqual({ malformed_row: 5 });
    expect(result.rowsRead).toBe(11);
  });

  it("loses no good line of a file in which every other line is broken", async () => {
    const folder = scratch();
    const lines = Array.from({ length: 5000 }, (_, i) =>
      i % 2 === 0 ? row(`u${i}`) : [`"x${i}`, "a,b", `${row("y")},z`, '"a"b,c,d,e'][(i >> 1) % 4]!,
    );
    write(folder, "e.csv", [HEADER, ...lines].join("\n"));
    const { result } = await run(request(folder, { files: "e.csv" }));
    expect(result.rowsAccepted).toBe(2500);
    expect(result.rejected).toEqual({ malformed_row: 2500 });
  });

  it("counts lines that are no JSON object", async () => {
    const folder = scratch();
    const good = `{"user_id":"a","item_id":"x","behaviour":"browse","time":"2024-01-01"}`;
    const lines = [
      good,
      "{",
      "[1]",
      "null",
      `"text"`,
      good.replace("}", ",}"),
      `${good}${good}`,
      good.replace('"a"', "12345678901234567890"),
      good.replace('"a"', "null"),
      good.replace('"a"', `{"n":1}`),
      good.replace('"a"', `"\\u0000\\ud83d\\ude00"`),
    ];
    write(folder, "e.jsonl", lines.join("\n"));
    const { result, sink } = await run(request(folder, { files: "e.jsonl" }));
    // A comma too many is forgiven, so that line repeats the first.
    expect(result.rejected).toEqual({ malformed_row: 5, duplicate: 1, missing_user: 1 });
    expect(sink.users).toEqual(["\0\u{1f600}", "12345678901234567890", "a", `{"n":1}`]);
  });

  it("cleans up after a failure of the matrix writer, and leaves earlier results alone", async () => {
    const folder = scratch();
    write(folder, "e.csv", `${HEADER}\n${row("a")}\n`);
    const req = request(folder, { files: "e.csv" });
    await run(req);
    const before = await query("SELECT * FROM read_parquet(?)", join(req.outDir, "features.parquet"));
    write(folder, "e.csv", `${HEADER}\n${row("b")}\n`);
    const { ingestInto } = await import("../../src/ingest/ingest.js");
    let aborted = false;
    const failing = () => ({
      appendUserIds: () => Promise.reject(Object.assign(new Error("disk full"), { code: "ENOSPC" })),
      appendItemIds: async () => {},
      appendCells: async () => {},
      commit: async () => {},
      abort: async () => {
        aborted = true;
      },
    });
    await expect(ingestInto(req, failing)).rejects.toMatchObject({ code: "ERR_COUPONCAST_IO" });
    expect(aborted).toBe(true);
    expect(existsSync(join(req.outDir, "tmp"))).toBe(false);
    expect(await query("SELECT * FROM read_parquet(?)", join(req.outDir, "features.parquet"))).toEqual(before);
  });

  it.each([0, 20, 60, 120])("stops within reason when aborted after %d ms, and leaves nothing", async (delay) => {
    const folder = scratch();
    const lines = Array.from({ length: 200_000 }, (_, i) =>
      row(`u${i % 5000}`, `i${i % 97}`, new Date(1.7e12 + i * 1000).toISOString()),
    );
    write(folder, "e.csv", [HEADER, ...lines].join("\n"));
    const controller = new AbortController();
    const req = request(folder, { files: "e.csv" }, { signal: controller.signal });
    setTimeout(() => controller.abort(), delay);
    await expect(run(req)).rejects.toMatchObject({ code: "ERR_COUPONCAST_CANCELLED" });
    expect(existsSync(join(req.outDir, "ingest.json"))).toBe(false);
  });
});
