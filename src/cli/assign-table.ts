/** The work behind `assign`: users of a table into the segments of a model, and the table of the result. */
import { predictSegments, readSegmentModel } from "../profile/segment-model.js";
import { type Stability, stabilitySince } from "../profile/stability.js";
import type { ResolvedSource } from "../source/source.js";
import type { OutputFile } from "../table/output-file.js";
import { forEachYielding } from "../util/yield.js";
import type { Session } from "./command.js";
import { readValues, sortById, writeSegments } from "./feature-table.js";
import { withTable } from "./with-table.js";

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
  const model = readSegmentModel(options.model);
  const { names, scale } = model.scaling;
  return withTable(session, source, output, async ({ table, executor, labelsPath }) => {
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
    return { sizes, numUnsegmented, names, stability: stabilitySince(model.sizes, sizes) };
  });
}
