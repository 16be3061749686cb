import { describe, expect, it } from "vitest";
import { Executor } from "../../src/executor/executor.js";
import { journalOf, NO_TOTALS, numbersOf } from "../../src/response/moments.js";
import { fitTaste, withTaste } from "../../src/response/taste.js";
import { Random } from "../../src/util/random.js";
import { nextBehavioursOf } from "../support/next-behaviours.js";

const DAY = 86_400_000_000;
const ITEMS = 20;
const SCOPES = 5;
const END = BigInt(1000 * DAY);

/** Users each like one scope of five: what they buy lies there, what they browse only where `told` says. */
async function shop(executor: Executor, numUsers: number, told: number) {
  const random = new Random(5);
  const indptr = new BigInt64Array(numUsers + 1);
  const rows: { item: number; behaviour: number; time: number }[] = [];
  for (let user = 0; user < numUsers; user++) {
    const liked = random.int(SCOPES);
    for (let e = 0; e < 12; e++) {
      const behaviour = random.int(2);
      const isLiked = random.next() < (behaviour === 1 ? 0.8 : told);
      const scope = isLiked ? liked : random.int(SCOPES);
      rows.push({ item: scope * (ITEMS / SCOPES) + random.int(ITEMS / SCOPES), behaviour, time: (1 + 10 * e) * DAY });
    }
    indptr[user + 1] = BigInt(rows.length);
  }
  const events = {
    indptr,
    times: BigInt64Array.from(rows, ({ time }) => BigInt(time)),
    items: Int32Array.from(rows, ({ item }) => item),
    behaviours: Uint8Array.from(rows, ({ behaviour }) => behaviour),
    values: new Float64Array(rows.length),
    orders: new Uint8Array(rows.length),
  };
  const inputs = {
    events,
    numUsers,
    next: await nextBehavioursOf(executor, events, ["look", "buy"], 1, Number(END)),
    prices: new Float64Array(ITEMS).fill(1000),
    scopeIndptr: BigInt64Array.from({ length: SCOPES + 1 }, (_, c) => BigInt((c * ITEMS) / SCOPES)),
    scopeItems: Int32Array.from({ length: ITEMS }, (_, i) => i),
    scopeShare: new Float64Array(SCOPES).fill(1 / SCOPES),
  };
  return (weights: number[]) => journalOf({ ...inputs, weights }, NO_TOTALS);
}

async function learned(numUsers: number, told: number, weights: number[], threads = 2) {
  const executor = new Executor({ threads });
  const journal = (await shop(executor, numUsers, told))(weights);
  const users = Int32Array.from({ length: numUsers }, (_, user) => user);
  const now = await numbersOf(executor, journal, users, new BigInt64Array(numUsers).fill(END));
  return { journal, taste: await fitTaste(executor, journal, now, 1) };
}

describe("what behaviours say about taste", () => {
  it("is learned: what tells nothing counts next to nothing, whatever the campaign says", async () => {
    const { taste } = await learned(3000, 0, [5, 1]);
    expect(taste.weights[0]! / taste.weights[1]!).toBeLessThan(0.1);
    expect(taste.fit!.lossAfter).toBeLessThan(taste.fit!.lossBefore - 0.1);
  });

  it("is the same from other starts, to a factor: the loss is that of the best", async () => {
    const [a, b] = [await learned(3000, 0.8, [1, 1]), await learned(3000, 0.8, [1, 6])];
    // Alike in what they tell, so alike in what they count.
    expect(a.taste.weights[0]! / a.taste.weights[1]!).toBeCloseTo(1, 0);
    const share = ({ taste }: typeof a) => taste.weights[1]! / taste.priorWeight;
    expect(share(b) / share(a)).toBeGreaterThan(0.95);
    expect(share(b) / share(a)).toBeLessThan(1.05);
    expect(b.taste.fit!.lossAfter).toBeCloseTo(a.taste.fit!.lossAfter, 3);
  });

  it("does not depend on threads; a weight of 0 stays 0", async () => {
    const one = await learned(500, 0.5, [0, 2], 1);
    const two = await learned(500, 0.5, [0, 2], 2);
    expect(two.taste).toStrictEqual(one.taste);
    expect(one.taste.weights[0]).toBe(0);
  });

  it("stays as given where there are too few events", async () => {
    const { journal, taste } = await learned(20, 0.5, [1, 5]);
    expect(taste).toStrictEqual({ weights: [1, 5], priorWeight: journal.args.priorWeight, fit: null });
    expect(withTaste(journal, taste).args.priorWeight).toBe(journal.args.priorWeight);
  });
});
