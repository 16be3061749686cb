import { writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AnyTypedArray, addon, type Handle } from "../../src/native/addon.js";
import { temporaryFolder } from "../support/matrix.js";

// Lists are checked once for each map, so the mark must name everything that was checked.
const TENSORS: Record<string, AnyTypedArray> = {
  indices: new Int32Array([1, 0]),
  scores: new Float32Array([1, 1]),
  counts: new Int32Array([1, 1]),
  hostile: new Int32Array([1_000_000_000, 0]),
};
let file: Handle;

beforeAll(async () => {
  const path = join(temporaryFolder(), "lists");
  const tensors = Object.entries(TENSORS).map(([name, values]) => ({
    name,
    dtype: values instanceof Float32Array ? ("F32" as const) : ("I32" as const),
    shape: [values.length],
  }));
  const writer = addon().createTensorFile({ path, metadata: {}, tensors });
  for (const [name, { buffer, byteLength }] of Object.entries(TENSORS))
    writeSync(writer.fd, new Uint8Array(buffer), 0, byteLength, writer.offsets[name]!);
  await addon().commitTensorFile({ writer: writer.handle });
  file = addon().openTensors({ path });
});
afterAll(() => addon().closeHandle({ handle: file }));

function scopeWeights(indices: unknown, counts: unknown): number[] {
  const outWeights = new Float32Array(4);
  addon().scopeWeightsItems({
    neighbourK: 1,
    neighbourIndices: indices,
    neighbourScores: { handle: file, tensor: "scores" },
    neighbourCounts: counts,
    scopeIndptr: new BigInt64Array([0n, 2n]),
    scopeItems: new Int32Array([0, 1]),
    begin: 0,
    end: 2,
    outWeights,
  } as never);
  return [...outWeights];
}
const tensor = (name: string) => ({ handle: file, tensor: name });

it("checks every list, also after another of the same file passed", () => {
  expect(scopeWeights(tensor("indices"), tensor("counts")).slice(0, 2)).toEqual([1, 1]);
  const refused = expect.objectContaining({
    code: expect.stringMatching(/^ERR_COUPONCAST_(CORRUPT_FILE|OUT_OF_RANGE)$/),
  });
  const wrong: [unknown, unknown][] = [
    [tensor("hostile"), tensor("counts")],
    [tensor("indices"), tensor("hostile")],
    [tensor("indices"), new Int32Array([1_000_000, 1])],
  ];
  for (const [indices, counts] of wrong) expect(() => scopeWeights(indices, counts)).toThrow(refused);
});
