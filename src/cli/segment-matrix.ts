/** `segment` of a behaviour matrix: users by which items they have to do with. */
import { resolve } from "node:path";
import { CouponcastError } from "../errors.js";
import { Executor } from "../executor/executor.js";
import { segmentsBySize } from "../profile/active-points.js";
import { clusterUsers } from "../profile/sparse-kmeans.js";
import { matrixIds } from "../table/matrix-ids.js";
import type { OutputFile } from "../table/output-file.js";
import { TableWriter } from "../table/table-writer.js";
import type { Session } from "./command.js";
import { openMatrixFile } from "./open-matrix-file.js";
import type { SegmentTableOptions } from "./segment-table.js";

export interface SegmentMatrixResult {
  method: "kmeans";
  sizes: number[];
  numUnsegmented: number;
  inertia: number;
  iterations: number;
  converged: boolean;
}

/** Options that make points of the columns of a table. */
const OF_TABLES = ["features", "active"] as const;

/** Writes user_id and segment of the users with cells, by user. */
export async function segmentMatrix(
  session: Session,
  path: string,
  options: SegmentTableOptions,
  output: OutputFile,
): Promise<SegmentMatrixResult> {
  const { k, method, seed, maxIterations, tolerance } = options;
  const unknown = OF_TABLES.find((name) => options[name] !== undefined);
  if (unknown !== undefined || method !== "kmeans" || k === "auto") {
    const field = unknown !== undefined ? `--${unknown}` : k === "auto" ? "-k" : "--method";
    throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", `${field} as given needs a table of features`, {
      field,
      hint: "The rows of a matrix are segmented by K-means with a number of segments.",
    });
  }
  const matrix = await openMatrixFile(resolve(path));
  try {
    const found = await clusterUsers(matrix, { ...session.run(), k, seed, maxIterations, tolerance });
    const rows = Array.from({ length: matrix.numUsers }, (_, row) => row);
    const { segments } = await segmentsBySize(matrix.numUsers, rows, found.labels, found.sizes);
    session.progress.update({ stage: "writing", done: 0, total: undefined });
    const executor = new Executor(session.run());
    const writer = await TableWriter.open(output, { executor, signal: session.signal, raw: options.raw });
    try {
      await writer.addIds("users", matrixIds(matrix, "users"));
      await writer.append([Int32Array.from(rows), segments.labels], 1);
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
    const { sizes, numUnsegmented } = segments;
    const { inertia, iterations, converged } = found;
    return { method, sizes, numUnsegmented, inertia, iterations, converged };
  } finally {
    matrix.close();
  }
}
