import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** SHA-256 of each file of a folder by its path in it. */
export function digests(dir: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of readdirSync(dir, { recursive: true }).map(String).sort()) {
    const path = join(dir, name);
    if (statSync(path).isFile()) out[name] = createHash("sha256").update(readFileSync(path)).digest("hex");
  }
  return out;
}

/** Rows of a CSV file without quotes, as records of text. */
export function readCsv(path: string): Record<string, string>[] {
  const lines = readFileSync(path, "utf8").split("\n");
  if (lines.pop() !== "") throw new Error(`${path} does not end with a newline`);
  const header = lines.shift()!.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    if (cells.length !== header.length) throw new Error(`${path}: ${header.length} cells expected in ${line}`);
    return Object.fromEntries(header.map((name, i) => [name, cells[i]!]));
  });
}

export function readEvents(dir: string): Record<string, string>[] {
  return readdirSync(join(dir, "events"))
    .sort()
    .flatMap((name) => readCsv(join(dir, "events", name)));
}

export interface Tensors {
  metadata: Record<string, string>;
  shape: Record<string, number[]>;
  data: Record<string, Float32Array>;
}

/** A safetensors file of F32 tensors, parsed by the format's public description. */
export function readTensors(path: string): Tensors {
  const bytes = readFileSync(path);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerLength));
  const out: Tensors = { metadata: header.__metadata__, shape: {}, data: {} };
  for (const [name, tensor] of Object.entries<{ dtype: string; shape: number[]; data_offsets: [number, number] }>(
    header,
  )) {
    if (name === "__metadata__") continue;
    if (tensor.dtype !== "F32") throw new Error(`${name} is ${tensor.dtype}`);
    const [begin, end] = tensor.data_offsets;
    const copy = new Uint8Array(bytes.subarray(8 + headerLength + begin, 8 + headerLength + end));
    out.data[name] = new Float32Array(copy.buffer);
    out.shape[name] = tensor.shape;
  }
  return out;
}

export function mean(values: Iterable<number>): number {
  let sum = 0;
  let n = 0;
  for (const value of values) {
    sum += value;
    n++;
  }
  return sum / n;
}
