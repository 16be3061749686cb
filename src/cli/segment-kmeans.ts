/** K-means' part of `segment`: its options, and what it tells. */
import { writeFile } from "node:fs/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { CouponcastError } from "../errors.js";
import { K_CRITERIA, type KCriterion } from "../profile/choice-of-k.js";
import type { KChoice } from "../profile/choose-k.js";
import type { SegmentSettings } from "../profile/find-segments.js";
import { KMEANS_INITS } from "../profile/kmeans-init.js";
import { EMPTY_CLUSTERS } from "../profile/kmeans-points.js";
import type { UserSegments } from "../profile/segment-users.js";
import type { OutputFile } from "../table/output-file.js";
import { sum } from "./list-rows.js";
import { decimal, integer } from "./option-values.js";
import { brief, counted, table } from "./text-layout.js";

export function addKmeansOptions(command: Command): void {
  command
    .option(
      "-k, --k <count>",
      "kmeans: segments, 1 to 1,000,000; auto: as many of --k-range as --k-by says",
      countOrAuto,
      6,
    )
    .addOption(
      new Option("--k-range <from:to>", "kmeans: numbers of segments to choose from (of -k auto: 2:12)")
        .argParser(rangeOfCounts)
        .implies({ k: "auto" }),
    )
    .addOption(
      new Option("--k-by <criterion>", "kmeans: what chooses (default: silhouette)").choices(K_CRITERIA).implies({
        k: "auto",
      }),
    )
    .addOption(
      new Option("--init <how>", "kmeans: how the first centres are found; k-means|| looks at the users fewer times")
        .choices(KMEANS_INITS)
        .default("k-means++"),
    )
    .addOption(
      new Option(
        "--start <model>",
        "kmeans: go on from the centres of this model (.safetensors), with its number, features and scaling",
      ).conflicts(["k", "kRange", "kBy", "init", "nInit", "features", "scale"]),
    )
    .option("--n-init <count>", "kmeans: starts, of which the best is kept, 1 to 10,000", integer(1, 10_000), 1)
    .option(
      "--mini-batch <users>",
      "kmeans: centres move after each batch of so many users, drawn by lot: faster, nearly as good",
      integer(1, 1e9),
    )
    .option("--plot <file>", "kmeans: of -k auto, also a page with what speaks for each number of segments: .html")
    .option(
      "--weights <column|file>",
      "kmeans: how much a user counts, 0 or more: a column of the table; for a matrix a table with user_id and weight",
    )
    .option("--spherical", "kmeans: by the direction of the features (cosine), not by how large they are")
    .addOption(
      new Option("--empty-clusters <what>", "kmeans: a segment without users takes the farthest user, or stays empty")
        .choices(EMPTY_CLUSTERS)
        .default("relocate")
        .conflicts("miniBatch"),
    )
    .option(
      "--seed <number>",
      "kmeans: of the first centres and the batches, 0 to 4294967295",
      integer(0, 2 ** 32 - 1),
      1,
    )
    .option(
      "--max-iterations <count>",
      "kmeans: passes over the users, or over as many in batches",
      integer(1, 1_000_000),
      300,
    )
    .option(
      "--tolerance <number>",
      "kmeans: stop when the centroids move less than this share of the variance",
      decimal(0),
      1e-4,
    );
}

interface Choice extends Pick<SegmentSettings, "method" | "k" | "kRange" | "kBy"> {
  plot?: string;
}

/** A number of segments and a way to choose it. */
export function checkChoice({ method, k, kRange, kBy, plot }: Choice): void {
  if (plot !== undefined && (k !== "auto" || method !== "kmeans")) {
    throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", "--plot needs a number of segments to choose", {
      field: "--plot",
      hint: "Say -k auto, or --k-range from:to; by --method kmeans.",
    });
  }
  if (k === "auto" || (kRange === undefined && kBy === undefined)) return;
  const field = kRange === undefined ? "--k-by" : "--k-range";
  throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", `-k ${k} leaves nothing to choose`, {
    field,
    hint: "Leave out -k, or say -k auto.",
  });
}

/** Draws how the number of segments was chosen. */
export async function writePlot(plot: OutputFile | undefined, found: { choice?: KChoice } | object): Promise<void> {
  if (plot === undefined) return;
  const { choiceOfKPage } = await import("../report/choice-of-k-page.js");
  await writeFile(plot.path, await choiceOfKPage("choice" in found ? found.choice : undefined));
}

function countOrAuto(text: string): number | "auto" {
  return text === "auto" ? text : integer(1, 1_000_000)(text);
}

function rangeOfCounts(text: string): [number, number] {
  const [from, to, ...more] = text.split(":");
  try {
    const range: [number, number] = [integer(2, 1000)(from ?? ""), integer(2, 1000)(to ?? "")];
    if (more.length === 0 && range[0] <= range[1]) return range;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError("Expected from:to, two whole numbers from 2 to 1,000, such as 2:20.");
}

type KmeansFacts = Pick<UserSegments, "sizes" | "numUnsegmented" | "inertia" | "iterations" | "converged" | "choice">;

export function kmeansLines({ sizes, numUnsegmented, inertia, iterations, converged, choice }: KmeansFacts): string[] {
  return [
    ...(choice === undefined ? [] : [...choiceLines(choice), ""]),
    `${counted(sum(sizes), "user")} in ${counted(sizes.length, "segment")}; ${counted(iterations, "iteration")}${converged ? "" : ", not converged"}, inertia ${brief(inertia)}`,
    ...(numUnsegmented > 0 ? [`${counted(numUnsegmented, "user")} without a segment: nothing to go by`] : []),
  ];
}

const CHOSEN_BY: Record<KCriterion, string> = {
  silhouette: "the highest silhouette",
  "calinski-harabasz": "the highest Calinski-Harabasz index",
  elbow: "the elbow of the inertia",
};

function choiceLines({ k, criterion, qualities, sampleSize }: KChoice): string[] {
  const rows = qualities.map((quality) => [
    `${quality.k}${quality.k === k ? " *" : ""}`,
    quality.sampleSilhouette.toFixed(3),
    quality.calinskiHarabasz === null ? "–" : brief(quality.calinskiHarabasz),
    brief(quality.inertia),
  ]);
  return [
    ...table(["k", "silhouette", "Calinski-Harabasz", "inertia"], rows),
    `  * ${CHOSEN_BY[criterion]}; silhouettes over a sample of ${counted(sampleSize, "user")}`,
  ];
}
