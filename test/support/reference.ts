/** The formulas in plain float64, over dense rows: what the kernels are held against. */
import type { NEIGHBOUR_METHODS } from "../../src/score/neighbour-methods.js";
import type { WeightingName } from "../../src/score/weighting.js";

export type Dense = readonly (readonly number[])[];

export function transpose(dense: Dense, cols = dense[0]?.length ?? 0): number[][] {
  return Array.from({ length: cols }, (_, j) => dense.map((row) => row[j]!));
}

export interface Parameters {
  k1: number;
  b: number;
  lambda: number;
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

/** Weights of documents' terms before the scale; native/include/couponcast/weighting.h says which. */
function weights(
  documents: Dense,
  weighting: WeightingName,
  { k1, b, lambda }: Parameters,
): { w: number[][]; scaled: boolean } {
  const count = documents.length;
  const numTerms = documents[0]?.length ?? 0;
  const degree = Array.from({ length: numTerms }, (_, t) => documents.filter((row) => row[t] !== 0).length);
  const idf = degree.map((df) => Math.max(0, Math.log(count / (1 + df))));
  const lengths = documents.map((row) => row.reduce((sum, r) => sum + r, 0));
  const mean = lengths.reduce((sum, length) => sum + length, 0) / count;
  switch (weighting) {
    case "cosine":
      return { w: documents.map((row) => [...row]), scaled: true };
    case "tfidf":
      return { w: documents.map((row) => row.map((r, t) => Math.sqrt(r) * idf[t]!)), scaled: true };
    case "bm25":
      return {
        w: documents.map((row, d) =>
          row.map((r, t) => (r === 0 ? 0 : ((r * (k1 + 1)) / (r + k1 * (1 - b + (b * lengths[d]!) / mean))) * idf[t]!)),
        ),
        scaled: false,
      };
    case "saturation":
      return { w: documents.map((row) => row.map((r) => (r === 0 ? 0 : r / (r + lambda)))), scaled: false };
  }
}

/** Similarity of every pair of rows. */
export function similarityTable(documents: Dense, weighting: WeightingName, parameters: Parameters): number[][] {
  const { w, scaled } = weights(documents, weighting, parameters);
  const norm = w.map((row) => Math.sqrt(dot(row, row)));
  return w.map((a, d) =>
    w.map((c, e) => {
      const product = dot(a, c);
      if (!scaled) return product;
      return norm[d]! > 0 && norm[e]! > 0 ? product / norm[d]! / norm[e]! : 0;
    }),
  );
}

/** Score of every user and item with all rows as neighbours, and the sum of weights that `normalise` divides by. */
export function scoreTable(
  dense: Dense,
  method: (typeof NEIGHBOUR_METHODS)[number],
  similarity: Exclude<WeightingName, "saturation">,
  parameters: Parameters,
  normalise: boolean,
): number[][] {
  const items = transpose(dense);
  const saturate = (r: number) => (r === 0 ? 0 : r / (r + parameters.lambda));
  const numItems = items.length;
  const score = (contributions: (user: number, item: number) => [weight: number, value: number][]) =>
    dense.map((_, u) =>
      Array.from({ length: numItems }, (_, j) => {
        const list = contributions(u, j);
        const sum = list.reduce((total, [weight, value]) => total + weight * value, 0);
        const weight = list.reduce((total, [w]) => total + w, 0);
        return normalise ? (weight > 0 ? sum / weight : 0) : sum;
      }),
    );
  switch (method) {
    case "item-knn": {
      const s = similarityTable(items, similarity, parameters);
      return score((u, j) => dense[u]!.flatMap((r, i) => (r === 0 || i === j ? [] : [[s[i]![j]!, r]])));
    }
    case "saturated": {
      const s = similarityTable(items, "saturation", parameters);
      return score((u, j) => dense[u]!.flatMap((r, i) => (r === 0 ? [] : [[s[i]![j]!, saturate(r)]])));
    }
    case "user-knn": {
      const s = similarityTable(dense, "cosine", parameters);
      return score((u, j) => dense.flatMap((row, v) => (v === u || row[j] === 0 ? [] : [[s[u]![v]!, row[j]!]])));
    }
    case "seed-literal":
      return score((u, j) =>
        dense[u]!.flatMap((r, k) => (r === 0 || dense[k]![j] === 0 ? [] : [[saturate(r), saturate(dense[k]![j]!)]])),
      );
  }
}
