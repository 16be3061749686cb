import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { absorption, stationaryDistribution, transitionProbabilities } from "../../src/profile/markov.js";
import { nextBehaviour } from "../../src/profile/next-behaviour.js";
import { countTransitions, medianGaps } from "../../src/profile/transitions.js";
import { type EventColumns, sequencesOf } from "../../src/store/sequences.js";
import { Random } from "../../src/util/random.js";
import { settings } from "../support/arbitraries.js";
import { expectSameBytes } from "../support/same-bytes.js";

const SECOND = 1_000_000;
const NAMES = ["browse", "search", "purchase", "return"];

interface Event {
  user: number;
  behaviour: number;
  time: number;
}

const columnsOf = (events: readonly Event[]): EventColumns => ({
  users: Int32Array.from(events, (e) => e.user),
  behaviours: Uint8Array.from(events, (e) => e.behaviour),
  times: BigInt64Array.from(events, (e) => BigInt(e.time * SECOND)),
});

const shops = fc.record({
  numUsers: fc.integer({ min: 1, max: 9 }),
  states: fc.integer({ min: 1, max: 4 }),
  seed: fc.nat(1e6),
  numEvents: fc.integer({ min: 0, max: 60 }),
  times: fc.constantFrom(1, 5, 100_000),
});

function draw(numUsers: number, states: number, numEvents: number, times: number, seed: number): Event[] {
  const random = new Random(seed);
  return Array.from({ length: numEvents }, () => ({
    user: random.int(numUsers),
    behaviour: random.int(states),
    time: random.int(times),
  }));
}

const byTime = (a: Event, b: Event) => a.user - b.user || a.time - b.time || a.behaviour - b.behaviour;

describe("behaviour transitions", () => {
  it("equal brute force, whatever the order of the events, with equal times and users without any", async () => {
    await fc.assert(
      fc.asyncProperty(shops, async ({ numUsers, states, seed, numEvents, times }) => {
        const events = draw(numUsers, states, numEvents, times, seed);
        const labels = Int32Array.from({ length: numUsers }, (_, u) => (u % 3) - 1);
        const options = { numUsers, behaviours: NAMES.slice(0, states), threads: 1 };
        const sequences = await sequencesOf(columnsOf(events), options);
        const reversed = await sequencesOf(columnsOf([...events].reverse()), options);
        expectSameBytes(reversed.args.behaviours, sequences.args.behaviours);
        expectSameBytes(reversed.args.times, sequences.args.times);
        const { all, segments } = await countTransitions(sequences, { labels, segments: 2, threads: 1 });
        const sorted = [...events].sort(byTime);
        const gaps = Array.from({ length: states * states }, () => [] as number[]);
        const segmentCounts = [0, 1].map(() => new Float64Array(states * states));
        for (const [i, { user, behaviour, time }] of sorted.entries()) {
          const next = sorted[i + 1];
          if (next?.user !== user) continue;
          const place = behaviour * states + next.behaviour;
          gaps[place]!.push(next.time - time);
          if (labels[user]! >= 0) segmentCounts[labels[user]!]![place]!++;
        }
        expect([...all.counts]).toEqual(gaps.map((list) => list.length));
        expect(segments.map(({ counts }) => counts)).toEqual(segmentCounts);
        expect(all.numUsers).toBe(new Set(events.map(({ user }) => user)).size);
        const medians = await medianGaps(sequences, all, { threads: 1 });
        for (const [place, list] of gaps.entries()) {
          list.sort((a, b) => a - b);
          const middle = (list[(list.length - 1) >> 1]! + list[list.length >> 1]!) / 2;
          expect(medians[place]).toBe(list.length > 0 ? middle : Number.NaN);
          const mean = list.reduce((sum, gap) => sum + gap, 0) / list.length;
          if (list.length > 0) expect(all.meanGapSeconds[place]).toBeCloseTo(mean, 6);
          else expect(all.meanGapSeconds[place]).toBeNaN();
        }
      }),
      settings(100),
    );
  });

  it("1, 2 and 3 threads give the same bytes, over several shards", async () => {
    const numUsers = 150_000;
    const random = new Random(8);
    const n = 400_000;
    const columns = {
      users: Int32Array.from({ length: n }, () => random.int(numUsers)),
      behaviours: Uint8Array.from({ length: n }, () => random.int(3)),
      times: BigInt64Array.from({ length: n }, () => BigInt(random.int(1e9)) * 1000n),
    };
    const labels = Int32Array.from({ length: numUsers }, () => random.int(4) - 1);
    const answers: unknown[] = [];
    for (const threads of [1, 2, 3]) {
      const sequences = await sequencesOf(columns, { numUsers, behaviours: NAMES.slice(0, 3), threads });
      const transitions = await countTransitions(sequences, { labels, segments: 3, threads });
      const medians = await medianGaps(sequences, transitions.all, { threads });
      const { all, segments } = transitions;
      answers.push({ all, ...segments, medians, next: await nextBehaviour(sequences, { threads, horizonDays: 2 }) });
    }
    expectSameBytes(answers[1], answers[0]);
    expectSameBytes(answers[2], answers[0]);
  });

  it("a user who browsed is likelier to buy next than one who was silent for long since", async () => {
    // Everybody browses, and buys an hour later or never.
    const events = Array.from({ length: 1000 }, (_, user) => [
      { user, behaviour: 0, time: 0 },
      ...(user % 2 === 0 ? [{ user, behaviour: 2, time: 3600 }] : []),
    ]).flat();
    const late = 30 * 86_400;
    events.push({ user: 1000, behaviour: 0, time: late });
    const options = { numUsers: 1001, behaviours: NAMES.slice(0, 3), asOfMicros: late * SECOND };
    const next = await nextBehaviour(await sequencesOf(columnsOf(events), options), { horizonDays: 1 });
    const buys = (user: number) => next[user * 3 + 2]!;
    expect(buys(1000)).toBeCloseTo(500 / 1000, 2);
    expect(buys(1)).toBe(0);
  });

  it("refuses what makes no sense, naming it", async () => {
    const columns = columnsOf([{ user: 0, behaviour: 1, time: 3 }]);
    const options = { numUsers: 1, behaviours: NAMES };
    const sequences = await sequencesOf(columns, options);
    const few = await sequencesOf(columns, { ...options, behaviours: ["browse"] });
    const wrong: [() => unknown, string, string][] = [
      [() => sequencesOf(columns, { ...options, behaviours: [] }), "INVALID_ARGUMENT", "behaviours"],
      [() => sequencesOf(columns, { ...options, behaviours: ["a", "a"] }), "INVALID_ARGUMENT", "different"],
      [() => sequencesOf(columns, { ...options, numUsers: 0 }), "OUT_OF_RANGE", "user"],
      [() => sequencesOf({ ...columns, times: [] as never }, options), "INVALID_ARGUMENT", "BigInt64Array"],
      [() => sequencesOf({ ...columns, times: new BigInt64Array(2) }, options), "INVALID_ARGUMENT", "times"],
      [() => countTransitions(few), "CORRUPT_FILE", "behaviour"],
      [() => countTransitions(sequences, { labels: new Int32Array(2), segments: 1 }), "INVALID_ARGUMENT", "labels"],
      [() => countTransitions(sequences, { labels: Int32Array.of(1), segments: 1 }), "OUT_OF_RANGE", "label"],
      [() => countTransitions(sequences, { labels: Int32Array.of(0) }), "INVALID_ARGUMENT", "segments"],
      [() => nextBehaviour(sequences, { horizonDays: 0 }), "INVALID_ARGUMENT", "horizonDays"],
      [async () => transitionProbabilities(new Float64Array(3), 2), "INVALID_ARGUMENT", "4 numbers"],
      [async () => absorption(new Float64Array(4), new Float64Array(2), 2), "INVALID_ARGUMENT", "target"],
    ];
    for (const [call, code, message] of wrong) {
      const rejected = { code: `ERR_COUPONCAST_${code}`, message: expect.stringContaining(message) };
      await expect(call(), message).rejects.toMatchObject(rejected);
    }
  });
});

