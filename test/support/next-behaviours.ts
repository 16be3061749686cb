/** What a response model knows of next behaviours, of events in memory. */
import type { ArgValue } from "../../src/executor/call.js";
import type { Executor } from "../../src/executor/executor.js";
import { waitingTimes } from "../../src/profile/next-behaviour.js";
import type { NextBehaviours } from "../../src/response/next-behaviour.js";

export async function nextBehavioursOf(
  executor: Executor,
  events: { indptr: BigInt64Array; times: BigInt64Array; behaviours: Uint8Array },
  behaviours: readonly string[],
  purchase: number,
  asOfMicros: number,
): Promise<NextBehaviours> {
  const { indptr, times } = events;
  const args: Record<"indptr" | "behaviours" | "times" | "states", ArgValue> = {
    indptr,
    behaviours: events.behaviours,
    times,
    states: behaviours.length,
  };
  const sequences = { behaviours, numUsers: indptr.length - 1, numEvents: times.length, asOfMicros, args };
  return { sequences, waiting: await waitingTimes(executor, sequences), horizonDays: 14, purchase };
}
