/** `segment` of a behaviour matrix: users by which items they have to do with. */
import { resolve } from "node:path";
import { CouponcastError } from "../errors.js";
import { segmentsBySize } from "../profile/active-points.js";
import type { KChoice } from "../profile/choose-k.js";
import { cosineDbscan } from "../profile/cosine-dbscan.js";
import { itemClusters } from "../profile/item-segments.js";
import { readUserClusterModel, writeUserClusterModel } from "../profile/user-cluster-model.js";
import type { ResolvedSource } from "../source/source.js";
import type { Matrix } from "../store/matrix.js";
import type { OutputFile } from "../table/output-file.js";
import type { Session } from "./command.js";
import { openMatrixFile } from "./open-matrix-file.js";
import { readUserWeights } from "./read-user-weights.js";
import type { SegmentTableOptions } from "./segment-table.js";
import { writeUserSegments } from "./write-user-segments.js";

interface Sizes {
  sizes: number[];
  numUnsegmented: number;
}
export type SegmentMatrixResult =
  | (Sizes & {
      method: "kmeans";
      inertia: number;
      iterations: number;
      converged: boolean;
      choice?: KChoice;
    })
  | (Sizes & { method: "dbscan"; eps: number; minSamples: number; numNoise: number });

export interface SegmentMatrixOptions extends Omit<SegmentTableOptions, "weights"> {
  /** A table with user_id and weight. */
  weights: ResolvedSource | undefined;
}

/** Options that make points of the columns of a table. */
const OF_TABLES = ["features", "active"] as const;

function checkOptions(options: SegmentMatrixOptions): void {
  const refuse = (field: string, hint: string) => {
    throw new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", `${field} as given needs a table of features`, {
      field,
      hint,
    });
  };
  const unknown = OF_TABLES.find((name) => options[name] !== undefined);
  if (unknown !== undefined) refuse(`--${unknown}`, "The rows of a matrix are segmented as they are.");
  if (options.method === "kmeans") {
    if (options.k === "auto" && options.miniBatch !== undefined)
      refuse("--mini-batch", "The number of segments of a matrix's rows is chosen by whole passes.");
    if (options.miniBatch !== undefined && options.nInit !== undefined && options.nInit > 1)
      refuse("--n-init", "Mini-batches of the rows of a matrix start once.");
    if (options.miniBatch !== undefined && options.init === "k-means||")
      refuse("--init", "The first centres of mini-batches come from few rows of a matrix: k-means++ or random.");
    if (options.metric === "cosine") refuse("--metric", "cosine is a metric of --method dbscan.");
    return;
  }
  if (options.metric !== "cosine")
    refuse("--metric", "The rows of a matrix are compared by their cosine: --metric cosine.");
  if (options.weights !== undefined) refuse("--weights", "Users have weights by --method kmeans only.");
  if (options.eps === "auto") refuse("--eps", "Cosine distances have no curve to choose by: give --eps, such as 0.3.");
}

/** What the users of a matrix fall into, and the facts to tell about it. */
async function segmentsOf(session: Session, matrix: Matrix, options: SegmentMatrixOptions, scratch: string) {
  if (options.method === "dbscan") {
    const [eps, minSamples] = [options.eps as number, options.minSamples];
    const { labels, sizes, numNoise } = await cosineDbscan(matrix, { ...session.run(), eps, minSamples });
    const { segments } = await segmentsBySize(matrix.numUsers, undefined, labels, sizes);
    return { segments, model: undefined, facts: { method: "dbscan" as const, eps, minSamples, numNoise } };
  }
  const startModel = options.start === undefined ? undefined : await readUserClusterModel(options.start);
  const k = startModel?.sizes.length ?? options.k;
  const { kRange, kBy: criterion, seed, maxIterations, tolerance, init, nInit } = options;
  const { spherical, miniBatch, emptyClusters } = options;
  const weights = options.weights && (await readUserWeights(session, matrix, options.weights, scratch));
  const start = { k, kRange, criterion, seed, init, nInit, startModel };
  const steps = { maxIterations, tolerance, spherical, weights, miniBatch, emptyClusters };
  const { clusters, model } = await itemClusters(matrix, { ...session.run(), ...start, ...steps });
  const { inertia, iterations, converged, choice } = clusters;
  return {
    segments: clusters,
    model,
    facts: { method: "kmeans" as const, inertia, iterations, converged, ...(choice && { choice }) },
  };
}

function withoutSegments(path: string): CouponcastError {
  return new CouponcastError("ERR_COUPONCAST_INVALID_ARGUMENT", `${path}: none of its users has cells`, {
    field: "--model",
    hint: "A model holds at least one segment; without --model, the table of users is written.",
  });
}

/** Writes user_id and segment of the users with cells, by user, and the model of segments that have a centre. */
export async function segmentMatrix(
  session: Session,
  path: string,
  options: SegmentMatrixOptions,
  output: OutputFile,
  modelOutput: OutputFile | undefined,
): Promise<SegmentMatrixResult> {
  checkOptions(options);
  const matrix = await openMatrixFile(resolve(path));
  try {
    const { segments, model, facts } = await segmentsOf(session, matrix, options, output.scratch);
    if (modelOutput !== undefined) {
      if (model === undefined) throw withoutSegments(path);
      await writeUserClusterModel(modelOutput.path, await model());
    }
    await writeUserSegments(session, matrix, segments.labels, output, options.raw);
    const { sizes, numUnsegmented } = segments;
    return { ...facts, sizes, numUnsegmented };
  } finally {
    matrix.close();
  }
}
