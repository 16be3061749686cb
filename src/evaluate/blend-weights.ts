/** Weights and curves of a blend, chosen by what users did later. */
import { invalidArgument } from "../errors.js";
import { Executor, RUN_OPTIONS, type RunOptions, shared } from "../executor/executor.js";
import { BLEND_OPTIONS, BlendedMethod, type BlendOptions, rankParts, type ScoreCurve } from "../score/blend.js";
import { type BlendPart, checkParts, fitMethod, type MethodOptions } from "../score/methods.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { integerBetween, oneOf } from "../util/arguments.js";
import { knownOptions } from "../util/known-options.js";
import { calibrateScores } from "./calibrate-scores.js";
import { evaluateRanking, METRICS, type RankingMetric, type RelevantItems } from "./ranking.js";

export interface BlendSearchOptions extends RunOptions, Pick<BlendOptions, "by" | "rankOffset" | "depth"> {
  /** Places of the blended list that count; default 20. */
  n?: number | undefined;
  /** What is to be highest; default ndcg. */
  metric?: RankingMetric | undefined;
  /** Weights are multiples of 1 / steps that add up to 1; default 10. */
  steps?: number | undefined;
}

const SEARCH_OPTIONS = { ...RUN_OPTIONS, ...BLEND_OPTIONS, n: true, metric: true, steps: true };

export interface BlendChoice {
  weights: number[];
  /** Of each part, for a blend by score. */
  curves: ScoreCurve[] | undefined;
  /** Every choice of weights and its quality, in the order tried. */
  tried: { weights: number[]; quality: number }[];
}

/** More choices than that are refused: they would take hours. */
const MAX_CHOICES = 5000;

/** How many choices `simplex` makes: `steps` out of `steps + parts - 1`. */
function choices(parts: number, steps: number): number {
  let count = 1;
  for (let part = 1; part < parts; part++) count = (count * (steps + part)) / part;
  return count;
}

/** All multiples of 1 / steps for `parts` parts that add up to 1, the first part from most to least. */
function simplex(parts: number, steps: number): number[][] {
  if (parts === 1) return [[steps]];
  const all: number[][] = [];
  for (let first = steps; first >= 0; first--)
    for (const rest of simplex(parts - 1, steps - first)) all.push([first, ...rest]);
  return all;
}

/**
 * Fits each part, a method with its options, and ranks all users by it once, then tries all weights of a grid and keeps the best; of equal ones the first. `relevant`
 * must come from after `history`, and quality be reported on something later still, or it is too good.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT, _CANCELLED.
 */
export async function chooseBlendWeights(
  history: Matrix,
  relevant: RelevantItems,
  parts: readonly Omit<BlendPart, "weight" | "curve">[],
  options: BlendSearchOptions = {},
): Promise<BlendChoice> {
  checkMatrix("history", history);
  const {
    by = "rank",
    rankOffset,
    signal,
    threads,
    onProgress,
  } = knownOptions("chooseBlendWeights", options, SEARCH_OPTIONS);
  const metric = oneOf("metric", options.metric ?? "ndcg", METRICS);
  const n = Math.min(integerBetween("n", options.n ?? 20, 1, 100_000), Math.max(1, history.numItems));
  const steps = integerBetween("steps", options.steps ?? 10, 1, 1000);
  const wanted = integerBetween("depth", options.depth ?? Math.max(5 * n, 100), 1, 1_000_000);
  const depth = Math.min(wanted, Math.max(1, history.numItems));
  const executor = new Executor({ signal, threads, onProgress });
  const quiet = new Executor({ signal, threads });
  checkParts(parts);
  const count = choices(parts.length, steps);
  if (count > MAX_CHOICES)
    throw invalidArgument(`expected at most ${MAX_CHOICES} choices of weights but received ${count}`, {
      hint: "Blend fewer methods, or take fewer steps.",
    });
  const grid = simplex(parts.length, steps);
  const range = { begin: 0, end: history.numUsers };
  const fitted = [];
  for (const part of parts as readonly MethodOptions[]) {
    fitted.push(await fitMethod(executor, history, { ...part, signal, threads, onProgress }, "rank"));
  }
  const lists = await rankParts(executor, fitted, range, depth, { filterSeen: true });
  const curves = by === "score" ? await calibrateScores(quiet, lists, relevant, fitted.length) : undefined;
  const request = {
    executor: quiet,
    range,
    n,
    options: { filterSeen: true, normalise: false },
    items: shared.i32(history.numUsers * n),
    scores: shared.f32(history.numUsers * n),
    sources: shared.u8(history.numUsers * n),
    counts: shared.i32(history.numUsers),
  };
  const tried: BlendChoice["tried"] = [];
  for (const [choice, units] of grid.entries()) {
    const weights = units.map((unit) => unit / steps);
    const weighed = fitted.map((method, p) => ({ fitted: method, weight: weights[p]!, curve: curves?.[p] }));
    await new BlendedMethod(history, weighed, { by, rankOffset, depth }).fuse(request, lists);
    const report = await evaluateRanking(history, relevant, request, {
      signal,
      threads,
      diversity: metric === "diversity",
    });
    tried.push({ weights, quality: report[metric] });
    onProgress?.({ stage: "blend weights", done: choice + 1, total: grid.length });
  }
  const best = tried.reduce((a, b) => (b.quality > a.quality ? b : a));
  return { weights: best.weights, curves, tried };
}
