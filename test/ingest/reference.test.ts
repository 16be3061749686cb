/** The stage against a plain TypeScript re-statement of its rules, on random small inputs in random order. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ingest } from "../../src/ingest/ingest.js";
import { openSequences, sequenceUserIds } from "../../src/store/sequences.js";
import { readTensors } from "../../src/store/tensors.js";
import { parquet, request, run, scratch, write } from "./harness.js";

interface Row {
  user: string;
  item: string;
  behaviour: string;
  time: number;
  quantity: number;
  cents: number;
  order: string;
}

const WEIGHTS: Record<string, number> = { browse: 1, search: 0, purchase: 2.5 };
const DAY = 86_400_000;
const START = Date.UTC(2024, 0, 1);
const HALF_LIFE = 30;

const row: fc.Arbitrary<Row> = fc.record({
  user: fc.constantFrom("a", "B", "ä", "a,b", 'q"', "\u{1f600}", "\uffff"),
  item: fc.constantFrom("x", "y", "Z", "x ", "零"),
  behaviour: fc.constantFrom("browse", "search", "purchase"),
  time: fc.integer({ min: 0, max: 60 * 24 }).map((hours) => START + hours * 3_600_000),
  quantity: fc.integer({ min: 1, max: 3 }),
  cents: fc.integer({ min: 0, max: 1000 }),
  order: fc.constantFrom("", "o1", "o2"),
});

const quote = (field: string) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);

function toCsv(rows: readonly Row[]): string {
  const lines = rows.map((r) =>
    [
      r.user,
      r.item,
      r.behaviour,
      new Date(r.time).toISOString(),
      String(r.quantity),
      (r.cents / 100).toFixed(2),
      r.order,
    ]
      .map(quote)
      .join(","),
  );
  return ["user_id,item_id,behaviour,time,quantity,price,order_id", ...lines, ""].join("\n");
}

const SOURCE = {
  files: "e.csv",
  columns: { quantity: "quantity", price: "price", order: "order_id" },
  price: { unit: "major" },
};

const compareUtf8 = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

function distinct(rows: readonly Row[]): Row[] {
  const best = new Map<string, Row>();
  for (const r of rows) {
    const key = JSON.stringify([r.user, r.item, r.behaviour, r.time]);
    const known = best.get(key);
    const order = (x: Row): [number, number, string] => [
      x.quantity,
      x.cents * x.quantity,
      x.behaviour === "purchase" ? x.order : "",
    ];
    const before = (x: Row, y: Row) => {
      const [p, q] = [order(x), order(y)];
      return p[0] - q[0] || p[1] - q[1] || compareUtf8(p[2], q[2]);
    };
    if (known === undefined || before(r, known) < 0) best.set(key, r);
  }
  return [...best.values()];
}

const byTimeAndCode = (a: readonly [number, number], b: readonly [number, number]) => a[0] - b[0] || a[1] - b[1];

function reference(rows: readonly Row[]) {
  const events = distinct(rows);
  const asOf = Math.max(...events.map((e) => e.time));
  const users = [...new Set(events.map((e) => e.user))].sort(compareUtf8);
  const items = [...new Set(events.map((e) => e.item))].sort(compareUtf8);
  const cells = new Map<string, number>();
  for (const e of events) {
    const key = `${users.indexOf(e.user)} ${items.indexOf(e.item)}`;
    const value = WEIGHTS[e.behaviour]! * 0.5 ** ((asOf - e.time) / DAY / HALF_LIFE);
    cells.set(key, (cells.get(key) ?? 0) + value);
  }
  const features = users.map((user) => {
    const own = events.filter((e) => e.user === user);
    const purchases = own.filter((e) => e.behaviour === "purchase");
    const times = [...new Set(own.map((e) => e.time))].sort((a, b) => a - b);
    const orders = new Set(purchases.map((e) => e.order || `day ${Math.floor(e.time / DAY)}`));
    return {
      counts: Object.keys(WEIGHTS).map((b) => own.filter((e) => e.behaviour === b).length),
      numEvents: own.length,
      recency: (asOf - times.at(-1)!) / DAY,
      orderRecency: purchases.length > 0 ? (asOf - Math.max(...purchases.map((e) => e.time))) / DAY : null,
      sequence: own.map((e) => [e.time, Object.keys(WEIGHTS).indexOf(e.behaviour)] as const).sort(byTimeAndCode),
      observed: (asOf - times[0]!) / DAY,
      meanGap: times.length > 1 ? (times.at(-1)! - times[0]!) / (times.length - 1) / DAY : null,
      frequency: orders.size,
      monetary: purchases.reduce((sum, e) => sum + e.cents * e.quantity, 0),
    };
  });
  return { events, users, items, cells, features };
}

const rowsArbitrary = fc.array(row, { minLength: 1, maxLength: 60 });

describe("against the reference", () => {
  it("computes the same cells and features", async () => {
    await fc.assert(
      fc.asyncProperty(rowsArbitrary, fc.integer({ min: 0, max: 20 }), async (rows, repeats) => {
        const folder = scratch();
        write(folder, "e.csv", toCsv([...rows, ...rows.slice(0, repeats)]));
        const { result, sink, outDir } = await run(
          request(folder, SOURCE, { behaviours: WEIGHTS, options: { halfLifeDays: HALF_LIFE } }),
        );
        const expected = reference(rows);
        expect(result.rowsAccepted).toBe(expected.events.length);
        expect(result.rejected.duplicate ?? 0).toBe(
          rows.length + Math.min(repeats, rows.length) - expected.events.length,
        );
        expect(sink.users).toEqual(expected.users);
        expect(sink.items).toEqual(expected.items);
        const positive = [...expected.cells].filter(([, value]) => value > 0);
        expect(sink.cells.length).toBe(positive.length);
        for (const { row: u, col: i, value } of sink.cells) {
          expect(value).toBeCloseTo(expected.cells.get(`${u} ${i}`)!, 5);
        }
        const features = await parquet(outDir, "features.parquet");
        expect(features).toHaveLength(expected.users.length);
        features.forEach((f, k) => {
          const e = expected.features[k]!;
          expect([f.count_browse, f.count_search, f.count_purchase]).toEqual(e.counts);
          expect([f.num_events, f.frequency, Number(f.monetary_minor)]).toEqual([e.numEvents, e.frequency, e.monetary]);
          expect(f.recency_days).toBeCloseTo(e.recency, 9);
          expect(f.observed_days).toBeCloseTo(e.observed, 9);
          if (e.orderRecency === null) expect(f.order_recency_days).toBeNull();
          else expect(f.order_recency_days).toBeCloseTo(e.orderRecency, 9);
          if (e.meanGap === null) expect(f.mean_gap_days).toBeNull();
          else expect(f.mean_gap_days).toBeCloseTo(e.meanGap, 9);
          if (e.frequency > 0) expect(f.order_value_minor).toBeCloseTo(e.monetary / e.frequency, 9);
          else expect(f.order_value_minor).toBeNull();
        });
        const file = join(outDir, "sequences.safetensors");
        const sequences = readTensors(file, { indptr: "I64", behaviours: "U8", times: "I64" });
        const ids: string[] = [];
        for await (const batch of sequenceUserIds(file, 2)) ids.push(...batch);
        expect(ids).toEqual(expected.users);
        const all = expected.features.flatMap(({ sequence }) => sequence);
        expect([...sequences.behaviours].map(Number)).toEqual(all.map(([, code]) => code));
        expect([...sequences.times]).toEqual(all.map(([time]) => BigInt(time) * 1000n));
        const ends = expected.features.map(({ sequence }) => sequence.length);
        expect([...sequences.indptr].slice(1).map((end, u) => Number(end) - Number(sequences.indptr[u]))).toEqual(ends);
        const { behaviours, numUsers, asOfMicros } = await openSequences(file);
        expect(behaviours).toEqual(Object.keys(WEIGHTS));
        expect(numUsers).toBe(expected.users.length);
        expect(asOfMicros).toBe(Math.max(...expected.events.map((e) => e.time)) * 1000);
      }),
      { numRuns: 15 },
    );
  });

  it("writes the same bytes for any order of rows and files, and any number of threads", async () => {
    const shuffled = rowsArbitrary.chain((rows) =>
      fc.tuple(
        fc.constant(rows),
        fc.shuffledSubarray([...rows, ...rows], { minLength: rows.length * 2 }),
        fc.nat({ max: rows.length }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        shuffled,
        fc.constantFrom("none", "log1p", "min-max", "z-score", "l2"),
        async ([rows, mixed, cut], normalise) => {
          const folder = scratch();
          write(folder, "e.csv", toCsv([...rows, ...rows]));
          write(folder, "p1.csv", toCsv(mixed.slice(0, cut)));
          write(folder, "p0.csv", toCsv(mixed.slice(cut)));
          const bytesOf = async (files: string, threads: number) => {
            const req = request(
              folder,
              { ...SOURCE, files },
              { threads, options: { halfLifeDays: HALF_LIFE, normalise } },
            );
            const { inputs: _, ...result } = await ingest(req);
            const names = [
              "matrix.safetensors",
              "journal.safetensors",
              "sequences.safetensors",
              "users.parquet",
              "features.parquet",
              "items.parquet",
            ];
            return [
              JSON.stringify(result),
              ...names.map((name) => readFileSync(join(req.outDir, name)).toString("base64")),
            ];
          };
          expect(await bytesOf("p?.csv", 1)).toEqual(await bytesOf("e.csv", 2));
        },
      ),
      { numRuns: 10 },
    );
  });

  it("normalises as documented", async () => {
    const folder = scratch();
    write(
      folder,
      "e.csv",
      "user_id,item_id,behaviour,time\na,x,purchase,2024-01-01\na,y,browse,2024-01-01\nb,x,search,2024-01-01\n",
    );
    const values = async (normalise: string) =>
      (await run(request(folder, { files: "e.csv" }, { options: { normalise } }))).sink.cells.map((c) => c.value);
    const close = (actual: number[], expected: number[]) => {
      expect(actual).toHaveLength(expected.length);
      actual.forEach((value, k) => void expect(value).toBeCloseTo(expected[k]!, 6));
    };
    // r = 5, 1, 2: mean 8/3, population variance 26/9
    close(await values("none"), [5, 1, 2]);
    close(await values("log1p"), [Math.log(6), Math.log(2), Math.log(3)]);
    close(await values("min-max"), [1, 0.2, 0.4]);
    close(await values("z-score"), [7 / Math.sqrt(26), -5 / Math.sqrt(26), -2 / Math.sqrt(26)]);
    close(await values("l2"), [5 / Math.sqrt(26), 1 / Math.sqrt(26), 1]);
  });
});
