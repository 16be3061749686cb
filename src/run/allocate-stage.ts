/** Stage allocate: who gets what, certified, and what other budgets would buy. */
import { join } from "node:path";
import { type Allocation, allocateTable, checkAssignment, usedOf } from "../allocate/allocate.js";
import { capTree } from "../allocate/cap-tree.js";
import { type ConstraintUse, constraintUse } from "../allocate/constraint-use.js";
import { countDraws, exploreTable } from "../allocate/explore.js";
import { type FrontierPoint, frontierOf } from "../allocate/frontier.js";
import type { Limits } from "../allocate/limits.js";
import { type CandidateTable, MILLI, Problem } from "../allocate/problem.js";
import { CouponcastError } from "../errors.js";
import { shards } from "../executor/executor.js";
import { reasonCode } from "../score/eligibility.js";
import { loadTensors } from "../store/tensors.js";
import { writeTensors } from "../store/write-tensors.js";
import { type CandidatesStage, candidateRef } from "./candidates-stage.js";
import type { RunContext } from "./context.js";
import {
  type ExplorationFacts,
  explorationFacts,
  explorationTensors,
  exploreOptions,
  markLots,
} from "./exploration.js";
import { userIdentities } from "./identities.js";
import { type IngestStage, loadSegments, type SegmentStage } from "./profile-stages.js";
import type { FinishedStage } from "./stage-runner.js";

export interface AllocateResult extends Omit<Allocation, "chosen" | "prices"> {
  rows: number;
  /** Where coupons are drawn by lot: the sums above are of what was drawn, bound, gap and prices of the best plan. */
  exploration?: ExplorationFacts;
  limits: ConstraintUse[];
  frontier: FrontierPoint[];
}
export type AllocateStage = FinishedStage<AllocateResult>;

const SHARD_USERS = 16_384;

/** `withFace`: also what each coupon costs when it is redeemed, for budgets of that. */
export function candidateTable(stage: CandidatesStage, numUsers: number, withFace = false): CandidateTable {
  const [counts, coupons, value, cost, face] = (["counts", "coupons", "value", "cost", "face"] as const).map((name) =>
    candidateRef(stage, name),
  );
  return { numUsers, width: stage.result.width, counts, coupons, value, cost, ...(withFace ? { face } : {}) };
}

const limitsFace = ({ budgets = [] }: Limits) => budgets.some(({ cost }) => cost === "face");

function namedLimits(context: RunContext): Limits {
  const { campaign, coupons } = context.loaded;
  const { budget, caps, fairness } = campaign;
  const position = new Map(coupons.map(({ id }, j) => [id, j]));
  const indices = (ids: readonly string[]) => ids.map((id) => position.get(id)!);
  const scope = <T extends { coupons?: string[] | undefined }>({ coupons: ids, ...rest }: T) => ({
    ...rest,
    ...(ids === undefined ? {} : { coupons: indices(ids) }),
  });
  return {
    budgetMinor: budget.totalMinor,
    perUser: caps.perUser,
    coupons: coupons.map(({ id, stock, budgetMinor, exclusiveGroup }) => {
      // Both the catalogue and the campaign may limit a coupon: the smaller budget counts.
      const own = [budgetMinor, budget.perCouponMinor[id]].filter((amount) => amount !== undefined);
      return { stock, exclusiveGroup, budgetMinor: own.length > 0 ? Math.min(...own) : undefined };
    }),
    budgets: budget.scopes.map(scope),
    floors: fairness.map(scope),
    caps: caps.groups.map(({ name, coupons: ids, perUser }) => ({ name, coupons: indices(ids), perUser })),
  };
}

/** What a schema cannot see of limits; before a long run. Errors: ERR_COUPONCAST_INVALID_ARGUMENT. */
export function checkLimits(context: RunContext): void {
  try {
    capTree(namedLimits(context));
  } catch (thrown) {
    if (!(thrown instanceof CouponcastError)) throw thrown;
    const { code, message } = thrown;
    throw new CouponcastError(code, message, { cause: thrown, file: context.loaded.path, field: "caps.groups" });
  }
}

/** Whether a limit is about segments, and so depends on who is in which. */
function limitsSegments({ loaded: { campaign } }: RunContext): boolean {
  return [...campaign.budget.scopes, ...campaign.fairness].some(({ segments }) => segments !== undefined);
}

