import { invalidArgument } from "../errors.js";
import type { ResolvedSource } from "../source/source.js";
import type { Matrix } from "../store/matrix.js";
import type { Session } from "./command.js";
import { readUserNumbers } from "./read-user-numbers.js";
import { counted } from "./text-layout.js";

/** What float32 holds, and sums of many of them. */
const MAX_WEIGHT = 1e30;

/** [numUsers] how much each user of a matrix counts, from a table with user_id and weight, one row for each of them. */
export async function readUserWeights(
  session: Session,
  matrix: Matrix,
  source: ResolvedSource,
  scratch: string,
): Promise<Float32Array> {
  const weights = new Float32Array(matrix.numUsers).fill(Number.NaN);
  const refuse = (message: string, hint?: string): never => {
    throw invalidArgument(`${source.files[0]!.path}: ${message}`, { field: "--weights", hint });
  };
  const wanted = { column: "weight", option: "--weights", required: true, min: 0, max: MAX_WEIGHT };
  await readUserNumbers(session, matrix, source, scratch, wanted, (row, weight, id) => {
    if (!Number.isNaN(weights[row]!)) refuse(`expected one row a user but ${JSON.stringify(id.slice(0, 60))} has more`);
    weights[row] = weight;
  });
  const first = weights.findIndex(Number.isNaN);
  if (first >= 0) {
    const missing = weights.reduce((sum, weight) => sum + Number(Number.isNaN(weight)), 0);
    refuse(
      `expected a weight for every user of the matrix but ${counted(missing, "user")} of it have none, the first is ${JSON.stringify(matrix.userId(first).slice(0, 60))}`,
      "Give each a row; who weighs 0 gets a segment, but moves no centre.",
    );
  }
  return weights;
}
