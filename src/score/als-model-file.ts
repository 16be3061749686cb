/** Factorisations in files. */
import { CouponcastError, invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions } from "../executor/executor.js";
import { readFileInfo } from "../store/inspect-file.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import { loadTensors, tensorsInfo } from "../store/tensors.js";
import { textsOf } from "../store/texts.js";
import { knownOptions } from "../util/known-options.js";
import { type AlsModel, type AlsParams, areFinite, checkAlsModel, checkAlsParams } from "./als.js";

/** A model that knows its items without its matrix. */
export interface SavedAlsModel extends AlsModel {
  /** Id of each item. */
  items: string[];
}

const KIND = "als";
const TENSORS = {
  "users.factors": "F32",
  "items.factors": "F32",
  "items.offsets": "I64",
  "items.bytes": "U8",
} as const;

/**
 * Writes the model of a matrix with the ids of its items, whole or not at all.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT (another matrix's model), ERR_COUPONCAST_IO.
 */
export async function writeAlsModel(path: string, model: AlsModel, matrix: Matrix): Promise<void> {
  const { factors, userFactors, itemFactors, loss, regularisation, alpha } = checkAlsModel(model);
  checkMatrix("matrix", matrix);
  const { numUsers, numItems, metadata, path: file } = matrix;
  if (userFactors.length !== numUsers * factors || itemFactors.length !== numItems * factors)
    throw invalidArgument("expected a model of this matrix");
  // The bytes as the matrix has them: many ids take long as texts.
  const ids = await loadTensors(new Executor({ threads: 1 }), file, { "items.offsets": "I64", "items.bytes": "U8" });
  const data = { "users.factors": userFactors, "items.factors": itemFactors, ...ids };
  const shapes = {
    "users.factors": [numUsers, factors],
    "items.factors": [numItems, factors],
    "items.offsets": [data["items.offsets"].length],
    "items.bytes": [data["items.bytes"].length],
  };
  const names = Object.keys(TENSORS) as (keyof typeof TENSORS)[];
  const writer = TensorFileWriter.create(
    path,
    names.map((name) => ({ name, dtype: TENSORS[name], shape: shapes[name] })),
    {
      kind: KIND,
      matrix: metadata.digest ?? "",
      factors: String(factors),
      regularisation: String(regularisation),
      alpha: String(alpha),
      loss: String(loss),
    },
  );
  try {
    for (const name of names) await writer.write(name, 0, data[name]);
    await writer.commit();
  } finally {
    await writer.abort();
  }
}

/** Whether a file says that it is such a model; false also of what cannot be read. */
export function isAlsModel(path: string): boolean {
  try {
    return tensorsInfo(path).metadata.kind === KIND;
  } catch {
    return false;
  }
}

/**
 * Reads a model of writeAlsModel into memory. Errors: ERR_COUPONCAST_IO, _CORRUPT_FILE (another kind of file, sizes that do not
 * fit, numbers that are not finite, ids that are not unique).
 */
export async function readAlsModel(path: string, options: RunOptions = {}): Promise<SavedAlsModel> {
  knownOptions("readAlsModel", options, RUN_OPTIONS);
  const { metadata, tensors } = await readFileInfo(path);
  const corrupt = (what: string) =>
    new CouponcastError("ERR_COUPONCAST_CORRUPT_FILE", `${path}: ${what}`, {
      file: path,
      hint: "Expected a model as writeAlsModel or `couponcast recommend --method als --save-model` writes it.",
    });
  if (metadata.kind !== KIND) throw corrupt("it holds no model of als");
  let params: AlsParams;
  try {
    const [factors, regularisation, alpha] = [metadata.factors, metadata.regularisation, metadata.alpha].map(Number);
    params = checkAlsParams({ factors, regularisation, alpha });
  } catch (thrown) {
    throw corrupt((thrown as Error).message);
  }
  const { factors } = params;
  const numItems = tensors["items.factors"]?.shape[0] ?? 0;
  for (const name of ["users.factors", "items.factors"]) {
    const shape = tensors[name]?.shape;
    if (shape?.length !== 2 || shape[1] !== factors) throw corrupt(`expected ${name} of ${factors} factors a row`);
  }
  if (tensors["items.offsets"]?.shape[0] !== numItems + 1) throw corrupt("expected an id of each item");
  const executor = new Executor(options);
  const read = await loadTensors(executor, path, TENSORS);
  const userFactors = read["users.factors"] as Float32Array;
  const itemFactors = read["items.factors"] as Float32Array;
  if (!(await areFinite(executor, { factors, userFactors, itemFactors }))) throw corrupt("expected finite factors");
  const items: string[] = [];
  const seen = new Set<string>();
  const batches = textsOf(path, read["items.offsets"] as BigInt64Array, read["items.bytes"] as Uint8Array);
  for await (const ids of batches) {
    for (const id of ids) {
      items.push(id);
      seen.add(id);
    }
  }
  if (seen.size < numItems) throw corrupt("expected an id of its own of each item");
  const loss = Number(metadata.loss);
  return { ...params, userFactors, itemFactors, items, loss, history: [loss] };
}
