import { describe, expect, it } from "vitest";
import { integerBetween, oneOf, shown } from "../../src/util/arguments.js";

describe("what came, in a message", () => {
  it("is as it was written where it is short", () => {
    expect(shown("magic")).toBe("magic");
    expect(shown(undefined)).toBe("undefined");
    expect(shown(1.5)).toBe("1.5");
    expect(shown([1, 2])).toBe("[ 1, 2 ]");
  });

  it("stays short, whatever comes", () => {
    for (const value of [
      new Float32Array(1e6),
      "x".repeat(1e6),
      { a: "y".repeat(1e6) },
      Object.create(null),
      Symbol("s"),
    ]) {
      expect(shown(value).length).toBeLessThan(110);
      expect(() => oneOf("init", value, ["k-means++"])).toThrow(
        /^expected one of k-means\+\+ for init but received .{0,110}$/,
      );
      expect(() => integerBetween("k", value, 1, 9)).toThrow(/for k but received .{0,110} of type/);
    }
  });
});
