import { featureTitle, featureValue } from "../features.js";
import { count, percent, share, signed } from "../format.js";
import { type Html, html } from "../html.js";
import { type Column, foldedTable, STACKS } from "../table.js";
import type { View } from "../view.js";
import { choiceOfKHtml } from "./choice-of-k.js";
import { densityHtml } from "./density.js";
import { driftHtml } from "./drift.js";
import { nothingToShow, paragraph, type Section, segmentHtml } from "./section.js";
import { differencesTable } from "./segment-differences.js";
import { segmentMapHtml } from "./segment-map.js";

/** A mean this many standard deviations away has the full colour of the heat map. */
const FULL_COLOUR = 2;

const SEGMENTS_SHOWN = 20;

export async function segmentsSection(view: View): Promise<Section> {
  const { segments, byItems, numUnsegmentedUsers, choice, density, drift } = view.data.segments;
  const unsegmented =
    numUnsegmentedUsers > 0
      ? paragraph(
          `${count(numUnsegmentedUsers)} shoppers have no recorded behaviour${byItems ? " with an item" : ""} and are in no segment.`,
        )
      : null;
  return {
    id: "segments",
    short: "Segments",
    title: "Who the shoppers are",
    body:
      segments.length === 0
        ? [
            nothingToShow("The shoppers were not divided into segments."),
            unsegmented,
            await densityHtml(density),
            await driftHtml(view, drift),
          ]
        : [
            paragraph(
              `${byItems ? "Shoppers who have to do with the same items form a segment, however much they do." : "Shoppers with alike behaviour form a segment."} Its name says how it differs most from the shop as a whole.`,
            ),
            givenModel(view),
            unsegmented,
            sizesTable(view),
            html`<h3>Segment profiles</h3>`,
            heatMap(view),
            differencesTable(view),
            await segmentMapHtml(view),
            await choiceOfKHtml(choice),
            await densityHtml(density),
            await driftHtml(view, drift),
          ],
  };
}

const index = new Intl.NumberFormat("en", { minimumFractionDigits: 3, maximumFractionDigits: 3 });
const IN_WORDS = { stable: "are as they were", moderate: "have moved", large: "are those of another population" };

function givenModel({ data }: View): Html | null {
  const { model } = data.segments;
  if (model === undefined) return null;
  const { file, stability } = model;
  const moved =
    stability === null
      ? ""
      : ` The segments' shares ${IN_WORDS[stability.level]} since (stability index ${index.format(stability.psi)}).`;
  return paragraph(`The segments are those of ${file}, so that their numbers mean the same from run to run.${moved}`);
}

type Row = { position: number };

const rowsOf = (view: View): Row[] => view.data.segments.segments.map((_, position) => ({ position }));

function sizesTable(view: View): Html {
  const { segments } = view.data.segments;
  const total = segments.reduce((sum, s) => sum + s.numUsers, 0);
  const largest = Math.max(1, ...segments.map((s) => s.numUsers));
  const of = ({ position }: Row) => segments[position]!;
  const columns: Column<Row>[] = [
    { head: "Segment", cell: (r) => segmentHtml(r.position, view.segmentNames), className: "wide-cell" },
    { head: "No.", numeric: true, cell: (r) => of(r).id, title: "The number in segments.parquet" },
    {
      head: "Shoppers",
      numeric: true,
      cell: (r) =>
        html`${count(of(r).numUsers)}<span class="bar" style="--part:${(of(r).numUsers / largest).toFixed(4)};--c:var(--seg-${r.position})"></span>`,
    },
    { head: "Share", numeric: true, cell: (r) => percent(share(of(r).numUsers, total)) },
    {
      head: "With a coupon",
      numeric: true,
      cell: (r) =>
        html`${count(of(r).numAssignedUsers)}<span class="sub">${percent(share(of(r).numAssignedUsers, of(r).numUsers))}</span>`,
    },
    { head: "Spend", numeric: true, cell: (r) => view.money.amount(of(r).expectedSpendMinor) },
    { head: "Extra margin", numeric: true, cell: (r) => view.money.amount(of(r).expectedValueMinor) },
  ];
  return foldedTable("Segments: sizes and what they receive", columns, rowsOf(view), {
    shown: SEGMENTS_SHOWN,
    others: (n) => `The other ${count(n)} segments`,
    className: STACKS,
  });
}

function heatMap(view: View): Html {
  const { segments, features } = view.data.segments;
  if (features.length === 0) return nothingToShow("No features were kept to describe the segments with.");
  const columns: Column<Row>[] = [
    { head: "Segment", cell: (r) => segmentHtml(r.position, view.segmentNames), className: "wide-cell" },
    ...features.map(
      (feature, f): Column<Row> => ({
        head: featureTitle(feature),
        numeric: true,
        className: "heat",
        cell: ({ position }) => {
          const segment = segments[position]!;
          const z = segment.standardisedMeans[f] ?? null;
          const strength = z === null ? 0 : Math.min(1, Math.abs(z) / FULL_COLOUR);
          const side = z !== null && z < 0 ? "low" : "high";
          return html`<span class="tile ${side}" style="--z:${strength.toFixed(3)}"><b>${featureValue(feature, segment.means[f] ?? null, view.money)}</b><span>${signed(z)}</span></span>`;
        },
      }),
    ),
  ];
  return html`<p class="hint">Each cell: the segment's mean, and below it how many standard deviations it lies above (+) or below (−) the mean of all shoppers. <span class="scale"><span>−${FULL_COLOUR}</span><span class="ramp"></span><span>+${FULL_COLOUR}</span></span></p>
${foldedTable("Segment profiles: mean of each feature", columns, rowsOf(view), {
  shown: SEGMENTS_SHOWN,
  others: (n) => `The profiles of the other ${count(n)} segments`,
  className: "heatmap",
})}`;
}
