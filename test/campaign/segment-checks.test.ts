import { describe, expect, it } from "vitest";
import { campaignFindings } from "../../src/campaign/campaign-checks.js";

/** What is wrong with these segments. */
const wrongWith = (segments: Record<string, unknown>): string[] =>
  campaignFindings({ segments }).map(({ path, message }) => `${path.join(".")}: ${message()}`);

describe("segments by items", () => {
  it.each([
    { by: "items" },
    { by: "items", k: "auto", kRange: [2, 5], kBy: "elbow", spherical: true, nInit: 5, init: "k-means||" },
    { by: "items", weights: "events", emptyClusters: "keep", tolerance: 0, features: ["recency"] },
    { by: "items", miniBatch: 100, init: "random", nInit: 1, weights: "monetary" },
    { by: "items", method: "dbscan", eps: 0.3, minSamples: 4 },
    { by: "items", model: "segments.safetensors", features: ["recency", "monetary"] },
    { by: "features", k: "auto", miniBatch: 100, nInit: 2, init: "k-means||" },
    { by: "features", method: "dbscan" },
    { model: "m", warmStart: true, weights: "monetary", emptyClusters: "keep", spherical: true, tolerance: 0 },
    { model: "m", warmStart: true, by: "items", features: ["recency"], miniBatch: 100 },
    { k: 4, warmStart: false },
  ])("takes %j", (segments) => {
    expect(wrongWith(segments)).toEqual([]);
  });

  it.each([
    [{ by: "items", method: "rfm" }, ["segments.by: expected features, or segments.method: kmeans or dbscan"]],
    [{ by: "items", method: "dbscan" }, ["segments.eps: expected a number from 0.000001, below 1"]],
    [{ by: "items", method: "dbscan", eps: "auto" }, ["segments.eps: expected a number"]],
    [{ by: "items", method: "dbscan", eps: 1 }, ["segments.eps: expected a number"]],
    [{ by: "items", miniBatch: 100, k: "auto" }, ["segments.miniBatch: expected a number as segments.k"]],
    [
      { by: "items", miniBatch: 100, nInit: 2, init: "k-means||", emptyClusters: "keep" },
      ["segments.emptyClusters: ", "segments.nInit: expected 1", "segments.init: expected k-means++ or random"],
    ],
    [{ by: "items", k: 3, kBy: "elbow" }, ["segments.kBy: expected segments.k: auto"]],
    [{ by: "items", model: "m", k: 3 }, ["segments.k: expected no such setting beside segments.model"]],
    [{ by: "items", model: "m", method: "dbscan", eps: 0.3 }, ["segments.model: expected segments.method: kmeans"]],
    [{ k: 4, warmStart: true }, ["segments.warmStart: expected segments.model beside it"]],
    [
      { model: "m", warmStart: true, k: 3, nInit: 2, features: ["recency"] },
      ["segments.k: ", "segments.nInit: ", "segments.features: expected no such setting beside segments.model"],
    ],
    [{ model: "m", weights: "events" }, ["segments.weights: expected no such setting beside segments.model"]],
    [{ model: "m", features: ["recency"] }, ["segments.features: expected no such setting beside segments.model"]],
  ])("of %j says %j", (segments, expected) => {
    const found = wrongWith(segments);
    expect(found).toHaveLength(expected.length);
    for (const [i, text] of expected.entries()) expect(found[i]).toContain(text);
  });
});
