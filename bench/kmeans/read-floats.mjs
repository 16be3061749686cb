import { readFileSync } from "node:fs";

/** float32 of a file, in shared memory. */
export function readFloats(path) {
  const bytes = readFileSync(path);
  const floats = new Float32Array(new SharedArrayBuffer(bytes.length));
  new Uint8Array(floats.buffer).set(bytes);
  return floats;
}
