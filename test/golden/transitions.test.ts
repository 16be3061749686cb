import { describe, expect, it } from "vitest";
import { absorption, stationaryDistribution, transitionProbabilities } from "../../src/profile/markov.js";
import { countTransitions, medianGaps } from "../../src/profile/transitions.js";
import { sequencesOf } from "../../src/store/sequences.js";

/** Sequences b,b,s,p,b / s,b,p / b,s,s of formulas.md. */
const SEQUENCES = ["bbspb", "sbp", "bss"];
const events = SEQUENCES.flatMap((text, user) =>
  [...text].map((letter, i) => ({ user, behaviour: "bsp".indexOf(letter), time: BigInt(1000 * i) })),
);

async function golden() {
  const columns = {
    users: Int32Array.from(events, (e) => e.user),
    behaviours: Uint8Array.from(events, (e) => e.behaviour),
    times: BigInt64Array.from(events, (e) => e.time * 1_000_000n),
  };
  const sequences = await sequencesOf(columns, { numUsers: 3, behaviours: ["b", "s", "p"] });
  return { sequences, all: (await countTransitions(sequences)).all };
}

const close = (actual: ArrayLike<number>, expected: readonly number[]) => {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(actual[i], `element ${i}`).toBeCloseTo(value, 6);
};

describe("behaviour transitions of formulas.md", () => {
  it("counts, with where sequences begin and end", async () => {
    const { all } = await golden();
    expect([...all.counts]).toEqual([1, 2, 1, 1, 1, 1, 1, 0, 0]);
    expect([...all.starts]).toEqual([2, 1, 0]);
    expect([...all.ends]).toEqual([1, 1, 1]);
    expect(all.numUsers).toBe(3);
  });

  it("forward, backward and smoothed probabilities, and where the chain settles", async () => {
    const { counts } = (await golden()).all;
    close(transitionProbabilities(counts, 3), [0.25, 0.5, 0.25, 1 / 3, 1 / 3, 1 / 3, 1, 0, 0]);
    const backward = transitionProbabilities(counts, 3, { direction: "backward" });
    close(backward, [1 / 3, 2 / 3, 0.5, 1 / 3, 1 / 3, 0.5, 1 / 3, 0, 0]);
    const smoothed = transitionProbabilities(counts, 3, { smoothing: 1 });
    close(smoothed, [0.285714, 0.428571, 0.285714, 1 / 3, 1 / 3, 1 / 3, 0.5, 0.25, 0.25]);
    close(stationaryDistribution(smoothed, 3)!, [0.364583, 0.34375, 0.291667]);
  });

  it("steps and chance from browse to purchase, solved by hand", async () => {
    const { counts, ends } = (await golden()).all;
    const { probability, stepsIfReached, expectedSteps } = absorption(counts, ends, 2);
    close(probability, [0.5, 0.5, 0.25]);
    close(expectedSteps, [3.5, 3.25, 4.5]);
    // (I - Q)^-1 h / h with Q = [[.2, .4], [.25, .25]] and h = [.5, .5].
    close(stepsIfReached, [2.3, 2.1, 3.3]);
  });

  it("time to the next: mean and median seconds of each transition", async () => {
    const { sequences, all } = await golden();
    const none = Number.NaN;
    expect([...all.meanGapSeconds]).toEqual([1000, 1000, 1000, 1000, 1000, 1000, 1000, none, none]);
    expect([...(await medianGaps(sequences, all))]).toEqual([1000, 1000, 1000, 1000, 1000, 1000, 1000, none, none]);
  });
});
