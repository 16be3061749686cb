/** The work behind `assign`: users of a table into the segments of a model, and the table of the result. */
import { join } from "node:path";
import { Executor } from "../executor/executor.js";
import { predictSegments, readSegmentModel } from "../profile/segment-model.js";
import { populationStability, type Stability } from "../profile/stability.js";
import type { ResolvedSource } from "../source/source.js";
import type { OutputFile } from "../table/output-file.js";
import { TableReader } from "../table/read-table.js";
import { forEachYielding } from "../util/yield.js";
import type { Session } from "./command.js";
import { readValues, sortById, writeSegments } from "./feature-table.js";

export interface AssignTableOptions {
  model: string;
  id: string;
  active?: string;
  raw?: boolean;
}

export interface AssignTableResult {
  /** [k] users of each segment. */
  sizes: number[];
  numUnsegmented: number;
  names: string[];
  /** Shares of the segments, beside those of the users that they were made from; null when nobody is in one. */
  stability: Stability | null;
}

export async function assignTable(
  session: Session,
  source: ResolvedSource,
  options: AssignTableOptions,
  output: OutputFile,
): Promise<AssignTableResult> {
  const executor = new Executor(session.run());
  const model = readSegmentModel(options.model);
  const { names, scale } = model.scaling;
  const labelsPath = join(output.scratch, "labels.csv");
  session.progress.update({ stage: "reading", done: 0, total: undefined });
  const { scratch } = output;
  const { signal } = session;
  const reader = await TableReader.open([source], {
    scratch,
    threads: executor.threads,
    signal,
    readable: [labelsPath],
  });
  try {
    const table = await reader.load(source, "input");
    const { numUsers } = await sortById(table, { ...options, features: names, scale });
    const { values, active } = await readValues(table, names.length, numUsers);
    const labels = await predictSegments(model, values, session.run());
    const sizes = new Array<number>(model.sizes.length).fill(0);
    let numUnsegmented = 0;
    await forEachYielding(numUsers, (user) => {
      if (active[user] === 0) {
        labels[user] = -1;
        numUnsegmented++;
      } else {
        sizes[labels[user]!]!++;
      }
    });
    session.progress.update({ stage: "writing", done: 0, total: undefined });
    await writeSegments(table.db, executor, labels, names, { ...options, labelsPath, output });
    const comparable = numUnsegmented < numUsers && model.sizes.some((size) => size > 0);
    return { sizes, numUnsegmented, names, stability: comparable ? populationStability(model.sizes, sizes) : null };
  } finally {
    reader.close();
  }
}
