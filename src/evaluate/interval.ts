/** Confidence intervals by the normal approximation. */

export interface Interval {
  low: number;
  high: number;
}

/** An estimate with its standard error and confidence interval. */
export interface Estimate extends Interval {
  value: number;
  /** Standard error; 0 where nothing varies. */
  error: number;
}

/**
 * The quantile of the standard normal distribution for 0 < p < 1; relative error below 1.2e-9.
 * Source: Acklam 2003, An algorithm for computing the inverse normal cumulative distribution function.
 */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  const tail = 0.02425;
  if (p < tail) {
    const q = Math.sqrt(-2 * Math.log(p));
    return (
      (((((-7.784894002430293e-3 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) * q +
        4.374664141464968) *
        q +
        2.938163982698783) /
      ((((7.784695709041462e-3 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1)
    );
  }
  const q = p - 0.5;
  const r = q * q;
  return (
    ((((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r -
      30.66479806614716) *
      r +
      2.506628277459239) *
      q) /
    (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r -
      13.28068155288572) *
      r +
      1)
  );
}

/** value ± z * error, z of the two-sided `confidence`. */
export function normalEstimate(value: number, error: number, confidence: number): Estimate {
  const half = normalQuantile(0.5 + confidence / 2) * error;
  return { value, error, low: value - half, high: value + half };
}

/** The quantile of ascending numbers, interpolated between neighbours (numpy's default). */
export function sortedQuantile(sorted: ArrayLike<number>, p: number): number {
  const place = p * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (place - below);
}

/** Score interval of a rate; all of [0, 1] for n = 0. Source: Wilson 1927, Probable inference, JASA 22. */
export function wilsonInterval(rate: number, n: number, confidence = 0.95): Interval {
  if (n <= 0) return { low: 0, high: 1 };
  const z = normalQuantile(0.5 + confidence / 2);
  const centre = (rate + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((rate * (1 - rate)) / n + (z * z) / (4 * n * n));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
