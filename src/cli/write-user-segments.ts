import { Executor } from "../executor/executor.js";
import type { Matrix } from "../store/matrix.js";
import { matrixIds } from "../table/matrix-ids.js";
import type { OutputFile } from "../table/output-file.js";
import { TableWriter } from "../table/table-writer.js";
import type { Session } from "./command.js";

/** Writes user_id and segment of all users of a matrix, by user; a label of -1 is no segment. */
export async function writeUserSegments(
  session: Session,
  matrix: Matrix,
  labels: Int32Array,
  output: OutputFile,
  raw: boolean | undefined,
): Promise<void> {
  session.progress.update({ stage: "writing", done: 0, total: undefined });
  const executor = new Executor(session.run());
  const writer = await TableWriter.open(output, { executor, signal: session.signal, raw });
  try {
    await writer.addIds("users", matrixIds(matrix, "users"));
    await writer.append([Int32Array.from(labels, (_, row) => row), labels], 1);
    await writer.finish(
      [
        { name: "user_id", from: 0, ids: "users" },
        { name: "segment", from: 1 },
      ],
      [0],
    );
  } finally {
    writer.close();
  }
}
