/** DBSCAN's part of `segment`: its options, and what it tells. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { DensitySegments } from "../profile/density-segments.js";
import { percent } from "../report/format.js";
import { sum } from "./list-rows.js";
import { decimal, integer } from "./option-values.js";
import { brief, counted } from "./text-layout.js";

export const DBSCAN_METRICS = ["euclidean", "cosine"] as const;
export const SEGMENT_METHODS = ["kmeans", "dbscan"] as const;

export function addDbscanOptions(command: Command): void {
  command
    .addOption(
      new Option(
        "--eps <distance>",
        "dbscan: users this near, in standard deviations, are neighbours; auto: the knee of the k-distance curve",
      )
        .argParser(distanceOrAuto)
        .default("auto"),
    )
    .option(
      "--min-samples <count>",
      "dbscan: neighbours, oneself included, that make a user the core of a segment",
      integer(1, 2 ** 31 - 1),
      5,
    )
    .addOption(
      new Option(
        "--metric <name>",
        "dbscan: euclidean for tables; cosine for the rows of a matrix, where eps is 1 less the cosine",
      )
        .choices(DBSCAN_METRICS)
        .default("euclidean"),
    );
}

function distanceOrAuto(text: string): number | "auto" {
  if (text === "auto") return text;
  try {
    return decimal(0, 1e100, true)(text);
  } catch {
    throw new InvalidArgumentError("Expected a distance above 0, or auto.");
  }
}

export function dbscanLines({
  sizes,
  eps,
  minSamples,
  numNoise,
  numUnsegmented,
}: Pick<DensitySegments, "sizes" | "eps" | "minSamples" | "numNoise" | "numUnsegmented">) {
  const segmented = sum(sizes);
  const active = segmented + numNoise;
  const inactive = numUnsegmented - numNoise;
  return [
    `${counted(segmented, "user")} in ${counted(sizes.length, "segment")}; eps ${brief(eps)}, min-samples ${minSamples}`,
    `${counted(numNoise, "user")} in no dense place (noise${active > 0 ? `, ${percent(numNoise / active)}` : ""})`,
    ...(inactive > 0 ? [`${counted(inactive, "user")} without a segment: nothing to go by`] : []),
  ];
}
