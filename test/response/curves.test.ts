import { describe, expect, it } from "vitest";
import { type Curves, curvesOf, NO_KNOT, columnsOf as putColumns } from "../../src/response/curves.js";
import { Random } from "../../src/util/random.js";

const columnsOf = (curves: Curves, features: Float32Array, dims: number, row: number, farthest = Infinity) => {
  const columns = new Float64Array(curves.knots.length);
  putColumns(curves, features, dims, row, farthest, columns);
  return [...columns];
};

describe("curves", () => {
  const random = new Random(5);
  const rows = Int32Array.from({ length: 400 }, (_, i) => i);
  const features = Float32Array.from({ length: 800 }, (_, i) => (i % 2 === 0 ? random.normal() : random.int(2)));

  it("have their knots at the minimum and the quantiles of the rows", async () => {
    const { knots } = await curvesOf(features, 2, 4, rows);
    const sorted = Float32Array.from(rows, (row) => features[row * 2]!).sort();
    expect(knots.slice(0, 4)).toEqual([sorted[0], sorted[99], sorted[199], sorted[299]]);
    expect(knots.slice(4).filter((knot) => knot !== NO_KNOT)).toEqual([0, 1]);
    expect(knots[4]).toBe(0);
  });

  it("are standardised over the rows; a knot less is nothing", async () => {
    const curves = await curvesOf(features, 2, 4, rows);
    for (const [column, knot] of curves.knots.entries()) {
      const values = Array.from(rows, (row) => columnsOf(curves, features, 2, row)[column]!);
      const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
      const square = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
      expect(mean).toBeCloseTo(0, 9);
      // Nothing lies above the upper of two values.
      expect(square).toBeCloseTo(column < 4 || knot === 0 ? 1 : 0, 9);
    }
  });

  it("go on straight above the highest knot, flat below the lowest, and no further than asked", async () => {
    const curves = await curvesOf(features, 2, 4, rows);
    const far = Float32Array.of(1e6, 0, -1e6, 0, curves.knots[0]!, 0);
    const [high, low, lowest] = [0, 1, 2].map((row) => columnsOf(curves, far, 2, row, 6));
    expect(high!.slice(0, 4)).toEqual([6, 6, 6, 6]);
    expect(low).toEqual(lowest);
  });
});
