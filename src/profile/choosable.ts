import type { RowRange } from "../executor/executor.js";

/** Points of any kind, as far as choosing among them goes. */
export interface Choosable {
  readonly n: number;
  readonly k: number;
  readonly weights: Float32Array | undefined;
  /**
   * Makes `distances` the smaller of itself and the weighted squared distance to a point; returns the sums of shards and
   * the shards.
   */
  lowerDistances(row: number, distances: Float32Array): Promise<(RowRange & { sum: number })[]>;
}

/** Points that k-means|| can look at. */
export interface Searchable extends Choosable {
  /** [n] which of these rows is nearest to each point, and its squared distance; of equal ones the first. */
  nearestOf(rows: readonly number[]): Promise<{ labels: Int32Array; distances: Float32Array }>;
  /** These rows alone, with weights of their own. */
  subset(rows: readonly number[], weights: Float32Array): Promise<Choosable>;
}
