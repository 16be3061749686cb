import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { cli, cliJson, MAIN, scratchFolder } from "./run-cli.js";
import { makeShop } from "./shop.js";

const folder = scratchFolder();
let matrix: string;
let shop: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  ({ matrix, shop } = await makeShop(folder));
});

/** The first line of the error, after checking that nothing else was printed but a hint. */
async function failure(args: string[], code: number, cwd?: string): Promise<string> {
  const before = readdirSync(folder).sort();
  const result = await cli(args, cwd === undefined ? {} : { cwd });
  expect(result.stdout).toBe("");
  expect(result.stderr).toMatch(/^couponcast: [^\n]+\n(hint: [^\n]+\n)?$/);
  expect(result.code).toBe(code);
  expect(readdirSync(folder).sort()).toEqual(before);
  return result.stderr;
}

function padded(header: object, data: Buffer): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const spaces = Buffer.alloc((8 - (text.length % 8)) % 8, " ");
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length + spaces.length));
  return Buffer.concat([length, text, spaces, data]);
}

describe("input files", () => {
  it("that are missing: exit code 5", async () => {
    for (const args of [
      ["inspect", at("no.safetensors")],
      ["similar", at("no.safetensors"), "--axis", "users", "-o", at("x.csv")],
      ["recommend", at("no.safetensors"), "-o", at("x.csv")],
      ["segment", at("no.csv"), "-o", at("x.csv")],
      ["allocate", at("no.csv"), "--budget", "1", "-o", at("x.csv")],
      ["ingest", at("no.csv"), "-o", at("x.safetensors")],
    ]) {
      expect(await failure(args, 5)).toMatch(/no\.(csv|safetensors)/);
    }
    expect(await failure(["run", at("no.yaml"), "--out", at("run")], 5)).toContain("no.yaml");
  });

  it("that are folders", async () => {
    mkdirSync(at("folder"), { recursive: true });
    for (const args of [
      ["inspect", at("folder")],
      ["similar", at("folder"), "--axis", "users", "-o", at("x.csv")],
      ["segment", at("folder"), "-o", at("x.csv")],
      ["allocate", at("folder"), "--budget", "1", "-o", at("x.csv")],
      ["ingest", at("folder"), "-o", at("x.safetensors")],
    ]) {
      expect(await failure(args, 5)).toContain("folder");
    }
  });

  it("cut short or with a damaged header: exit code 3", async () => {
    copyFileSync(matrix, at("short.safetensors"));
    truncateSync(at("short.safetensors"), Math.floor(statSync(matrix).size / 2));
    writeFileSync(at("empty.safetensors"), "");
    writeFileSync(at("text.safetensors"), "this is no matrix at all, but text of some length");
    for (const name of ["short", "empty", "text"]) {
      expect(await failure(["inspect", at(`${name}.safetensors`)], 3)).toContain(`${name}.safetensors`);
      await failure(["recommend", at(`${name}.safetensors`), "-o", at("x.csv")], 3);
    }
  });

  it("with one flipped bit: --verify finds it", async () => {
    const bytes = readFileSync(matrix);
    const headerEnd = 8 + Number(bytes.readBigUInt64LE(0));
    for (const position of [headerEnd + 3, Math.floor((headerEnd + bytes.length) / 2), bytes.length - 1]) {
      const flipped = Buffer.from(bytes);
      flipped[position]! ^= 0x10;
      writeFileSync(at("flipped.safetensors"), flipped);
      await failure(["inspect", at("flipped.safetensors"), "--verify"], 3);
    }
  });

  it("of another program: exit code 3 and what it is", async () => {
    const header = { w: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] } };
    writeFileSync(at("foreign.safetensors"), padded(header, Buffer.alloc(24)));
    expect(await failure(["inspect", at("foreign.safetensors")], 3)).toContain("couponcast did not write it");
    await failure(["recommend", at("foreign.safetensors"), "-o", at("x.csv")], 3);
    await failure(["similar", at("foreign.safetensors"), "--axis", "items", "-o", at("x.csv")], 3);
  });

  it("that say they are ours: tensors are shown, but it is no matrix, and nothing in it drives the terminal", async () => {
    const metadata = { format: "couponcast", format_version: "1", kind: "\u001b[31mmodel\u009b2J" };
    const header = { __metadata__: metadata, "w\u001b[2J": { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] } };
    writeFileSync(at("claims.safetensors"), padded(header, Buffer.alloc(24)));
    const { code, stdout } = await cli(["inspect", at("claims.safetensors")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/w.*\s+F32\s+\[2, 3\]/);
    expect(stdout).toContain("model");
    for (const control of ["\u001b", "\u009b"]) expect(stdout).not.toContain(control);
    await failure(["recommend", at("claims.safetensors"), "-o", at("x.csv")], 3);
    await failure(["inspect", at("claims.safetensors"), "--verify"], 3);
  });

  it("of the wrong kind", async () => {
    expect(await failure(["segment", join(shop, "campaign.yaml"), "-o", at("x.csv")], 2)).toContain(".parquet");
    expect(await failure(["run", at("folder"), "--out", at("run")], 2)).toContain(".yaml");
    expect(await failure(["similar", join(shop, "users.csv"), "--axis", "items", "-o", at("x.csv")], 3)).toContain(
      "users.csv",
    );
  });

  it("of another kind of model, lists that are missing, Parquet cut short", async () => {
    const model = at("neighbours.safetensors");
    await cliJson(["similar", matrix, "--axis", "items", "-k", "2", "-o", model]);
    expect(await failure(["recommend", model, "-o", at("x.csv")], 3)).toMatch(/hint: Expected a behaviour matrix/);
    expect(await failure(["recommend", matrix, "--allow", at("no.txt"), "-o", at("x.csv")], 5)).toMatch(
      /no\.txt: no such file[^\n]*\nhint: Expected a text file/,
    );
    copyFileSync(at("features.parquet"), at("short.parquet"));
    truncateSync(at("short.parquet"), 1000);
    expect(await failure(["segment", at("short.parquet"), "-o", at("x.csv")], 3)).toMatch(
      /^couponcast: [^\n]*short\.parquet'?\nhint: copy or export the file again/,
    );
  });

  it("whose columns nobody can map: the hint does not say to", async () => {
    const users = join(shop, "users.csv");
    const events = [
      "ingest",
      join(shop, "events/*.csv"),
      "--users",
      join(shop, "items.csv"),
      "-o",
      at("x.safetensors"),
    ];
    expect(await failure(events, 2)).toMatch(/--users.*\nhint: rename the column, or use a campaign file/);
    const segments = ["recommend", matrix, "--segments", users, "-o", at("x.csv")];
    expect(await failure(segments, 2)).toMatch(/"segment".*--segments.*\nhint: (did you mean .*)?rename the column\n/);
  });

  it("without the columns that are needed: the option that names the column", async () => {
    const missing = await failure(["ingest", join(shop, "users.csv"), "-o", at("x.safetensors")], 2);
    expect(missing).toMatch(/expected a column "item_id"/);
    expect(missing).toMatch(/--item/);
    expect(missing).not.toContain("inputs.");
    expect(await failure(["allocate", join(shop, "users.csv"), "--budget", "1", "-o", at("x.csv")], 2)).toContain(
      "--coupon",
    );
  });
});

