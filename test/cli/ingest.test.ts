import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openMatrix } from "../../src/index.js";
import { readTable } from "./read-table.js";
import { cli, cliJson, scratchFolder } from "./run-cli.js";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);
const DAY_MS = 86_400_000;
const HALF_LIFE_DAYS = 30;
const WEIGHTS: Record<string, number> = { browse: 1, search: 2, purchase: 5 };

interface Row {
  user: string;
  item: string;
  behaviour: string;
  time: string;
  quantity: string;
}

/** Rows as a log has them: good ones, and one or more of each fault. */
const ROWS: Row[] = Array.from({ length: 300 }, (_, i) => ({
  user: `u${(i * 7) % 23}`,
  item: `i${(i * 5) % 11}`,
  behaviour: ["browse", "search", "purchase"][i % 3]!,
  time: new Date(Date.UTC(2024, 0, 1) + i * 7 * 3_600_000).toISOString(),
  quantity: i % 3 === 2 ? "1" : "",
}));
ROWS[10]!.user = "";
ROWS[20]!.item = " ";
ROWS[30]!.behaviour = "stare";
ROWS[31]!.behaviour = "";
ROWS[40]!.time = "yesterday";
ROWS[50]!.quantity = "-2";
ROWS.push({ ...ROWS[60]! }, { ...ROWS[61]! }, { ...ROWS[61]! });

/** Reason of each row that is left out; the rules of ingest once more, in plain code. */
function clean(rows: readonly Row[]): { accepted: Row[]; counts: Record<string, number> } {
  const counts: Record<string, number> = {};
  const seen = new Set<string>();
  const accepted = rows.filter((row) => {
    const reason =
      row.user.trim() === ""
        ? "missing_user"
        : row.item.trim() === ""
          ? "missing_item"
          : WEIGHTS[row.behaviour] === undefined
            ? "unknown_behaviour"
            : Number.isNaN(Date.parse(row.time))
              ? "unparsable_time"
              : Number(row.quantity) < 0
                ? "non_positive_quantity"
                : seen.has(JSON.stringify(row))
                  ? "duplicate"
                  : undefined;
    if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + 1;
    else seen.add(JSON.stringify(row));
    return reason === undefined;
  });
  return { accepted, counts };
}

const csv = (rows: readonly Row[], end: string) =>
  ["user,item,action,at,pieces", ...rows.map((row) => Object.values(row).join(","))].map((line) => line + end).join("");

const OPTIONS = ["--user", "user", "--item", "item", "--behaviour", "action", "--time", "at", "--quantity", "pieces"];

let result: Record<string, never>;
const { accepted, counts } = clean(ROWS);
const cells = new Map<string, number>();

beforeAll(async () => {
  writeFileSync(at("events.csv"), csv(ROWS, "\n"));
  const asOf = Math.max(...accepted.map((row) => Date.parse(row.time)));
  for (const { user, item, behaviour, time } of accepted) {
    const decay = 0.5 ** ((asOf - Date.parse(time)) / DAY_MS / HALF_LIFE_DAYS);
    const key = `${user} ${item}`;
    cells.set(key, (cells.get(key) ?? 0) + WEIGHTS[behaviour]! * decay);
  }
  result = await cliJson([
    "ingest",
    at("events.csv"),
    "-o",
    at("matrix.safetensors"),
    ...OPTIONS,
    ...["--half-life-days", String(HALF_LIFE_DAYS), "--normalise", "log1p", "--rejected", at("rejected.csv")],
  ]);
});

