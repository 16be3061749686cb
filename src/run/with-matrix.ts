import { join } from "node:path";
import { INGEST_FILES } from "../ingest/ingest.js";
import { type Matrix, openMatrix } from "../store/matrix.js";

/** Opens a run's matrix for as long as `use` takes. */
export async function withMatrix<T>(ingested: { dir: string }, use: (matrix: Matrix) => Promise<T>): Promise<T> {
  const matrix = await openMatrix(join(ingested.dir, INGEST_FILES.matrix));
  try {
    return await use(matrix);
  } finally {
    matrix.close();
  }
}
