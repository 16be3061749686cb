/** Stage allocate: who gets what, certified, and what other budgets would buy. */
import { join } from "node:path";
import { type Allocation, allocateTable, checkAssignment } from "../allocate/allocate.js";
import { type ConstraintUse, constraintUse } from "../allocate/constraint-use.js";
import { type FrontierPoint, frontierOf } from "../allocate/frontier.js";
import type { Limits } from "../allocate/limits.js";
import { type CandidateTable, Problem } from "../allocate/problem.js";
import { shards } from "../executor/executor.js";
import { reasonCode } from "../score/eligibility.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import { loadTensors } from "../store/tensors.js";
import type { RunContext } from "./context.js";
import { type IngestStage, loadSegments, type SegmentStage } from "./profile-stages.js";
import { type CandidatesStage, candidateRef } from "./score-stages.js";
import type { FinishedStage } from "./stage-runner.js";

export interface AllocateResult extends Omit<Allocation, "chosen" | "prices"> {
  rows: number;
  limits: ConstraintUse[];
  frontier: FrontierPoint[];
}
export type AllocateStage = FinishedStage<AllocateResult>;

const SHARD_USERS = 16_384;

export function candidateTable(stage: CandidatesStage, numUsers: number): CandidateTable {
  const [counts, coupons, value, cost] = (["counts", "coupons", "value", "cost"] as const).map((name) =>
    candidateRef(stage, name),
  );
  return { numUsers, width: stage.result.width, counts, coupons, value, cost };
}

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

/** Whether a limit is about segments, and so depends on who is in which. */
function limitsSegments({ loaded: { campaign } }: RunContext): boolean {
  return [...campaign.budget.scopes, ...campaign.fairness].some(({ segments }) => segments !== undefined);
}

export async function limitsOf(context: RunContext, segmented: SegmentStage): Promise<Limits> {
  const limits = namedLimits(context);
  return limitsSegments(context) ? { ...limits, segments: (await loadSegments(context, segmented)).labels } : limits;
}

export function allocateStage(
  context: RunContext,
  ingested: IngestStage,
  segmented: SegmentStage,
  candidates: CandidatesStage,
): Promise<AllocateStage> {
  const { campaign } = context.loaded;
  const settings = { limits: namedLimits(context), frontierPoints: campaign.output.frontierPoints };
  const reads = { candidates: candidates.key, ...(limitsSegments(context) ? { segment: segmented.key } : {}) };
  return context.stages.run("allocate", reads, settings, async (dir) => {
    const { numUsers } = ingested.result;
    const limits = await limitsOf(context, segmented);
    const table = candidateTable(candidates, numUsers);
    const { chosen, prices, ...allocation } = await allocateTable(context.executor, table, limits);
    const candidatesFile = join(candidates.dir, "candidates.safetensors");
    const { reasons } = await loadTensors(context.executor, candidatesFile, { reasons: "U8" });
    const problem = new Problem(table, limits);
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
    const writer = TensorFileWriter.create(
      join(dir, "allocation.safetensors"),
      [
        { name: "chosen", dtype: "U8", shape: [numUsers, table.width] },
        { name: "reasons", dtype: "U8", shape: [numUsers] },
      ],
      { kind: "allocation" },
    );
    try {
      await writer.write("chosen", 0, chosen);
      await writer.write("reasons", 0, reasons);
      await writer.commit();
    } finally {
      await writer.abort();
    }
    const written = { $file: join(dir, "allocation.safetensors"), tensor: "chosen" };
    await checkAssignment(context.executor, problem, written);
    const frontier = await frontierOf(
      context.executor,
      table,
      limits,
      frontierBudgets(campaign.budget.totalMinor, campaign.output.frontierPoints),
      prices,
    );
    return { rows: numUsers, ...allocation, limits: constraintUse(limits, allocation), frontier };
  });
}

/** Evenly spaced shares of the budget up to twice of it. The budget itself is left to the run's own solution. */
function frontierBudgets(totalMinor: number, points: number): number[] {
  const budgets = Array.from({ length: points }, (_, i) => Math.round((totalMinor * 2 * (i + 1)) / points));
  return [...new Set(budgets)].filter((budget) => budget !== totalMinor && budget > 0);
}
