import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { kmeans, predictSegments, readSegmentModel, type SegmentModel, writeSegmentModel } from "../../src/index.js";
import { applyScaling, fitScaling, transformed } from "../../src/profile/feature-scaling.js";
import { TensorFileWriter } from "../../src/store/tensor-file-writer.js";

const folder = mkdtempSync(join(tmpdir(), "couponcast-model-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

const MODEL: SegmentModel = {
  scaling: {
    scale: "standard",
    names: ["spend", 'ärger, "quoted"'],
    means: Float64Array.of(10, 0.1),
    deviations: Float64Array.of(2, 0),
  },
  centroids: Float32Array.of(-1, 0, 1.5, 0, 3, 0),
  sizes: [7, 2, 1],
};

describe("segment model", () => {
  it("reads what was written", async () => {
    await writeSegmentModel(at("m.safetensors"), MODEL);
    expect(readSegmentModel(at("m.safetensors"))).toEqual(MODEL);
  });

  it("puts users into the nearest segment; a missing value is the mean, a constant feature tells nothing", async () => {
    const raw = Float64Array.of(8, 5, 13, -5, Number.NaN, Number.NaN, 16, 0);
    expect([...(await predictSegments(MODEL, raw))]).toEqual([0, 1, 0, 2]);
  });

  it("gives the users that it was made of their own segments", async () => {
    for (const scale of ["log", "standard", "none"] as const) {
      const raw = Float64Array.from({ length: 600 }, (_, i) => ((i * 7919) % 101) * (i % 2 === 0 ? 1 : 30));
      raw[4] = Number.NaN;
      const points = Float32Array.from(raw, (value) => transformed(scale, value));
      const scaling = await fitScaling(scale, ["a", "b"], points, new Uint8Array(300).fill(1));
      await applyScaling(scaling, points);
      const { labels, centroids, sizes } = await kmeans(points, 2, { k: 5, tolerance: 0 });
      expect(await predictSegments({ scaling, centroids, sizes }, raw)).toEqual(labels);
    }
  });

  it("refuses to write what is no model", async () => {
    const wrong: Partial<SegmentModel>[] = [
      { sizes: [] },
      { sizes: [1, 2] },
      { centroids: Float32Array.of(1, 2, 3, 4, 5, Number.NaN) },
      { scaling: { ...MODEL.scaling, names: ["same", "same"] } },
      { scaling: { ...MODEL.scaling, deviations: Float64Array.of(1, -1) } },
    ];
    for (const change of wrong) {
      await expect(writeSegmentModel(at("w.safetensors"), { ...MODEL, ...change })).rejects.toMatchObject({
        code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      });
    }
  });

  it("by direction: users count at unit length, and earlier readers refuse the file", async () => {
    const scaling = { ...MODEL.scaling, scale: "none" as const };
    const dims = scaling.names.length;
    const centroids = new Float32Array(2 * dims);
    centroids[0] = 1;
    centroids[2 * dims - 1] = 1;
    const model = { scaling, centroids, sizes: [1, 1], spherical: true };
    await writeSegmentModel(at("s.safetensors"), model);
    expect(readSegmentModel(at("s.safetensors"))).toEqual(model);
    const values = new Float64Array(2 * dims);
    values[0] = 0.01;
    values[2 * dims - 1] = 900;
    expect([...(await predictSegments(model, values))]).toEqual([0, 1]);
  });

  it("refuses files that are none, and any flipped byte", async () => {
    const other = TensorFileWriter.create(at("o.safetensors"), [{ name: "centroids", dtype: "F32", shape: [1, 1] }], {
      kind: "neighbours",
    });
    await other.write("centroids", 0, Float32Array.of(1));
    await other.commit();
    expect(() => readSegmentModel(at("o.safetensors"))).toThrow(/not a segment model/);
    await writeSegmentModel(at("f.safetensors"), MODEL);
    const bytes = readFileSync(at("f.safetensors"));
    for (const position of [20, bytes.length >> 1, bytes.length - 1]) {
      copyFileSync(at("f.safetensors"), at("g.safetensors"));
      const flipped = Buffer.from(bytes);
      flipped[position]! ^= 4;
      writeFileSync(at("g.safetensors"), flipped);
      expect(() => readSegmentModel(at("g.safetensors"))).toThrow();
    }
    expect(() => readSegmentModel(at("nowhere.safetensors"))).toThrow(/nowhere/);
  });

  it("refuses numbers that make no model, however well the file is formed", async () => {
    const write = async (means: number[], features: string) => {
      const writer = TensorFileWriter.create(
        at("n.safetensors"),
        [
          { name: "centroids", dtype: "F32", shape: [1, 1] },
          { name: "means", dtype: "F64", shape: [means.length] },
          { name: "deviations", dtype: "F64", shape: [1] },
          { name: "sizes", dtype: "F64", shape: [1] },
        ],
        { kind: "segment-model", version: "1", scale: "log", features },
      );
      await writer.write("means", 0, Float64Array.from(means));
      await writer.commit();
    };
    await write([0], '["a"]');
    expect(readSegmentModel(at("n.safetensors")).scaling.names).toEqual(["a"]);
    for (const [means, features] of [
      [[Number.NaN], '["a"]'],
      [[0, 0], '["a"]'],
      [[0], '["a","b"]'],
      [[0], "[1]"],
      [[0], "{"],
    ] as const) {
      await write([...means], features);
      expect(() => readSegmentModel(at("n.safetensors")), features).toThrow(
        expect.objectContaining({ code: "ERR_COUPONCAST_CORRUPT_FILE" }),
      );
    }
  });
});
