import { invalidArgument } from "../errors.js";
import { integerBetween } from "../util/arguments.js";
import { forEachYielding } from "../util/yield.js";

/** How one feature of the users in a segment differs from that of all others. */
export interface FeatureDifference {
  feature: string;
  /** Users of the segment that have the feature. */
  numKnown: number;
  mean: number | null;
  /** Of the users who are not in the segment (those in none too). */
  restMean: number | null;
  /**
   * (mean - restMean) / sqrt((variance in the segment + variance of the rest) / 2); where neither varies, in standard
   * deviations of all users. null where nobody of the segment, or of the rest, has the feature.
   */
  difference: number | null;
}

/** A feature by name: float64 [users], NaN where a user has none. */
export type FeatureColumn = readonly [name: string, values: () => Promise<Float64Array>];

/**
 * For each segment the features that set it apart, largest standardised difference first (ties: the feature named
 * first). Sums run in the order of the users in float64, so the result depends on neither threads nor the segments'
 * numbers. Features are asked for one after the other. Cost: two passes over each feature; memory: one feature.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT. Source: Austin 2009 (standardised difference).
 *
 * @param labels [users] segment in [0, segments), -1 for none
 */
export async function segmentProfiles(
  features: Iterable<FeatureColumn>,
  labels: Int32Array,
  segments: number,
): Promise<FeatureDifference[][]> {
  integerBetween("segments", segments, 0, 1_000_000);
  if (!(labels instanceof Int32Array)) throw invalidArgument("expected labels as an Int32Array");
  await forEachYielding(labels.length, (user) => {
    if (labels[user]! < -1 || labels[user]! >= segments)
      throw invalidArgument(`expected labels from -1 to ${segments - 1}`);
  });
  const profiles: FeatureDifference[][] = Array.from({ length: segments }, () => []);
  for (const [name, values] of features) {
    const differences = await featureDifferences(name, await values(), labels, segments);
    for (const [s, difference] of differences.entries()) profiles[s]!.push(difference);
  }
  const size = ({ difference }: FeatureDifference) => Math.abs(difference ?? 0);
  for (const profile of profiles) profile.sort((a, b) => size(b) - size(a));
  return profiles;
}

async function featureDifferences(
  feature: string,
  values: Float64Array,
  labels: Int32Array,
  segments: number,
): Promise<FeatureDifference[]> {
  if (values.length !== labels.length) {
    throw invalidArgument(`expected ${labels.length} values of ${feature} but received ${values.length}`);
  }
  // The last group are the users in no segment.
  const counts = new Float64Array(segments + 1);
  const sums = new Float64Array(segments + 1);
  const squares = new Float64Array(segments + 1);
  const groupOf = (user: number) => (labels[user]! < 0 ? segments : labels[user]!);
  await forEachYielding(values.length, (user) => {
    if (Number.isNaN(values[user]!)) return;
    counts[groupOf(user)]!++;
    sums[groupOf(user)]! += values[user]!;
  });
  const total = { count: add(counts), sum: add(sums) };
  const centre = total.count > 0 ? total.sum / total.count : 0;
  await forEachYielding(values.length, (user) => {
    if (!Number.isNaN(values[user]!)) squares[groupOf(user)]! += (values[user]! - centre) ** 2;
  });
  const spread = add(squares);
  // Moments about the mean of all: (sum of squares) / n - (own mean - centre)².
  const variance = (count: number, mean: number, square: number) => Math.max(0, square / count - (mean - centre) ** 2);
  return Array.from({ length: segments }, (_, s) => {
    const [n, rest] = [counts[s]!, total.count - counts[s]!];
    const mean = n > 0 ? sums[s]! / n : null;
    const restMean = rest > 0 ? (total.sum - sums[s]!) / rest : null;
    if (mean === null || restMean === null) return { feature, numKnown: n, mean, restMean, difference: null };
    const within = (variance(n, mean, squares[s]!) + variance(rest, restMean, spread - squares[s]!)) / 2;
    const all = spread / total.count;
    const unit = Math.sqrt(within > all * 1e-12 ? within : all);
    return { feature, numKnown: n, mean, restMean, difference: unit > 0 ? (mean - restMean) / unit : 0 };
  });
}

const add = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
