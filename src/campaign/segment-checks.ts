import type { Finding } from "./document.js";
import { isFields } from "./exactly-one-of.js";

/** Settings of segments that only make sense with, or without, others. As all checks, they look before they read. */

type Segments = Record<string, unknown>;

const finding = (field: string, text: string): Finding => ({ path: ["segments", field], message: () => text });

/** What a model decides, or a given number of segments. */
function modelFindings(segments: Segments): Finding[] {
  const { k, model, method, by, warmStart } = segments;
  if (model === undefined) {
    if (warmStart === true) return [finding("warmStart", "expected segments.model beside it: where K-means starts")];
    if (k === "auto") return [];
    return ["kRange", "kBy"]
      .filter((field) => segments[field] !== undefined)
      .map((field) => finding(field, "expected segments.k: auto where it is to be chosen"));
  }
  if (method !== undefined && method !== "kmeans")
    return [finding("model", "expected segments.method: kmeans, whose segments a model holds")];
  // By items, features are no part of the model: they describe the segments.
  const settings = warmStart === true ? OF_STARTS : [...OF_STARTS, ...OF_STEPS];
  const decided = by === "items" ? settings : [...settings, "features"];
  return decided
    .filter((field) => segments[field] !== undefined)
    .map((field) => finding(field, "expected no such setting beside segments.model, whose segments are there already"));
}

const OF_STARTS = ["k", "kRange", "kBy", "init", "nInit"];
/** Which a warm start takes, too. */
const OF_STEPS = ["spherical", "miniBatch", "weights", "emptyClusters"];

/** Mini-batches have a rule of their own for centres that few users are near to; by items they start once, of a given k. */
function miniBatchFindings({ miniBatch, emptyClusters, by, k, nInit, init }: Segments): Finding[] {
  if (miniBatch === undefined) return [];
  const refused: Finding[] = [];
  if (emptyClusters !== undefined)
    refused.push(finding("emptyClusters", "expected no such setting beside segments.miniBatch"));
  if (by !== "items") return refused;
  if (k === "auto")
    refused.push(finding("miniBatch", "expected a number as segments.k beside it: by items, whole passes choose one"));
  if (typeof nInit === "number" && nInit > 1)
    refused.push(finding("nInit", "expected 1 beside segments.miniBatch: by items, mini-batches start once"));
  if (init === "k-means||")
    refused.push(finding("init", "expected k-means++ or random beside segments.miniBatch where segments are by items"));
  return refused;
}

/** Cosine distances have no curve to choose eps by, and no neighbours from 1 on. */
function itemFindings({ by, method, eps }: Segments): Finding[] {
  if (by !== "items") return [];
  if (method === "rfm")
    return [finding("by", "expected features, or segments.method: kmeans or dbscan: rfm has nothing to do with items")];
  if (method !== "dbscan" || (typeof eps === "number" && eps >= 1e-6 && eps < 1)) return [];
  return [finding("eps", "expected a number from 0.000001, below 1, such as 0.3: the cosine distance of neighbours")];
}

export function segmentFindings({ segments }: Record<string, unknown>): Finding[] {
  if (!isFields(segments)) return [];
  return [...modelFindings(segments), ...miniBatchFindings(segments), ...itemFindings(segments)];
}
