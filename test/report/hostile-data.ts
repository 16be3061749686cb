import type { ReportData } from "../../src/report/report-data.js";
import { sampleData } from "./sample-data.js";

/** Strings that try to leave their place: markup, attributes, CSS, comments, direction overrides, broken Unicode. */
export const HOSTILE = [
  `<script>alert(1)</script>`,
  `</script><script>alert(2)</script>`,
  `"><img src=x onerror=alert(3)>`,
  `' onmouseover='alert(4)`,
  `</style><style>body{display:none}</style>`,
  `--><svg onload=alert(5)>`,
  `]]></style><iframe src="https://example.com/">`,
  `url(#zr0-c0) class="zr0-cls-0" \${alert(6)} {{alert(7)}} {b}`,
  `javascript:alert(8)`,
  "\u202eright to left\u202c مرحبا שלום",
  "👩‍👩‍👧‍👦🏳️‍🌈 emoji",
  "null\u0000byte \u0007 bell",
  "half a pair \ud83d",
  `long ${"x".repeat(10_000)}`,
  `stacked ${`a${"\u0301".repeat(2_000)}`}`,
  "",
  "   ",
  "&lt;b&gt; &amp; &#x3c;",
] as const;

/** Every string of the sample replaced by hostile ones in turn; numbers, codes that the types fix, and nulls stay. */
export function hostileData(): ReportData {
  let next = 0;
  const fixed = new Set(["valueBasis", "currency", "kind", "per", "xFormat", "yFormat", "key"]);
  const replace = (value: unknown, name: string): unknown => {
    if (typeof value === "string") return fixed.has(name) ? value : HOSTILE[next++ % HOSTILE.length];
    if (Array.isArray(value)) return value.map((v) => replace(v, name));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, replace(v, k)]));
  };
  const sample = sampleData({ numPoints: 200, numExamples: 20, numCoupons: 24 });
  for (const [i, segment] of sample.segments.segments.entries()) segment.name = `segment ${i}`;
  for (const feature of sample.segments.features) feature.label = "label";
  const data = replace(sample, "") as ReportData;
  data.segments.features.push({ key: `count_${HOSTILE[0]}` });
  for (const segment of data.segments.segments) {
    segment.means.push(null);
    segment.standardisedMeans.push(null);
  }
  for (const coupon of data.coupons) coupon.kind = HOSTILE[2];
  return data;
}
