/** `assign` of a behaviour matrix: its users into the segments of a model that was made of a matrix. */
import { resolve } from "node:path";
import { CouponcastError } from "../errors.js";
import { predictUserClusters } from "../profile/predict-user-clusters.js";
import { stabilitySince } from "../profile/stability.js";
import { readUserClusterModel } from "../profile/user-cluster-model.js";
import type { OutputFile } from "../table/output-file.js";
import type { AssignTableOptions, AssignTableResult } from "./assign-table.js";
import type { Session } from "./command.js";
import { sum } from "./list-rows.js";
import { openMatrixFile } from "./open-matrix-file.js";
import { writeUserSegments } from "./write-user-segments.js";

export async function assignMatrix(
  session: Session,
  path: string,
  options: AssignTableOptions,
  output: OutputFile,
): Promise<Omit<AssignTableResult, "names">> {
  if (options.active !== undefined) {
    throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", "--active as given needs a table of features", {
      field: "--active",
      hint: "Users of a matrix have a segment where they have cells.",
    });
  }
  const model = await readUserClusterModel(options.model);
  const matrix = await openMatrixFile(resolve(path));
  try {
    const { labels, sizes } = await predictUserClusters(matrix, model, session.run());
    await writeUserSegments(session, matrix, labels, output, options.raw);
    return {
      sizes,
      numUnsegmented: matrix.numUsers - sum(sizes),
      stability: stabilitySince(model.sizes, sizes),
    };
  } finally {
    matrix.close();
  }
}
