/** The work behind `transitions`: the chain of all users and of each segment, and the tables of the result. */
import { invalidArgument } from "../errors.js";
import { Executor, shared } from "../executor/executor.js";
import { type ChainSummary, knownProbabilities, summariseChain } from "../profile/chain-summary.js";
import { nextBehaviour } from "../profile/next-behaviour.js";
import { countTransitions, type GroupTransitions, medianGaps } from "../profile/transitions.js";
import type { ResolvedSource } from "../source/source.js";
import { openSequences, type Sequences, sequenceUserIds } from "../store/sequences.js";
import type { OutputFile } from "../table/output-file.js";
import { TableWriter } from "../table/table-writer.js";
import { didYouMean } from "../util/nearest-name.js";
import { forEachYielding } from "../util/yield.js";
import type { Session } from "./command.js";
import { readSegments } from "./read-segments.js";

export interface TransitionsOptions {
  target: string;
  direction: "forward" | "backward";
  smoothing: number;
  horizonDays: number;
  raw?: boolean;
}

export interface TransitionTables {
  behaviours: readonly string[];
  numEvents: number;
  target: string;
  all: ChainSummary;
  segments: ChainSummary[];
}

export async function transitionTables(
  session: Session,
  path: string,
  segments: ResolvedSource | undefined,
  options: TransitionsOptions,
  output: OutputFile,
  next: OutputFile | undefined,
): Promise<TransitionTables> {
  const sequences = await openSequences(path);
  const { behaviours } = sequences;
  const target = behaviours.indexOf(options.target);
  if (target < 0) {
    throw invalidArgument(
      `expected one of the behaviours ${behaviours.join(", ")} for --target but received ${JSON.stringify(options.target)}${didYouMean(options.target, behaviours)}`,
      { field: "--target" },
    );
  }
  const labels = segments === undefined ? undefined : await segmentLabels(session, path, sequences, segments, output);
  const numSegments = labels === undefined ? undefined : labels.reduce((most, label) => Math.max(most, label + 1), 1);
  const run = session.run();
  const found = await countTransitions(sequences, { ...run, labels, segments: numSegments });
  const medians = await medianGaps(sequences, found.all, run);
  await writeTransitions(session, behaviours, found.all, found.segments, medians, options, output);
  if (next !== undefined) await writeNext(session, path, sequences, options, next);
  const summaryOf = (group: GroupTransitions) => summariseChain(group, { ...options, target });
  return {
    behaviours,
    numEvents: sequences.numEvents,
    target: options.target,
    all: summaryOf(found.all),
    segments: found.segments.map(summaryOf),
  };
}

async function segmentLabels(
  session: Session,
  path: string,
  { numUsers }: Sequences,
  source: ResolvedSource,
  output: OutputFile,
): Promise<Int32Array> {
  const rows = new Map<string, number>();
  for await (const ids of sequenceUserIds(path)) for (const id of ids) rows.set(id, rows.size);
  const among = { numUsers, rowOf: (id: string) => rows.get(id) ?? -1 };
  return readSegments(session, among, source, output.scratch);
}

async function writeTransitions(
  session: Session,
  behaviours: readonly string[],
  all: GroupTransitions,
  segments: readonly GroupTransitions[],
  medians: Float64Array,
  options: TransitionsOptions,
  output: OutputFile,
): Promise<void> {
  const n = behaviours.length;
  const executor = new Executor(session.run());
  const writer = await TableWriter.open(output, { executor, signal: session.signal, raw: options.raw });
  const none = new Float64Array(n * n).fill(Number.NaN);
  try {
    await writer.addIds("segments", [["all", ...segments.map((_, s) => String(s))]]);
    for (const [index, group] of [all, ...segments].entries()) {
      const probabilities = knownProbabilities(group.counts, n, options).map((p) => p ?? Number.NaN);
      await writer.append([
        new Int32Array(n * n).fill(index),
        Int32Array.from({ length: n * n }, (_, at) => Math.floor(at / n)),
        Int32Array.from({ length: n * n }, (_, at) => at % n),
        BigInt64Array.from(group.counts, BigInt),
        Float64Array.from(probabilities),
        group.meanGapSeconds,
        index === 0 ? medians : none,
      ]);
    }
    await writer.finish(
      [
        { name: "segment", from: 0, ids: "segments" },
        { name: "from", from: 1, names: behaviours },
        { name: "to", from: 2, names: behaviours },
        { name: "count", from: 3 },
        { name: "probability", from: 4 },
        { name: "mean_gap_seconds", from: 5 },
        { name: "median_gap_seconds", from: 6 },
      ],
      [0, 1, 2],
    );
  } finally {
    writer.close();
  }
}

async function writeNext(
  session: Session,
  path: string,
  sequences: Sequences,
  { horizonDays, raw }: TransitionsOptions,
  output: OutputFile,
): Promise<void> {
  const { behaviours, numUsers } = sequences;
  const n = behaviours.length;
  const probabilities = await nextBehaviour(sequences, { ...session.run(), horizonDays });
  const executor = new Executor(session.run());
  const writer = await TableWriter.open(output, { executor, signal: session.signal, raw });
  try {
    await writer.addIds("users", sequenceUserIds(path));
    const rows = shared.i32(numUsers);
    const columns = behaviours.map(() => shared.f32(numUsers));
    await forEachYielding(numUsers, (user) => {
      rows[user] = user;
      for (let to = 0; to < n; to++) columns[to]![user] = probabilities[user * n + to]!;
    });
    await writer.append([rows, ...columns]);
    session.progress.update({ stage: "writing", done: 0, total: undefined });
    await writer.finish(
      [
        { name: "user_id", from: 0, ids: "users" },
        ...behaviours.map((name, to) => ({ name: `next_${name}`, from: to + 1 })),
      ],
      [0],
    );
  } finally {
    writer.close();
  }
}
