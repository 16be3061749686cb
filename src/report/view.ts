import { type Money, moneyFormat, optimalityGap, share } from "./format.js";
import type { CouponSummary, Headline, ReportData } from "./report-data.js";
import type { SegmentSummary } from "./segment-data.js";
import { nameSegments } from "./segment-names.js";
import { truncateMiddle } from "./text.js";

/** What every section needs besides the data: the currency's format, the names of the segments, derived rates. */
export interface View {
  data: ReportData;
  money: Money;
  /** One per segment of the data, in the same order. */
  segmentNames: string[];
  /** (value - spend) / spend or value / spend, by what the value counts; null when nothing is spent. */
  roi: number | null;
  gap: number | null;
  /** Coupons by spend, most first; ties by the order of the catalogue. */
  couponsBySpend: CouponSummary[];
  /** Positions of the segments by spend, most first; ties by position. */
  segmentsBySpend: { segment: SegmentSummary; position: number; name: string }[];
}

export function viewOf(data: ReportData): View {
  const { features, segments } = data.segments;
  const made = nameSegments(
    features,
    segments.map((s) => s.standardisedMeans),
  );
  const segmentNames = segments.map((s, i) => truncateMiddle(s.name ?? made[i] ?? "", 60) || `Segment ${s.id}`);
  return {
    data,
    money: moneyFormat(data.headline.currency),
    segmentNames,
    roi: expectedRoi(data.headline),
    gap: optimalityGap(data.headline.expectedValueMinor, data.headline.upperBoundMinor),
    // Array.prototype.sort is stable, so equal spends keep the order of the data.
    couponsBySpend: [...data.coupons].sort((a, b) => b.expectedSpendMinor - a.expectedSpendMinor),
    segmentsBySpend: segments
      .map((segment, position) => ({ segment, position, name: segmentNames[position] ?? "" }))
      .sort((a, b) => b.segment.expectedSpendMinor - a.segment.expectedSpendMinor),
  };
}

/** Expected return on the discount: what is left of the value after it, per unit of it. Source: formulas.md, Money. */
export function expectedRoi(
  headline: Pick<Headline, "valueBasis" | "expectedValueMinor" | "expectedSpendMinor">,
): number | null {
  const { valueBasis, expectedValueMinor: value, expectedSpendMinor: spend } = headline;
  return share(valueBasis === "before-discount" ? value - spend : value, spend);
}
