import { Executor, RUN_OPTIONS, type RunOptions, shared } from "../executor/executor.js";
import { checkSequences, everybodyNow, type Sequences } from "../store/sequences.js";
import { numberBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { userShards } from "./transitions.js";

export interface NextBehaviourOptions extends RunOptions {
  /** How far ahead; default 14. */
  horizonDays?: number | undefined;
}

/** Bins of waiting time, as in native/include/couponcast/sequences.h. */
const WAIT_BINS = 128;
const DAY_SECONDS = 86_400;

/** How long it takes from each behaviour to the next, over all users. */
export interface WaitingTimes {
  /** int64 [behaviours * 128 * behaviours] from, bin, to; in shared memory */
  waits: BigInt64Array;
  /** int64 [behaviours * 128] users whose last behaviour is this, by the time since; in shared memory */
  censored: BigInt64Array;
}

/** Cost: one pass over the sequences. The same for any number of threads. */
export async function waitingTimes(executor: Executor, sequences: Sequences): Promise<WaitingTimes> {
  const states = sequences.behaviours.length;
  const counted = await executor.map(
    userShards(sequences.numUsers, states * WAIT_BINS * states).map(({ begin, end }) => ({
      kernel: "countWaits",
      args: {
        ...sequences.args,
        asOf: sequences.asOfMicros,
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
  return { waits, censored };
}

/**
 * float32 [moments * behaviours] as `nextBehaviour`, of users as they stood at moments: by the events strictly before.
 *
 * @param users int32 [moments] rows
 * @param moments int64 [moments] microseconds since 1970
 */
export async function nextBehaviourAt(
  executor: Executor,
  sequences: Sequences,
  waiting: WaitingTimes,
  horizonDays: number,
  users: Int32Array,
  moments: BigInt64Array,
): Promise<Float32Array> {
  const states = sequences.behaviours.length;
  const probabilities = shared.f32(users.length * states);
  await executor.map(
    userShards(users.length, waiting.waits.length).map(({ begin, end }) => ({
      kernel: "nextWithin",
      args: {
        ...sequences.args,
        ...waiting,
        users,
        moments,
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

/**
 * float32 [numUsers * behaviours]: the chance that the user's next behaviour is the one of the column and comes within
 * the horizon, given the last one and how long ago it was; rows add up to at most 1. From a life table with competing
 * risks over all users: one who has been silent for long since browsing is compared with those who were silent for as
 * long. Users without events have 0, and events after the present (`asOfMicros`) do not count. The same bytes for any number of threads.
 *
 * Cost: one pass over the sequences, 128 steps a user at most. Memory: 12 + 4 behaviours bytes a user.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CORRUPT_FILE, _OUT_OF_RANGE, _CANCELLED.
 * Source: Cutler & Ederer 1958 (life table); Aalen & Johansen 1978 (competing risks).
 */
export async function nextBehaviour(sequences: Sequences, options: NextBehaviourOptions = {}): Promise<Float32Array> {
  checkSequences(sequences);
  knownOptions("nextBehaviour", options, { ...RUN_OPTIONS, horizonDays: true });
  const horizonDays = numberBetween("horizonDays", options.horizonDays ?? 14, 1e-6, 1e6);
  const executor = new Executor(options);
  const waiting = await waitingTimes(executor, sequences);
  const { users, moments } = await everybodyNow(sequences);
  return nextBehaviourAt(executor, sequences, waiting, horizonDays, users, moments);
}
