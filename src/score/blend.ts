/** Several methods as one: their lists fused by rank or by calibrated score, their affinities by each user's shares. */
import { invalidArgument } from "../errors.js";
import type { KernelCall } from "../executor/call.js";
import { type Executor, type RowRange, shards, shared } from "../executor/executor.js";
import type { Matrix } from "../store/matrix.js";
import { integerBetween, numberBetween, oneOf } from "../util/arguments.js";
import type { AffinityRequest, FittedMethod, RankRequest } from "./method.js";

/** What a score of a part is worth: straight lines between points, x ascending, and level outside of them. */
export interface ScoreCurve {
  x: number[];
  y: number[];
}

export interface BlendOptions {
  /**
   * rank: reciprocal rank fusion, sum of weight / (rankOffset + rank). score: sum of weight * curve(score), with a curve of
   * each part, such as calibrateScores finds. Default rank.
   */
  by?: "rank" | "score" | undefined;
  /** Of rank: the larger, the less the first places stand out; default 60. */
  rankOffset?: number | undefined;
  /** Places of each part's list that count; default 5 n, at least 100. */
  depth?: number | undefined;
}

/** For knownOptions. */
export const BLEND_OPTIONS = { by: true, rankOffset: true, depth: true };

export interface FittedPart {
  fitted: FittedMethod;
  /** At least 0. */
  weight: number;
  /** Of the blend by score. */
  curve?: ScoreCurve | undefined;
}

/** Lists of all parts for the users of a range, one part after the other. */
export interface PartLists {
  range: RowRange;
  depth: number;
  items: Int32Array;
  scores: Float32Array;
  counts: Int32Array;
}

/** Users whose lists of all parts are held at once. */
const BLOCK_USERS = 32_768;

/** Ranks by every part, for lists that are blended afterwards. */
export async function rankParts(
  executor: Executor,
  parts: readonly FittedMethod[],
  range: RowRange,
  depth: number,
  options: RankRequest["options"],
): Promise<PartLists> {
  const rows = range.end - range.begin;
  const items = shared.i32(parts.length * rows * depth);
  const scores = shared.f32(items.length);
  const sources = shared.u8(rows * depth);
  const counts = shared.i32(parts.length * rows);
  const { filterSeen, allowed } = options;
  for (const [p, fitted] of parts.entries()) {
    await fitted.rank({
      executor,
      range,
      n: depth,
      options: { filterSeen, allowed, normalise: false },
      items: items.subarray(p * rows * depth, (p + 1) * rows * depth),
      scores: scores.subarray(p * rows * depth, (p + 1) * rows * depth),
      sources,
      counts: counts.subarray(p * rows, (p + 1) * rows),
    });
  }
  return { range, depth, items, scores, counts };
}

export class BlendedMethod implements FittedMethod {
  readonly method = "blend";
  readonly #matrix: Matrix;
  readonly #parts: readonly FittedPart[];
  readonly #rankOffset: number;
  readonly #depth: number | undefined;
  readonly #curves: KernelCall["args"];

  /** Errors: ERR_COUPONCAST_INVALID_ARGUMENT (no parts, weights below 0, a curve that is missing or does not rise). */
  constructor(matrix: Matrix, parts: readonly FittedPart[], options: BlendOptions = {}) {
    if (parts.length === 0) throw invalidArgument("expected at least one part to blend");
    for (const [p, { weight }] of parts.entries()) numberBetween(`weight of part ${p}`, weight, 0, 1e6);
    if (!parts.some(({ weight }) => weight > 0)) throw invalidArgument("expected a part of weight above 0");
    this.#matrix = matrix;
    this.#parts = parts;
    this.#rankOffset = numberBetween("rankOffset", options.rankOffset ?? 60, 0, 1e9);
    if (options.depth !== undefined) integerBetween("depth", options.depth, 1, 1_000_000);
    this.#depth = options.depth;
    const byScore = oneOf("by", options.by ?? "rank", ["rank", "score"] as const) === "score";
    this.#curves = byScore ? curveArgs(parts) : {};
  }

  async rank(request: RankRequest): Promise<void> {
    const { executor, range, n } = request;
    const depth = Math.min(this.#depth ?? Math.max(5 * n, 100), Math.max(1, this.#matrix.numItems));
    for (const block of shards(range.end - range.begin, BLOCK_USERS)) {
      const begin = range.begin + block.begin;
      const end = range.begin + block.end;
      const methods = this.#parts.map(({ fitted }) => fitted);
      const lists = await rankParts(executor, methods, { begin, end }, depth, request.options);
      await this.fuse(
        {
          ...request,
          range: { begin, end },
          items: request.items.subarray(block.begin * n, block.end * n),
          scores: request.scores.subarray(block.begin * n, block.end * n),
          sources: request.sources.subarray(block.begin * n, block.end * n),
          counts: request.counts.subarray(block.begin, block.end),
        },
        lists,
      );
    }
  }

  /** The ranking from lists of the parts, which are of the range of the request. */
  async fuse(request: RankRequest, lists: PartLists): Promise<void> {
    const { executor, range, n } = request;
    await executor.run({
      kernel: "blendLists",
      args: {
        matrix: this.#matrix.ref(),
        ...request.options,
        ...this.#curves,
        partWeights: Float32Array.from(this.#parts, ({ weight }) => weight),
        partItems: lists.items,
        partScores: lists.scores,
        partCounts: lists.counts,
        depth: lists.depth,
        rankOffset: this.#rankOffset,
        begin: range.begin,
        end: range.end,
        n,
        outItems: request.items,
        outScores: request.scores,
        outSources: request.sources,
        outCounts: request.counts,
      },
    });
  }

  /** sum over parts of weight * share of the user's affinity: parts of any scale add up, and a part that does not know him is left out. */
  async affinity({ executor, range, scopes, output }: AffinityRequest): Promise<void> {
    const columns = scopes.numCoupons + 1;
    const partWeights = Float32Array.from(this.#parts, ({ weight }) => weight);
    for (const block of shards(range.end - range.begin, BLOCK_USERS)) {
      const begin = range.begin + block.begin;
      const end = range.begin + block.end;
      const size = (end - begin) * columns;
      const all = shared.f32(this.#parts.length * size);
      for (const [p, { fitted }] of this.#parts.entries()) {
        await fitted.affinity({
          executor,
          range: { begin, end },
          scopes,
          output: (part) =>
            all.subarray(p * size + (part.begin - begin) * columns, p * size + (part.end - begin) * columns),
        });
      }
      await executor.run({
        kernel: "blendAffinity",
        args: { partWeights, partAffinity: all, columns, outAffinity: output({ begin, end }) },
      });
    }
  }
}

function curveArgs(parts: readonly FittedPart[]): KernelCall["args"] {
  const starts = [0];
  for (const [p, { curve }] of parts.entries()) {
    if (curve === undefined || curve.x.length === 0 || curve.x.length !== curve.y.length)
      throw invalidArgument(`expected a curve of part ${p}, as many y as x, for a blend by score`);
    if (
      curve.x.some((x, i) => !Number.isFinite(x) || (i > 0 && x < curve.x[i - 1]!)) ||
      !curve.y.every(Number.isFinite)
    )
      throw invalidArgument(`expected finite points of ascending x in the curve of part ${p}`);
    starts.push(starts.at(-1)! + curve.x.length);
  }
  return {
    curveStarts: Int32Array.from(starts),
    curveX: Float32Array.from(parts.flatMap(({ curve }) => curve!.x)),
    curveY: Float32Array.from(parts.flatMap(({ curve }) => curve!.y)),
  };
}
