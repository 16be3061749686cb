import { Executor, type RunOptions, shared } from "../executor/executor.js";
import { checkSequences, type Sequences } from "../store/sequences.js";
import { numberBetween } from "../util/arguments.js";
import { userShards } from "./transitions.js";

export interface NextBehaviourOptions extends RunOptions {
  /** How far ahead; default 14. */
  horizonDays?: number | undefined;
}

/** Bins of waiting time, as in native/include/couponcast/sequences.h. */
const WAIT_BINS = 128;
const DAY_SECONDS = 86_400;

/**
 * float32 [numUsers * behaviours]: the chance that the user's next behaviour is the one of the column and comes within
 * the horizon, given the last one and how long ago it was; rows add up to at most 1. From a life table with competing
 * risks over all users: one who has been silent for long since browsing is compared with those who were silent for as
 * long. Users without events have 0. The same bytes for any number of threads.
 *
 * Cost: one pass over the sequences, 128 steps a user at most. Memory: 4 behaviours bytes a user.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CORRUPT_FILE, _OUT_OF_RANGE, _CANCELLED.
 * Source: Cutler & Ederer 1958 (life table); Aalen & Johansen 1978 (competing risks).
 */
export async function nextBehaviour(sequences: Sequences, options: NextBehaviourOptions = {}): Promise<Float32Array> {
  checkSequences(sequences);
  const horizonDays = numberBetween("horizonDays", options.horizonDays ?? 14, 1e-6, 1e6);
  const executor = new Executor(options);
  const states = sequences.behaviours.length;
  const asOf = sequences.asOfMicros;
  const ranges = userShards(sequences.numUsers, states * WAIT_BINS * states);
  const counted = await executor.map(
    ranges.map(({ begin, end }) => ({
      kernel: "countWaits",
      args: {
        ...sequences.args,
        asOf,
        begin,
        end,
        outWaits: { $return: "I64", length: states * WAIT_BINS * states },
        outCensored: { $return: "I64", length: states * WAIT_BINS },
      },
    })),
    { name: "waiting times" },
  );
  const waits = shared.i64(states * WAIT_BINS * states);
  const censored = shared.i64(states * WAIT_BINS);
  for (const { outputs } of counted) {
    for (const [sum, part] of [
      [waits, outputs.outWaits as BigInt64Array],
      [censored, outputs.outCensored as BigInt64Array],
    ] as const) {
      for (let i = 0; i < sum.length; i++) sum[i]! += part[i]!;
    }
  }
  const probabilities = shared.f32(sequences.numUsers * states);
  await executor.map(
    ranges.map(({ begin, end }) => ({
      kernel: "nextWithin",
      args: {
        ...sequences.args,
        waits,
        censored,
        asOf,
        horizonSeconds: horizonDays * DAY_SECONDS,
        begin,
        end,
        outProbabilities: probabilities.subarray(begin * states, end * states),
      },
    })),
    { name: "next behaviour" },
  );
  return probabilities;
}
