/** Fitted models in files: arrays as tensors, the rest as JSON for whoever keeps the path. */
import type { ArgValue } from "../executor/call.js";
import type { AnyTypedArray, Dtype } from "../native/addon.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import type { KernelModel } from "./method.js";

/** A model without its arrays; JSON. */
export interface SavedModel extends Omit<KernelModel, "args"> {
  numbers: Record<string, ArgValue & (string | number | boolean)>;
  /** Tensor of the file that holds each argument. */
  tensors: Record<string, string>;
}

const DTYPES = new Map<unknown, Dtype>([
  [BigInt64Array, "I64"],
  [Float64Array, "F64"],
  [Int32Array, "I32"],
  [Float32Array, "F32"],
  [Uint8Array, "U8"],
]);

/** Writes the arrays of a model, whole or not at all. Errors: ERR_COUPONCAST_IO. */
export async function writeModel(
  path: string,
  { args, ...model }: KernelModel,
  matrixDigest: string,
): Promise<SavedModel> {
  const arrays: [string, AnyTypedArray][] = [];
  const numbers: SavedModel["numbers"] = {};
  for (const [name, value] of Object.entries(args)) {
    if (ArrayBuffer.isView(value)) arrays.push([name, value]);
    else if (typeof value === "number" || typeof value === "string" || typeof value === "boolean")
      numbers[name] = value;
    else if (value !== undefined) throw new TypeError(`${model.method}: the argument ${name} cannot be kept in a file`);
  }
  const writer = TensorFileWriter.create(
    path,
    arrays.map(([name, array]) => ({ name, dtype: DTYPES.get(array.constructor)!, shape: [array.length] })),
    { kind: "model", method: model.method, matrix: matrixDigest },
  );
  try {
    for (const [name, array] of arrays) await writer.write(name, 0, array);
    await writer.commit();
  } finally {
    await writer.abort();
  }
  return { ...model, numbers, tensors: Object.fromEntries(arrays.map(([name]) => [name, name])) };
}

/** The model of a file: kernels map it, nothing is read here. */
export function openModel(path: string, { numbers, tensors, ...model }: SavedModel): KernelModel {
  const arrays = Object.entries(tensors).map(([name, tensor]) => [name, { $file: path, tensor }] as const);
  return { ...model, args: { ...numbers, ...Object.fromEntries(arrays) } };
}