export async function limitsOf(
  context: RunContext,
  ingested: IngestStage,
  segmented: SegmentStage,
  scratch: string,
): Promise<Limits> {
  const { identity } = context.loaded.campaign.caps;
  return {
    ...namedLimits(context),
    ...(limitsSegments(context) ? { segments: (await loadSegments(context, segmented)).labels } : {}),
    ...(identity === undefined ? {} : { identity: await userIdentities(context, ingested, identity, scratch) }),
  };
}

export function allocateStage(
  context: RunContext,
  ingested: IngestStage,
  segmented: SegmentStage,
  candidates: CandidatesStage,
): Promise<AllocateStage> {
  const { campaign } = context.loaded;
  const { identity } = campaign.caps;
  const settings = {
    limits: namedLimits(context),
    frontierPoints: campaign.output.frontierPoints,
    ...(identity === undefined ? {} : { identity }),
    ...(campaign.exploration === undefined ? {} : { exploration: campaign.exploration, seed: campaign.seed }),
  };
  const reads = {
    candidates: candidates.key,
    ...(identity === undefined ? {} : { ingest: ingested.key }),
    ...(limitsSegments(context) ? { segment: segmented.key } : {}),
  };
  return context.stages.run("allocate", reads, settings, async (dir) => {
    const { numUsers } = ingested.result;
    const limits = await limitsOf(context, ingested, segmented, dir);
    const table = candidateTable(candidates, numUsers, limitsFace(limits));
    const explored =
      campaign.exploration === undefined
        ? undefined
        : await exploreTable(context.executor, table, limits, await exploreOptions(context, ingested, dir));
    const best = explored?.best ?? (await allocateTable(context.executor, table, limits));
    const { prices } = best;
    const { chosen } = explored ?? best;
    const candidatesFile = join(candidates.dir, "candidates.safetensors");
    const { reasons } = await loadTensors(context.executor, candidatesFile, { reasons: "U8" });
    const problem = await Problem.create(context.executor, table, limits);
    await context.executor.map(
      shards(numUsers, SHARD_USERS).map(({ begin, end }) => ({
        kernel: "explainUnassigned",
        args: {
          ...problem.args(),
          prices,
          chosen,
          begin,
          end,
          budgetReason: reasonCode("budget"),
          stockReason: reasonCode("stock"),
          reasons: (reasons as Uint8Array).subarray(begin, end),
        },
      })),
    );
    if (explored !== undefined) markLots(explored, table.width, reasons as Uint8Array);
    await writeTensors(join(dir, "allocation.safetensors"), "allocation", [
      { name: "chosen", dtype: "U8", shape: [numUsers, table.width], data: chosen },
      { name: "reasons", dtype: "U8", shape: [numUsers], data: reasons as Uint8Array },
      ...(explored === undefined ? [] : explorationTensors(explored, table.width)),
    ]);
    const written = { $file: join(dir, "allocation.safetensors"), tensor: "chosen" };
    const recount = await (explored === undefined ? checkAssignment : countDraws)(context.executor, problem, written);
    const frontier = await frontierOf(
      context.executor,
      table,
      limits,
      frontierBudgets(campaign.budget.totalMinor, campaign.output.frontierPoints),
      prices,
    );
    const { chosen: _choice, prices: _prices, ...certificate } = best;
    const allocation = {
      ...certificate,
      assigned: recount.assigned,
      valueMinor: recount.valueMilli / MILLI,
      spendMinor: recount.spendMilli / MILLI,
      used: usedOf(problem, limits, recount),
    };
    return {
      rows: numUsers,
      ...allocation,
      ...(explored === undefined ? {} : { exploration: explorationFacts(explored, context) }),
      limits: constraintUse(limits, allocation),
      frontier,
    };
  });
}

/** Evenly spaced shares of the budget up to twice of it. The budget itself is left to the run's own solution. */
function frontierBudgets(totalMinor: number, points: number): number[] {
  const budgets = Array.from({ length: points }, (_, i) => Math.round((totalMinor * 2 * (i + 1)) / points));
  return [...new Set(budgets)].filter((budget) => budget !== totalMinor && budget > 0);
}