describe("ingest", () => {
  it("counts what it rejects, as plain code does", async () => {
    const rejected = Object.fromEntries(Object.entries(result.rejected!).filter(([, n]) => (n as number) > 0));
    expect(rejected).toEqual(counts);
    expect(result).toMatchObject({ rowsRead: ROWS.length, rowsAccepted: accepted.length, nnz: cells.size });
    const kept = await readTable(at("rejected.csv"));
    expect(kept).toHaveLength(ROWS.length - accepted.length);
    for (const [reason, n] of Object.entries(counts)) {
      expect(kept.filter((row) => row.reason === reason)).toHaveLength(n);
    }
  });

  it("sums up the cells, as plain code does", async () => {
    using matrix = await openMatrix(at("matrix.safetensors"));
    expect(matrix.nnz).toBe(cells.size);
    for (let row = 0; row < matrix.numUsers; row++) {
      const { indices, values } = matrix.userRow(row);
      for (const [place, col] of indices.entries()) {
        const expected = Math.log1p(cells.get(`${matrix.userId(row)} ${matrix.itemId(col)}`)!);
        expect(Math.abs(values[place]! - expected)).toBeLessThan(1e-6 * (1 + expected));
      }
    }
  });

  it("reads a byte order mark, CRLF, quoted line ends, unicode and rows in another order", async () => {
    writeFileSync(at("windows.csv"), `\ufeff${csv([...ROWS].reverse(), "\r\n")}`);
    const again = await cliJson(["ingest", at("windows.csv"), "-o", at("w.safetensors"), ...OPTIONS]);
    expect(again.rejected).toEqual(result.rejected);
    expect(again.nnz).toBe(cells.size);
    writeFileSync(
      at("odd.csv"),
      'user_id,item_id,behaviour,time\r\n"a\nb",x,browse,2024-01-01\r\n零,"y, ""z""",purchase,2024-01-02\r\n😀,x,search,2024-01-03\r\n',
    );
    expect(await cliJson(["ingest", at("odd.csv"), "-o", at("odd.safetensors")])).toMatchObject({ rowsAccepted: 3 });
    using matrix = await openMatrix(at("odd.safetensors"));
    expect([0, 1, 2].map((row) => matrix.userId(row))).toEqual(["a\nb", "零", "😀"]);
    expect(matrix.itemId(1)).toBe('y, "z"');
  });

  it("writes nothing but the rejected rows when too many are rejected", async () => {
    const wrong = OPTIONS.map((option) => (option === "at" ? "action" : option));
    const args = ["ingest", at("events.csv"), "-o", at("none.safetensors"), ...wrong, "--rejected", at("why.jsonl")];
    const { code, stderr } = await cli(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^couponcast: [^\n]+unparsable_time[^\n]+\nhint: see [^\n]*why\.jsonl[^\n]*\n$/);
    expect(existsSync(at("none.safetensors"))).toBe(false);
    expect(await readTable(at("why.jsonl"))).toHaveLength(ROWS.length);
  });
});

describe("inspect", () => {
  it("tells the degrees that plain code counts", async () => {
    const { matrix } = await cliJson(["inspect", at("matrix.safetensors")]);
    for (const [which, name] of [
      [0, "cellsPerUser"],
      [1, "cellsPerItem"],
    ] as const) {
      const degrees = new Map<string, number>();
      for (const key of cells.keys()) {
        const id = key.split(" ")[which]!;
        degrees.set(id, (degrees.get(id) ?? 0) + 1);
      }
      const sorted = [...degrees.values()].sort((a, b) => a - b);
      const quantile = (q: number) => sorted[Math.ceil(q * sorted.length) - 1];
      expect(matrix[name]).toEqual({
        min: sorted[0],
        q25: quantile(0.25),
        median: quantile(0.5),
        q75: quantile(0.75),
        q90: quantile(0.9),
        q99: quantile(0.99),
        max: sorted.at(-1),
        mean: cells.size / sorted.length,
        zero: 0,
      });
    }
    expect(matrix.density).toBeCloseTo(cells.size / (matrix.numUsers * matrix.numItems), 12);
  });

  it("--verify finds a good file good", async () => {
    const { code, stdout } = await cli(["inspect", at("matrix.safetensors"), "--verify"]);
    expect(code).toBe(0);
    expect(stdout).toContain("digest and invariants hold");
    expect(await cli(["inspect", at("matrix.safetensors"), "--verify", "--quiet"])).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
  });
});