describe("output files", () => {
  const similar = (out: string) => ["similar", matrix, "--axis", "items", "-k", "3", "-o", out];

  it("with an unknown ending", async () => {
    expect(await failure(similar(at("x.txt")), 2)).toContain(".csv, .parquet, .jsonl or .safetensors");
    expect(await failure(similar(at("x")), 2)).toContain("ends in");
    expect(await failure(["ingest", join(shop, "events/*.csv"), "-o", at("x.csv")], 2)).toContain(".safetensors");
  });

  it("in a folder that does not exist, or that is a file", async () => {
    expect(await failure(similar(at("nowhere/x.csv")), 5)).toContain("mkdir -p");
    expect(await failure(similar(join(matrix, "x.csv")), 5)).toContain("matrix.safetensors");
  });

  it("that are folders or devices", async () => {
    expect(await failure(similar(folder), 5)).toContain("is a folder");
    symlinkSync("/dev/null", at("null.csv"));
    expect(await failure(similar(at("null.csv")), 5)).toContain("no regular file");
  });

  it("that are the input, by any name", async () => {
    symlinkSync(matrix, at("alias.safetensors"));
    const bytes = readFileSync(matrix);
    for (const out of [matrix, at("alias.safetensors"), join(folder, "shop", "..", "matrix.safetensors")]) {
      expect(await failure(similar(out), 2)).toContain("reads or writes already");
    }
    expect(await failure(["allocate", at("shop/users.csv"), "--budget", "1", "-o", at("shop/users.csv")], 2)).toContain(
      "already",
    );
    expect(readFileSync(matrix).equals(bytes)).toBe(true);
  });

  it("twice the same", async () => {
    const out = ["-o", at("x.safetensors"), "--rejected", at("same.csv"), "--features", at("same.csv")];
    expect(await failure(["ingest", join(shop, "events/*.csv"), ...out], 2)).toContain("already");
  });

  it("behind a symbolic link: the link stays, the file is replaced", async () => {
    writeFileSync(at("real.csv"), "old");
    symlinkSync("real.csv", at("link.csv"));
    await cliJson(similar(at("link.csv")));
    expect(lstatSync(at("link.csv")).isSymbolicLink()).toBe(true);
    expect(readFileSync(at("real.csv"), "utf8")).toMatch(/^item_id,neighbour_id,rank,score\n/);
  });

  it("that the disk has no room for: exit code 5, nothing left", async () => {
    writeFileSync(at("events.csv"), readFileSync(join(shop, "events/part-00000.csv")));
    const before = readdirSync(folder).sort();
    for (const args of [
      similar(at("x.csv")),
      similar(at("x.safetensors")),
      ["ingest", at("events.csv"), "-o", at("x.safetensors")],
    ]) {
      const script = 'ulimit -f 4; exec "$0" "$@"';
      const { status, stdout, stderr } = spawnSync("sh", [
        "-c",
        script,
        process.execPath,
        fileURLToPath(MAIN),
        ...args,
      ]);
      expect(stderr.toString()).toMatch(/^couponcast: [^\n]*file too large\nhint: Free some space[^\n]*\n$/i);
      expect([status, stdout.toString()]).toEqual([5, ""]);
      expect(readdirSync(folder).sort()).toEqual(before);
    }
  });

  it("stay as they were when the command fails", async () => {
    writeFileSync(at("kept.csv"), "kept");
    await failure(["recommend", matrix, "-o", at("kept.csv"), "--segments", join(shop, "users.csv")], 2);
    expect(readFileSync(at("kept.csv"), "utf8")).toBe("kept");
  });

  it("may have names that mean something to globs, shells and SQL", async () => {
    const odd = at("o'dd [x]* {y} %20");
    mkdirSync(odd);
    const out = join(odd, "it's [1]?.csv");
    await cliJson(similar(out));
    expect(readdirSync(odd)).toEqual(["it's [1]?.csv"]);
    mkdirSync(at("why?"));
    await cliJson(similar(at("why?/x.csv")));
    await cliJson(["segment", at("features.parquet"), "-k", "2", "-o", join(odd, "s.csv")]);
    copyFileSync(join(odd, "s.csv"), join(odd, "in[put].csv"));
    await cliJson(["segment", join(odd, "in[put].csv"), "-k", "2", "-o", join(odd, "t.parquet")]);
    await cliJson([
      "ingest",
      join(shop, "events/*.csv"),
      "-o",
      join(odd, "m.safetensors"),
      "--rejected",
      join(odd, "r.csv"),
    ]);
    expect(readdirSync(odd).sort()).toEqual([
      "in[put].csv",
      "it's [1]?.csv",
      "m.safetensors",
      "r.csv",
      "s.csv",
      "t.parquet",
    ]);
  });
});

describe("errors", () => {
  it("print a stack only with --debug", async () => {
    const args = ["inspect", at("no.safetensors")];
    expect((await cli(args)).stderr).not.toContain("    at ");
    const { stderr, code } = await cli([...args, "--debug"]);
    expect(stderr).toContain("    at ");
    expect(stderr).toContain("code: ERR_COUPONCAST_IO");
    expect(code).toBe(5);
  });

  it("of a campaign name file, line and field", async () => {
    writeFileSync(
      at("bad.yaml"),
      "name: x\nbudget:\n  totalMinor: many\ninputs:\n  events: { files: e.csv }\n  coupons: { files: c.json }\n",
    );
    const { code, stderr } = await cli(["run", "bad.yaml", "--out", "run"], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^couponcast: (2 problems:\n {2})?bad\.yaml:3: budget\.totalMinor: expected/);
  });

  it("with --json leave standard output empty", async () => {
    const { code, stdout, stderr } = await cli(["inspect", at("no.safetensors"), "--json"]);
    expect([code, stdout]).toEqual([5, ""]);
    expect(stderr).toMatch(/^couponcast: /);
  });
});
