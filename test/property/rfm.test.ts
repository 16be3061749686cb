import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { DEFAULT_CUTS } from "../../src/campaign/rfm-rules.js";
import { RFM_SEGMENTS } from "../../src/profile/rfm.js";
import { rfm } from "../../src/profile/rfm-table.js";
import { settings } from "../support/arbitraries.js";

const folder = mkdtempSync(join(tmpdir(), "couponcast-rfm-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Customer {
  days: number | null;
  orders: number;
  money: number;
}

const customers = fc.array(
  fc
    .record({ days: fc.integer({ min: 0, max: 12 }), orders: fc.integer({ min: 0, max: 6 }), money: fc.nat(50) })
    .map(({ days, orders, money }) => ({ days: orders > 0 ? days : null, orders, money: money * 1000 })),
  { minLength: 1, maxLength: 40 },
);

let files = 0;
function write(rows: readonly Customer[], order: (i: number) => number = (i) => i): string {
  const path = join(folder, `${files++}.csv`);
  const lines = rows.map((_, i) => {
    const { days, orders, money } = rows[order(i)]!;
    return `u${String(order(i)).padStart(3, "0")},${days ?? ""},${orders},${money}`;
  });
  writeFileSync(path, `user_id,order_recency_days,frequency,monetary_minor\n${lines.join("\n")}\n`);
  return path;
}

/** Score of a value by how many of all others do worse. */
const fifth = (value: number, all: readonly number[], worse: (other: number) => boolean) => {
  expect(all).toContain(value);
  return 1 + Math.floor((5 * all.filter(worse).length) / all.length);
};

describe("RFM", () => {
  it("by fifths equals counting who does worse, with ties, whatever the order of the rows", async () => {
    await fc.assert(
      fc.asyncProperty(customers, async (rows) => {
        const found = await rfm(write(rows));
        const buyers = rows.filter(({ orders }) => orders > 0);
        expect(found.numUnsegmented).toBe(rows.length - buyers.length);
        for (const [i, { days, orders, money }] of rows.entries()) {
          expect(found.userIds[i]).toBe(`u${String(i).padStart(3, "0")}`);
          const scores = [found.recencyScores[i], found.frequencyScores[i], found.monetaryScores[i]];
          if (orders === 0) {
            expect(scores).toEqual([0, 0, 0]);
            expect(found.labels[i]).toBe(-1);
            continue;
          }
          const recency = fifth(
            days!,
            buyers.map((b) => b.days!),
            (other) => other > days!,
          );
          const frequency = fifth(
            orders,
            buyers.map((b) => b.orders),
            (other) => other < orders,
          );
          const monetary = fifth(
            money,
            buyers.map((b) => b.money),
            (other) => other < money,
          );
          expect(scores).toEqual([recency, frequency, monetary]);
          const within = (score: number, [low, high]: readonly [number, number]) => low <= score && score <= high;
          const rules = RFM_SEGMENTS.filter((s) => within(recency, s.recency) && within(frequency, s.frequency));
          expect(rules.map(({ name }) => name)).toEqual([found.segments[found.labels[i]!]!.name]);
        }
        const sizes = found.segments.map(({ size }) => size);
        expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
        const reversed = await rfm(
          write(rows, (i) => rows.length - 1 - i),
          { threads: 1 },
        );
        expect(reversed).toEqual(found);
      }),
      settings(20),
    );
  });

  it("every pair of scores has one name", () => {
    for (let r = 1; r <= 5; r++) {
      for (let f = 1; f <= 5; f++) {
        const names = RFM_SEGMENTS.filter(
          ({ recency, frequency }) => recency[0] <= r && r <= recency[1] && frequency[0] <= f && f <= frequency[1],
        );
        expect(names, `${r} ${f}`).toHaveLength(1);
      }
    }
  });

  it("by fixed limits: days up to a limit, orders and money from one on", async () => {
    const rows = [
      { days: 7, orders: 10, money: 50_000 },
      { days: 7.5, orders: 9, money: 49_999 },
      { days: 181, orders: 1, money: 0 },
    ];
    const path = write(rows);
    const found = await rfm(path, { cut: "fixed" });
    expect([...found.recencyScores]).toEqual([5, 4, 1]);
    expect([...found.frequencyScores]).toEqual([5, 4, 1]);
    expect([...found.monetaryScores]).toEqual([5, 4, 1]);
    expect([...found.labels].map((label) => found.segments[label]!.name)).toEqual([
      "champions",
      "loyal",
      "hibernating",
    ]);
    const wrong = rfm(path, { cut: "fixed", cuts: { ...DEFAULT_CUTS, frequency: [3, 2, 5, 9] } });
    await expect(wrong).rejects.toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT", message: /frequency cuts/ });
  });

  it("one buyer, nobody who buys, and what is no number", async () => {
    const one = await rfm(write([{ days: 3, orders: 1, money: 5 }]));
    expect(one.segments).toMatchObject([{ name: "hibernating", size: 1, meanRecencyDays: 3 }]);
    const none = await rfm(write([{ days: null, orders: 0, money: 0 }]));
    expect(none).toMatchObject({ segments: [], numUnsegmented: 1 });
    const path = join(folder, "wrong.csv");
    writeFileSync(path, "user_id,order_recency_days,frequency,monetary_minor\na,-1,1,1\nb,soon,1,1\n");
    await expect(rfm(path)).rejects.toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT", message: /"soon"|-1/ });
    const huge = write([{ days: 1, orders: 1, money: 1e300 }]);
    await expect(rfm(huge)).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      message: /1e300|1e\+300/,
    });
    const most = await rfm(write(Array.from({ length: 40 }, () => ({ days: 1e15, orders: 1e15, money: 1e15 }))));
    expect(most.segments).toMatchObject([{ size: 40, meanRecencyDays: 1e15, meanFrequency: 1e15, meanMonetary: 1e15 }]);
    await expect(rfm(path, { recency: "nope" })).rejects.toMatchObject({ code: "ERR_COUPONCAST_INVALID_ARGUMENT" });
  });
});
