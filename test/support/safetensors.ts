import { readFileSync } from "node:fs";

const ARRAYS = { I64: BigInt64Array, F64: Float64Array, I32: Int32Array, F32: Float32Array, U8: Uint8Array };
type Dtype = keyof typeof ARRAYS;

export interface Tensors {
  metadata: Record<string, string>;
  shape: Record<string, number[]>;
  data: Record<string, BigInt64Array | Float64Array | Int32Array | Float32Array | Uint8Array>;
}

/** A safetensors file, parsed by the format's public description and nothing of the library's. */
export function readTensors(path: string): Tensors {
  const file = readFileSync(path);
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + headerBytes)) as Record<
    string,
    { dtype: Dtype; shape: number[]; data_offsets: [number, number] }
  >;
  const { __metadata__: metadata, ...tensors } = header as unknown as {
    __metadata__: Record<string, string>;
  } & typeof header;
  const result: Tensors = { metadata: metadata as Record<string, string>, shape: {}, data: {} };
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(tensors)) {
    const [begin, end] = offsets;
    const bytes = file.subarray(8 + headerBytes + begin, 8 + headerBytes + end);
    result.shape[name] = shape;
    result.data[name] = new ARRAYS[dtype](new Uint8Array(bytes).buffer);
  }
  return result;
}
