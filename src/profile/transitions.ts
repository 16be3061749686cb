import { invalidArgument } from "../errors.js";
import { Executor, type RowRange, RUN_OPTIONS, type RunOptions, shards, shared } from "../executor/executor.js";
import { checkSequences, type Sequences } from "../store/sequences.js";
import { fieldsOf, integerBetween } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { forEachYielding } from "../util/yield.js";

export interface TransitionsOptions extends RunOptions {
  /** [numUsers] segment of each user, -1 for none. */
  labels?: Int32Array | undefined;
  /** Number of segments; needed with labels. */
  segments?: number | undefined;
}

/** Transitions of a group of users; matrices are [states * states], row: from, column: to. */
export interface GroupTransitions {
  /** Users with at least one event. */
  numUsers: number;
  counts: Float64Array;
  /** [states] sequences that begin, and that end, with each behaviour. */
  starts: Float64Array;
  ends: Float64Array;
  /** Mean seconds between the two events; NaN where there is no such transition. */
  meanGapSeconds: Float64Array;
}

export interface Transitions {
  behaviours: readonly string[];
  /** All users, those in no segment too. */
  all: GroupTransitions;
  segments: GroupTransitions[];
}

const SHARD_USERS = 65_536;
/** Numbers that all shards together bring back at most: an eighth of a gigabyte. */
const MAX_PARTIAL_ELEMENTS = 16_000_000;
const MICROS = 1e6;

/**
 * Counts how often each behaviour is followed by each other one within a user's sequence, for all users and for each
 * segment, with the mean time in between. The same bytes for any number of threads: counts are whole numbers, gaps are
 * added in float64 over fixed shards in order.
 *
 * Cost: one pass over the sequences. Memory: 16 segments states² bytes a shard of users.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CORRUPT_FILE (sequences out of order), _OUT_OF_RANGE (labels), _CANCELLED.
 * Source: formulas.md, "Behaviour transitions".
 */
export async function countTransitions(sequences: Sequences, options: TransitionsOptions = {}): Promise<Transitions> {
  checkSequences(sequences);
  const { labels } = knownOptions("countTransitions", options, { ...RUN_OPTIONS, labels: true, segments: true });
  const segments = integerBetween("segments", options.segments ?? 0, labels === undefined ? 0 : 1, 1_000_000);
  if (labels !== undefined && (!(labels instanceof Int32Array) || labels.length !== sequences.numUsers)) {
    throw invalidArgument(`expected ${sequences.numUsers} labels as an Int32Array`);
  }
  const groups = labels === undefined ? 1 : segments + 1;
  const states = sequences.behaviours.length;
  const cells = groups * states * states;
  const lengths = { counts: cells, gapSums: cells, starts: groups * states, ends: groups * states };
  const labelsOnce = labels === undefined ? undefined : sharedLabels(labels);
  const results = await new Executor(options).map(
    userShards(sequences.numUsers, cells).map(({ begin, end }) => ({
      kernel: "countTransitions",
      args: {
        ...sequences.args,
        labels: labelsOnce,
        begin,
        end,
        outCounts: { $return: "I64", length: lengths.counts },
        outGapSums: { $return: "F64", length: lengths.gapSums },
        outStarts: { $return: "I64", length: lengths.starts },
        outEnds: { $return: "I64", length: lengths.ends },
      },
    })),
    { name: "transitions" },
  );
  const add = async (output: string, length: number) => {
    const sum = new Float64Array(length);
    for (const { outputs } of results) {
      const part = outputs[output]!;
      await forEachYielding(length, (i) => {
        sum[i]! += Number(part[i]!);
      });
    }
    return sum;
  };
  const counts = await add("outCounts", lengths.counts);
  const gapSums = await add("outGapSums", lengths.gapSums);
  const starts = await add("outStarts", lengths.starts);
  const ends = await add("outEnds", lengths.ends);
  const square = states * states;
  const parts = Array.from({ length: groups }, (_, g) => ({
    counts: counts.slice(g * square, (g + 1) * square),
    gapSums: gapSums.slice(g * square, (g + 1) * square),
    starts: starts.slice(g * states, (g + 1) * states),
    ends: ends.slice(g * states, (g + 1) * states),
  }));
  const total = (pick: (part: (typeof parts)[number]) => Float64Array) =>
    parts.map(pick).reduce((sum, part) => sum.map((value, i) => value + part[i]!));
  const all = {
    counts: total((part) => part.counts),
    gapSums: total((part) => part.gapSums),
    starts: total((part) => part.starts),
    ends: total((part) => part.ends),
  };
  return {
    behaviours: sequences.behaviours,
    all: groupOf(all),
    segments: labels === undefined ? [] : parts.slice(0, segments).map(groupOf),
  };
}

/** Fixed shards of users; fewer, larger ones where each brings back so many numbers. */
export function userShards(numUsers: number, elements: number): RowRange[] {
  const most = Math.max(1, Math.floor(MAX_PARTIAL_ELEMENTS / elements));
  return shards(numUsers, Math.max(SHARD_USERS, Math.ceil(numUsers / most)));
}

function sharedLabels(labels: Int32Array): Int32Array {
  if (labels.buffer instanceof SharedArrayBuffer) return labels;
  const copy = shared.i32(labels.length);
  copy.set(labels);
  return copy;
}

function groupOf(part: Record<"counts" | "gapSums" | "starts" | "ends", Float64Array>): GroupTransitions {
  return {
    numUsers: part.starts.reduce((sum, n) => sum + n, 0),
    counts: part.counts,
    starts: part.starts,
    ends: part.ends,
    meanGapSeconds: part.gapSums.map((sum, i) => sum / part.counts[i]! / MICROS),
  };
}

/**
 * Median seconds from each behaviour to each next one, [states * states]; of an even number of gaps the mean of the
 * middle two, NaN where there is none. `all` are the counts of the same sequences.
 * Cost: one pass and a selection. Memory: 8 bytes a transition. Errors: as countTransitions.
 */
export async function medianGaps(
  sequences: Sequences,
  all: GroupTransitions,
  options: RunOptions = {},
): Promise<Float64Array> {
  checkSequences(sequences);
  knownOptions("medianGaps", options, RUN_OPTIONS);
  const { counts } = fieldsOf("all", all);
  if (!(counts instanceof Float64Array)) throw invalidArgument("expected the counts of countTransitions in all");
  const executor = new Executor(options);
  const begins = new Float64Array(all.counts.length + 1);
  for (const [i, n] of all.counts.entries()) begins[i + 1] = begins[i]! + n;
  const gaps = shared.i64(begins.at(-1)!);
  const cursors = shared.i64(all.counts.length);
  for (let i = 0; i < cursors.length; i++) cursors[i] = BigInt(begins[i]!);
  // One call after the other: each goes on where the one before has stopped.
  for (const { begin, end } of shards(sequences.numUsers, SHARD_USERS)) {
    await executor.run({ kernel: "listGaps", args: { ...sequences.args, begin, end, cursors, outGaps: gaps } });
  }
  const medians = await executor.map(
    Array.from(all.counts, (_, i) => ({
      kernel: "medianGap",
      args: { gaps: gaps.subarray(begins[i]!, begins[i + 1]!) },
    })),
    { name: "median times", weight: (i) => all.counts[i]! },
  );
  return Float64Array.from(medians, ({ value }) => (value as number) / MICROS);
}
