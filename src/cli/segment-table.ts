/** The work behind `segment`: any table with an id and numbers, as points for K-means, and the table of the result. */
import { shared } from "../executor/executor.js";
import { applyScaling, type FeatureScaling, fitScaling, type Scale, transformed } from "../profile/feature-scaling.js";
import {
  type FeatureSegments,
  findSegments,
  type SegmentSettings,
  type WithoutLabels,
} from "../profile/find-segments.js";
import { readSegmentModel, segmentModelOf, writeSegmentModel } from "../profile/segment-model.js";
import type { ResolvedSource } from "../source/source.js";
import type { OutputFile } from "../table/output-file.js";
import type { InputTable } from "../table/read-table.js";
import { forEachYielding } from "../util/yield.js";
import type { Session } from "./command.js";
import { type FeatureTableOptions, readValues, readWeights, sortById, writeSegments } from "./feature-table.js";
import type { DBSCAN_METRICS } from "./segment-dbscan.js";
import { withTable } from "./with-table.js";

export interface SegmentTableOptions extends Omit<SegmentSettings, "weights">, FeatureTableOptions {
  metric: (typeof DBSCAN_METRICS)[number];
  /** A model's file: K-means starts from its centres. */
  start?: string;
}

interface SegmentMeans {
  names: string[];
  /** [k][features] plain means; null where nobody of the segment has the feature. */
  means: (number | null)[][];
}

export type SegmentTableResult = WithoutLabels<FeatureSegments> & SegmentMeans;

export async function segmentTable(
  session: Session,
  source: ResolvedSource,
  options: SegmentTableOptions,
  output: OutputFile,
  model: OutputFile | undefined,
): Promise<SegmentTableResult> {
  const start = options.start === undefined ? undefined : readSegmentModel(options.start);
  return withTable(session, source, output, async ({ table, executor, labelsPath }) => {
    const { scaling: given } = start ?? {};
    const columns = given === undefined ? options : { ...options, features: given.names, scale: given.scale };
    const { names, numUsers } = await sortById(table, columns);
    const { points, values, hasEvents, scaling } = await readPoints(table, names, numUsers, given ?? options.scale);
    const features = { names, numUsers, dims: names.length, points, hasEvents, scaling };
    const weights = options.weights === undefined ? undefined : await readWeights(table, numUsers);
    const from = start && { k: start.sizes.length, centroids: start.centroids };
    const spherical = options.spherical ?? start?.spherical;
    const segments = await findSegments(features, { ...options, ...from, spherical, weights }, session.run());
    if (model !== undefined && segments.method === "kmeans")
      await writeSegmentModel(model.path, segmentModelOf(scaling, segments, spherical));
    const { labels, ...found } = segments;
    session.progress.update({ stage: "writing", done: 0, total: undefined });
    await writeSegments(table.db, executor, labels, names, { ...options, labelsPath, output });
    return { ...found, names, means: await meansOf(values, labels, names.length, found.k) };
  });
}

interface Points {
  /** float32 [numUsers * dims] scaled. */
  points: Float32Array;
  /** float64 [numUsers * dims] as read, NaN where missing. */
  values: Float64Array;
  hasEvents: Uint8Array;
  scaling: FeatureScaling;
}

/** Scaled as `given` says, or in this way as these users want it. */
async function readPoints(
  table: InputTable,
  names: readonly string[],
  numUsers: number,
  given: Scale | FeatureScaling,
): Promise<Points> {
  const { values, active } = await readValues(table, names.length, numUsers);
  const points = shared.f32(values.length);
  const scale = typeof given === "string" ? given : given.scale;
  await forEachYielding(values.length, (at) => {
    points[at] = transformed(scale, values[at]!);
  });
  const scaling = typeof given === "string" ? await fitScaling(given, [...names], points, active) : given;
  await applyScaling(scaling, points);
  return { points, values, hasEvents: active, scaling };
}

async function meansOf(
  values: Float64Array,
  labels: Int32Array,
  dims: number,
  k: number,
): Promise<(number | null)[][]> {
  const sums = new Float64Array(k * dims);
  const counts = new Float64Array(k * dims);
  await forEachYielding(labels.length, (user) => {
    const label = labels[user]!;
    if (label < 0) return;
    for (let f = 0; f < dims; f++) {
      const value = values[user * dims + f]!;
      if (Number.isNaN(value)) continue;
      sums[label * dims + f]! += value;
      counts[label * dims + f]!++;
    }
  });
  const mean = (at: number) => (counts[at]! > 0 ? sums[at]! / counts[at]! : null);
  return Array.from({ length: k }, (_, s) => Array.from({ length: dims }, (_, f) => mean(s * dims + f)));
}
