import { resolve } from "node:path";
import { CouponcastError, invalidArgument } from "../errors.js";
import type { ArgValue } from "../executor/call.js";
import { Executor, RUN_OPTIONS, type RunOptions, shards, shared } from "../executor/executor.js";
import { arrayOf, fieldsOf, integerBetween, pathOf, textOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { copyYielding, forEachYielding } from "../util/yield.js";
import { readTensors, tensorsInfo } from "./tensors.js";
import { textsOf } from "./texts.js";

/**
 * The behaviour sequences of users: each user's events ascending by time, of equal times by the behaviour's position in
 * `behaviours`, so that they do not depend on the order in which events came.
 */
export interface Sequences {
  /** Names of the behaviours, at most 256; events hold the position. */
  readonly behaviours: readonly string[];
  readonly numUsers: number;
  readonly numEvents: number;
  /** The present, in microseconds since 1970: time since a user's last event ends here. */
  readonly asOfMicros: number;
  /** @internal Arguments of the kernels. */
  readonly args: Record<"indptr" | "behaviours" | "times" | "states", ArgValue>;
}

/** @internal Refuses what no call of openSequences or sequencesOf has given. */
export function checkSequences(sequences: Sequences): void {
  const { numUsers, behaviours, args } = fieldsOf("sequences", sequences);
  integerBetween("sequences.numUsers", numUsers, 0, 2 ** 31 - 1);
  arrayOf("sequences.behaviours", behaviours);
  fieldsOf("sequences.args", args);
}

/** Events in any order, one array a column. */
export interface EventColumns {
  /** [events] user, from 0 to numUsers - 1 */
  users: Int32Array;
  /** [events] position in the list of behaviours */
  behaviours: Uint8Array;
  /** [events] microseconds since 1970 */
  times: BigInt64Array;
}

export interface SequencesOptions extends RunOptions {
  numUsers: number;
  behaviours: readonly string[];
  /** Microseconds since 1970; default: the latest event. */
  asOfMicros?: number | undefined;
}

const SHARD_USERS = 16_384;
const MAX_BEHAVIOURS = 256;
const SAFE_RANGE = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] as const;

/** Tensors of a file of sequences; the ids of the users are those of the rows. */
export const SEQUENCE_TENSORS = {
  indptr: "I64",
  times: "I64",
  "users.offsets": "I64",
  behaviours: "U8",
  "users.bytes": "U8",
} as const;

function checkBehaviours(names: readonly string[]): void {
  if (names.length >= 1 && names.length <= MAX_BEHAVIOURS && new Set(names).size === names.length) return;
  throw invalidArgument(`expected 1 to ${MAX_BEHAVIOURS} different behaviours but received ${names.length}`);
}

/**
 * Sequences from events in memory. Cost: two passes over the events and a sort of each user's; memory 9 bytes an event.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _OUT_OF_RANGE (a user that does not exist), _CANCELLED.
 */
export async function sequencesOf(events: EventColumns, options: SequencesOptions): Promise<Sequences> {
  const { users, behaviours, times } = fieldsOf("events", events);
  knownOptions("sequencesOf", options, { ...RUN_OPTIONS, numUsers: true, behaviours: true, asOfMicros: true });
  const numUsers = integerBetween("numUsers", options.numUsers, 0, 2 ** 31 - 2);
  checkBehaviours(arrayOf("behaviours", options.behaviours).map((name) => textOf("behaviours", name)));
  if (!(users instanceof Int32Array && behaviours instanceof Uint8Array && times instanceof BigInt64Array)) {
    throw invalidArgument("expected users, behaviours and times as Int32Array, Uint8Array and BigInt64Array");
  }
  if (options.asOfMicros !== undefined) integerBetween("asOfMicros", options.asOfMicros, ...SAFE_RANGE);
  const executor = new Executor(options);
  const indptr = shared.i64(numUsers + 1);
  const sorted = { behaviours: shared.u8(users.length), times: shared.i64(users.length) };
  await executor.run({
    kernel: "groupEvents",
    args: {
      users: await inSharedMemory(users, shared.i32),
      behaviours: await inSharedMemory(behaviours, shared.u8),
      times: await inSharedMemory(times, shared.i64),
      outIndptr: indptr,
      outBehaviours: sorted.behaviours,
      outTimes: sorted.times,
    },
  });
  await executor.map(
    shards(numUsers, SHARD_USERS).map(({ begin, end }) => ({
      kernel: "sortSequences",
      args: { indptr, ...sorted, begin, end },
    })),
    { name: "sequences" },
  );
  let latest = 0;
  if (options.asOfMicros === undefined) {
    await forEachYielding(numUsers, (user) => {
      const end = Number(indptr[user + 1]!);
      if (end > Number(indptr[user]!)) latest = Math.max(latest, Number(sorted.times[end - 1]!));
    });
  }
  return {
    behaviours: [...options.behaviours],
    numUsers,
    numEvents: users.length,
    asOfMicros: options.asOfMicros ?? latest,
    args: { indptr, ...sorted, states: options.behaviours.length },
  };
}