const chains = fc
  .record({ n: fc.integer({ min: 1, max: 5 }), seed: fc.nat(1e6), zeros: fc.integer({ min: 0, max: 4 }) })
  .map(({ n, seed, zeros }) => {
    const random = new Random(seed);
    const some = () => (random.int(5) < zeros ? 0 : 1 + random.int(9));
    return { n, counts: Float64Array.from({ length: n * n }, some), ends: Float64Array.from({ length: n }, some) };
  });

describe("Markov chain", () => {
  it("absorption equals following the chain step by step", () => {
    fc.assert(
      fc.property(chains, ({ n, counts, ends }) => {
        const target = n - 1;
        const { probability, stepsIfReached } = absorption(counts, ends, target);
        for (let from = 0; from < n; from++) {
          let at = new Float64Array(n);
          at[from] = 1;
          let reached = 0;
          let steps = 0;
          for (let step = 1; step <= 3000; step++) {
            const then = new Float64Array(n);
            for (let i = 0; i < n; i++) {
              let total = ends[i]!;
              for (let j = 0; j < n; j++) total += counts[i * n + j]!;
              if (total > 0) for (let j = 0; j < n; j++) then[j]! += (at[i]! * counts[i * n + j]!) / total;
            }
            reached += then[target]!;
            steps += step * then[target]!;
            then[target] = 0;
            at = then;
          }
          expect(probability[from]).toBeCloseTo(reached, 6);
          if (reached > 0) expect(stepsIfReached[from]).toBeCloseTo(steps / reached, 3);
          else expect(stepsIfReached[from]).toBeNaN();
        }
      }),
      settings(100),
    );
  });

  it("the stationary distribution stays as it is, and there is none where there are two", () => {
    fc.assert(
      fc.property(chains, ({ n, counts }) => {
        const p = transitionProbabilities(counts, n, { smoothing: 0.5 });
        const pi = stationaryDistribution(p, n)!;
        expect(pi.reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 12);
        for (let j = 0; j < n; j++) {
          let next = 0;
          for (let i = 0; i < n; i++) next += pi[i]! * p[i * n + j]!;
          expect(next).toBeCloseTo(pi[j]!, 12);
        }
      }),
      settings(100),
    );
    expect(stationaryDistribution(Float64Array.of(1, 0, 0, 1), 2)).toBeNull();
    expect(stationaryDistribution(Float64Array.of(0, 1, 0, 0), 2)).toBeNull();
    expect(stationaryDistribution(new Float64Array(4), 2)).toBeNull();
    // A behaviour that never occurs does not matter, nor one that is only left.
    expect([...stationaryDistribution(Float64Array.of(0, 1, 0, 1, 0, 0, 0, 0, 0), 3)!]).toEqual([0.5, 0.5, 0]);
    expect([...stationaryDistribution(Float64Array.of(0.5, 0.5, 0, 1), 2)!]).toEqual([0, 1]);
  });

  it("expected steps are infinite where the target may never come", () => {
    // 0 goes to 1 or 2; 1 stays where it is; 2 is the target, after which 0 comes.
    const counts = Float64Array.of(0, 1, 1, 0, 1, 0, 1, 0, 0);
    const { expectedSteps, probability } = absorption(counts, new Float64Array(3), 2);
    expect([...expectedSteps]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect([...probability]).toEqual([0.5, 0, 0.5]);
  });
});
