/** Fitted models in files: arrays as tensors, the rest as JSON for whoever keeps the path. */
import { join, relative } from "node:path";
import type { AnyTypedArray, Dtype } from "../native/addon.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import type { KernelModel } from "./method.js";

/** A model without its arrays; JSON. Files are beside one another, in a folder that may move. */
export interface SavedModel extends Omit<KernelModel, "args"> {
  numbers: Record<string, string | number | boolean>;
  /** File of the tensors, if there are any. */
  file: string;
  /** Tensor that holds each argument. */
  tensors: Record<string, string>;
  /** File of each argument that is a matrix. */
  matrices: Record<string, string>;
}

const DTYPES = new Map<unknown, Dtype>([
  [BigInt64Array, "I64"],
  [Float64Array, "F64"],
  [Int32Array, "I32"],
  [Float32Array, "F32"],
  [Uint8Array, "U8"],
]);

/** Writes the arrays of a model as dir/file; its matrices must be in `dir`. Errors: ERR_COUPONCAST_IO. */
export async function writeModel(
  dir: string,
  file: string,
  { args, ...model }: KernelModel,
  matrixDigest: string,
): Promise<SavedModel> {
  const arrays: [string, AnyTypedArray][] = [];
  const saved: SavedModel = { ...model, numbers: {}, file, tensors: {}, matrices: {} };
  for (const [name, value] of Object.entries(args)) {
    if (ArrayBuffer.isView(value)) arrays.push([name, value]);
    else if (typeof value === "object" && "$matrix" in value) saved.matrices[name] = relative(dir, value.$matrix);
    else if (typeof value === "number" || typeof value === "string" || typeof value === "boolean")
      saved.numbers[name] = value;
    else if (value !== undefined) throw new TypeError(`${model.method}: the argument ${name} cannot be kept in a file`);
  }
  if (arrays.length === 0) return saved;
  const writer = TensorFileWriter.create(
    join(dir, file),
    arrays.map(([name, array]) => ({ name, dtype: DTYPES.get(array.constructor)!, shape: [array.length] })),
    { kind: "model", method: model.method, matrix: matrixDigest },
  );
  try {
    for (const [name, array] of arrays) await writer.write(name, 0, array);
    await writer.commit();
  } finally {
    await writer.abort();
  }
  for (const [name] of arrays) saved.tensors[name] = name;
  return saved;
}

/** The model of a folder's files: kernels map them, nothing is read here. */
export function openModel(dir: string, { numbers, file, tensors, matrices, ...model }: SavedModel): KernelModel {
  const args: KernelModel["args"] = { ...numbers };
  for (const [name, tensor] of Object.entries(tensors)) args[name] = { $file: join(dir, file), tensor };
  for (const [name, matrix] of Object.entries(matrices)) args[name] = { $matrix: join(dir, matrix) };
  return { ...model, args };
}
