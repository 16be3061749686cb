/** Methods beside one another: the quality of what they recommend, and the time that takes. */
import { invalidArgument } from "../errors.js";
import { checkRunOptions, RUN_OPTIONS, type RunOptions } from "../executor/executor.js";
import type { ScoreCurve } from "../score/blend.js";
import type { MethodOptions } from "../score/methods.js";
import { recommend } from "../score/recommend.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { arrayOf, fieldsOf, integerBetween, textOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { evaluateRanking, type RankingReport, type RelevantItems } from "./ranking.js";

export interface MethodToCompare {
  /** What it is called in the answer. */
  name: string;
  options: Omit<MethodOptions, "threads" | "signal" | "onProgress">;
}

export interface ComparedMethod {
  name: string;
  quality: RankingReport;
  /** Fitting the method and ranking all users, wall clock. */
  seconds: number;
}

/** What is held out: the last days, or each user's last new item. */
export const SPLITS = ["time", "last-out"] as const;
export type Split = (typeof SPLITS)[number];

/** Methods on a split of one campaign's events. */
export interface CampaignComparison {
  split: Split;
  /** Of a split by time: the moment that history ends before, ISO 8601 in UTC, and the days from there. */
  cut: string | undefined;
  heldOutDays: number | undefined;
  n: number;
  /** Users with held-out items, and the items. */
  numUsers: number;
  numRelevant: number;
  numUnknown: number;
  numSeen: number;
  /** Best NDCG first. */
  methods: ComparedMethod[];
  /**
   * Weights of the blend, and curves of one by score, chosen on the days before the held-out ones; as the campaign gives them
   * where each user's last item is.
   */
  blend: { method: string; weight: number; curve?: ScoreCurve | undefined }[] | undefined;
}

/** On a split by time. */
export interface TimeComparison extends CampaignComparison {
  cut: string;
  heldOutDays: number;
}

export interface CompareOptions extends RunOptions {
  /** Places of each list; default 20. */
  n?: number | undefined;
}

/**
 * Fits each method to `history`, ranks all users and holds the lists against `relevant`. Lists are filled up with popular items,
 * as `recommend` does. Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CORRUPT_FILE, _CANCELLED, _CLOSED.
 */
export async function compareMethods(
  history: Matrix,
  relevant: RelevantItems,
  methods: readonly MethodToCompare[],
  options: CompareOptions = {},
): Promise<ComparedMethod[]> {
  checkMatrix("history", history);
  checkRunOptions(knownOptions("compareMethods", options, { ...RUN_OPTIONS, n: true }));
  const n = Math.min(integerBetween("n", options.n ?? 20, 1, 100_000), Math.max(1, history.numItems));
  for (const [i, method] of arrayOf("methods", methods).entries()) {
    knownOptions(`methods[${i}]`, method, { name: true, options: true });
    textOf(`methods[${i}].name`, method.name);
    fieldsOf(`methods[${i}].options`, method.options);
  }
  if (fieldsOf("relevant.items", fieldsOf("relevant", relevant).items).length === 0) {
    throw invalidArgument("nothing relevant was held out: no quality can be measured", {
      hint: "Hold out more days, or check which behaviours make an item relevant.",
    });
  }
  const { threads, signal, onProgress } = options;
  const compared: ComparedMethod[] = [];
  for (const { name, options: method } of methods) {
    const onStage: RunOptions["onProgress"] =
      onProgress && ((at) => onProgress({ ...at, stage: `${name}: ${at.stage}` }));
    const started = process.hrtime.bigint();
    const found = await recommend(history, { ...method, n, threads, signal, onProgress: onStage });
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    const quality = await evaluateRanking(history, relevant, found, { threads, signal });
    compared.push({ name, quality, seconds });
  }
  return compared;
}

/** What everybody likes: the method without a model, to be ahead of. */
export function popularity(history: Matrix): MethodToCompare {
  const { numItems } = history;
  const model = {
    k: 1,
    range: { begin: 0, end: numItems },
    indices: new Int32Array(numItems).fill(-1),
    scores: new Float32Array(numItems),
    counts: new Int32Array(numItems),
  };
  return { name: "popular", options: { method: "item-knn", model } };
}
