import { describe, expect, it } from "vitest";
import { nameSegments } from "../../src/report/segment-names.js";

const FEATURES = ["count_browse", "count_wish_list", "recency_days", "frequency", "monetary_minor"].map((key) => ({
  key,
}));

describe("nameSegments", () => {
  it("takes the strongest traits, one of a group of like features first", () => {
    const [spenders, absent, average] = nameSegments(FEATURES, [
      [0.1, 0.0, -0.9, 2.2, 2.6],
      [-0.6, 0.2, 1.8, -0.1, -0.1],
      [0.1, -0.2, 0.1, 0, null],
    ]);
    expect(spenders).toBe("Big spenders, recently active");
    expect(absent).toBe("Long absent, rare browsers");
    expect(average).toBe("Average shoppers");
  });

  it("tells like segments apart by a further trait, then by a number", () => {
    const names = nameSegments(FEATURES, [
      [0, 0, -0.9, 0, 2.6],
      [0, 0, -0.9, 0.8, 2.6],
      [0, 0, -0.9, 0.8, 2.6],
      [0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0],
    ]);
    expect(names).toEqual([
      "Big spenders, recently active",
      "Big spenders, recently active, frequent buyers",
      "Big spenders, recently active (2)",
      "Average shoppers",
      "Average shoppers (2)",
    ]);
  });

  it("names behaviours and features that it does not know by their keys", () => {
    expect(nameSegments([...FEATURES, { key: "returns" }], [[0, 2, 0, 0, 0, -1], []])[0]).toBe(
      "Many wish list events, low returns",
    );
  });

  it("has a name for one segment and for none", () => {
    expect(nameSegments(FEATURES, [[0, 0, 0, 0, 0]])).toEqual(["All shoppers"]);
    expect(nameSegments(FEATURES, [])).toEqual([]);
  });
});
