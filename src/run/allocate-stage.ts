/** Stage allocate: who gets what, certified, and what other budgets would buy. */
import { join } from "node:path";
import { type Allocation, allocateTable, type FrontierPoint, frontierOf } from "../allocate/allocate.js";
import type { Limits } from "../allocate/limits.js";
import { type CandidateTable, Problem } from "../allocate/problem.js";
import { shards } from "../executor/executor.js";
import { reasonCode } from "../score/eligibility.js";
import { TensorFileWriter } from "../store/tensor-file-writer.js";
import { loadTensors } from "../store/tensors.js";
import type { RunContext } from "./context.js";
import type { IngestStage } from "./profile-stages.js";
import { type CandidatesStage, candidateRef } from "./score-stages.js";
import type { FinishedStage } from "./stage-runner.js";

export interface AllocateResult extends Omit<Allocation, "chosen" | "prices"> {
  rows: number;
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

export function limitsOf(context: RunContext): Limits {
  const { campaign, coupons } = context.loaded;
  return {
    budgetMinor: campaign.budget.totalMinor,
    perUser: campaign.caps.perUser,
    coupons: coupons.map(({ id, stock, budgetMinor, exclusiveGroup }) => {
      // Both the catalogue and the campaign may limit a coupon: the smaller budget counts.
      const own = [budgetMinor, campaign.budget.perCouponMinor[id]].filter((budget) => budget !== undefined);
      return { stock, exclusiveGroup, budgetMinor: own.length > 0 ? Math.min(...own) : undefined };
    }),
  };
}

export function allocateStage(
  context: RunContext,
  ingested: IngestStage,
  candidates: CandidatesStage,
): Promise<AllocateStage> {
  const { campaign } = context.loaded;
  const limits = limitsOf(context);
  const settings = { limits, frontierPoints: campaign.output.frontierPoints };
  return context.stages.run("allocate", { candidates: candidates.key }, settings, async (dir) => {
    const { numUsers } = ingested.result;
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
    const frontier = await frontierOf(
      context.executor,
      table,
      limits,
      frontierBudgets(campaign.budget.totalMinor, campaign.output.frontierPoints),
      prices,
    );
    return { rows: numUsers, ...allocation, frontier };
  });
}

/** Evenly spaced shares of the budget up to twice of it. The budget itself is left to the run's own solution. */
function frontierBudgets(totalMinor: number, points: number): number[] {
  const budgets = Array.from({ length: points }, (_, i) => Math.round((totalMinor * 2 * (i + 1)) / points));
  return [...new Set(budgets)].filter((budget) => budget !== totalMinor && budget > 0);
}