/**
 * @internal Every user at the present: int32 [numUsers] rows, int64 [numUsers] microseconds since 1970 that are later than an
 * event of this very moment, since it has happened; in shared memory.
 */
export async function everybodyNow({ numUsers, asOfMicros }: Sequences) {
  const users = shared.i32(numUsers);
  await forEachYielding(numUsers, (user) => {
    users[user] = user;
  });
  return { users, moments: shared.i64(numUsers).fill(BigInt(asOfMicros) + 1n) };
}

async function inSharedMemory<T extends Int32Array | Uint8Array | BigInt64Array>(
  data: T,
  allocate: (length: number) => T,
): Promise<T> {
  if (data.buffer instanceof SharedArrayBuffer) return data;
  return copyYielding(allocate(data.length) as Int32Array, data as Int32Array) as Promise<T>;
}

/**
 * Opens a file of sequences, as `ingest` writes it; the cost does not depend on its size, the content is checked by what
 * counts it. Errors: ERR_COUPONCAST_IO, ERR_COUPONCAST_CORRUPT_FILE (also another kind of file).
 */
export async function openSequences(path: string): Promise<Sequences> {
  const absolute = resolve(pathOf(path));
  const { tensors, metadata } = tensorsInfo(absolute);
  const corrupt = (what: string) =>
    new CouponcastError("ERR_COUPONCAST_CORRUPT_FILE", `${path}: expected ${what}`, {
      file: path,
      hint: "couponcast ingest --sequences writes such a file.",
    });
  for (const [name, dtype] of Object.entries(SEQUENCE_TENSORS)) {
    if (tensors[name]?.dtype !== dtype || tensors[name].shape.length !== 1) {
      throw corrupt(`behaviour sequences, with a tensor ${name} of dtype ${dtype}`);
    }
  }
  const behaviours = parsedNames(metadata.behaviours);
  const asOfMicros = Number(metadata.asOfMicros ?? Number.NaN);
  if (behaviours === undefined || !Number.isSafeInteger(asOfMicros)) {
    throw corrupt("behaviours and asOfMicros in the metadata");
  }
  const length = (name: keyof typeof SEQUENCE_TENSORS) => tensors[name]!.shape[0]!;
  const numUsers = length("indptr") - 1;
  if (numUsers < 0 || length("users.offsets") !== numUsers + 1) throw corrupt("users + 1 pointers and offsets of ids");
  const tensor = (name: string) => ({ $file: absolute, tensor: name });
  return {
    behaviours,
    numUsers,
    numEvents: length("times"),
    asOfMicros,
    args: {
      indptr: tensor("indptr"),
      behaviours: tensor("behaviours"),
      times: tensor("times"),
      states: behaviours.length,
    },
  };
}

function parsedNames(text: string | undefined): string[] | undefined {
  try {
    const names: unknown = JSON.parse(text ?? "");
    if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) return undefined;
    checkBehaviours(names);
    return names;
  } catch {
    return undefined;
  }
}

/** Ids of the users of a file of sequences, in the order of the rows, in batches. Errors: ERR_COUPONCAST_CORRUPT_FILE, _IO. */
export async function* sequenceUserIds(path: string, batch = 8192): AsyncGenerator<string[]> {
  const tensors = readTensors(resolve(path), { "users.offsets": "I64", "users.bytes": "U8" });
  const offsets = tensors["users.offsets"] as BigInt64Array;
  const bytes = tensors["users.bytes"] as Uint8Array;
  yield* textsOf(path, offsets, bytes, batch);
}
