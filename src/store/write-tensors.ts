import { TensorFileWriter, type TensorSpec } from "./tensor-file-writer.js";

/** @internal Writes a file of tensors that are in memory. */
export async function writeTensors(
  path: string,
  kind: string,
  tensors: (TensorSpec & { data: ArrayBufferView })[],
  metadata: Record<string, string> = {},
): Promise<void> {
  const writer = TensorFileWriter.create(
    path,
    tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    { kind, ...metadata },
  );
  try {
    for (const { name, data } of tensors) await writer.write(name, 0, data);
    await writer.commit();
  } finally {
    await writer.abort();
  }
}
