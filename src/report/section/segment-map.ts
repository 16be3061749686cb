import type { SegmentMap } from "../../profile/segment-map.js";
import { figure } from "../chart/figure.js";
import { scatterChart } from "../chart/scatter-chart.js";
import { featureTitle } from "../features.js";
import { count, percent, signed } from "../format.js";
import type { Html } from "../html.js";
import { type Column, table } from "../table.js";
import type { View } from "../view.js";
import { segmentLegend } from "./segment-legend.js";

/** Features that an axis is described by, at most. */
const FEATURES_NAMED = 3;

/** How near the segments are to each other: shoppers in the plane in which they differ most. */
export async function segmentMapHtml(view: View): Promise<Html | null> {
  const { map } = view.data.segments;
  if (map === undefined) return null;
  const { points, shares, numUsers } = map;
  const drawn = points.length < numUsers ? `${count(points.length)} of ${count(numUsers)} shoppers` : "all shoppers";
  return figure({
    key: "segment-map",
    title: "Map of the segments",
    caption: `Each point is a shopper: ${drawn}, drawn along the two principal axes of the features, which hold ${percent(shares[0])} and ${percent(shares[1])} of all their variance. To the right: ${inWords(map, "first")}. Upwards: ${inWords(map, "second")}. Segments that lie on top of each other here may differ in what is not drawn.`,
    legend: segmentLegend(view.segmentNames, points),
    ...scatterChart({ points, xLabel: "first principal axis", yLabel: "second principal axis" }),
    table: loadingsTable(map),
  });
}

/** "+ orders, − days since last order": the features with the most weight. */
function inWords({ loadings }: SegmentMap, axis: "first" | "second"): string {
  const strongest = loadings.filter((row) => row[axis] !== 0).sort((a, b) => Math.abs(b[axis]) - Math.abs(a[axis]));
  return strongest
    .slice(0, FEATURES_NAMED)
    .map((row) => `${row[axis] > 0 ? "+" : "−"} ${featureTitle({ key: row.feature }).toLowerCase()}`)
    .join(", ");
}

function loadingsTable({ loadings }: SegmentMap): Html {
  const columns: Column<SegmentMap["loadings"][number]>[] = [
    { head: "Feature", cell: ({ feature }) => featureTitle({ key: feature }), className: "wide-cell" },
    { head: "In the first axis", numeric: true, cell: ({ first }) => signed(first, 2) },
    { head: "In the second axis", numeric: true, cell: ({ second }) => signed(second, 2) },
  ];
  return table("What the two axes are made of", columns, loadings);
}
