/** The work behind `allocate`: any table of candidates as an allocation problem, and the table of the assignment. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Allocation, allocateTable as allocateCandidates } from "../allocate/allocate.js";
import { type ConstraintUse, constraintUse } from "../allocate/constraint-use.js";
import { type Exploration, exploreTable, withCouponIds } from "../allocate/explore.js";
import { allocationFrontier, type Frontier } from "../allocate/frontier.js";
import type { Limits } from "../allocate/limits.js";
import { type Candidates, tableOf } from "../allocate/table-of.js";
import type { DuckDb } from "../duckdb/duckdb.js";
import { Executor } from "../executor/executor.js";
import type { ResolvedSource } from "../source/source.js";
import type { OutputFile } from "../table/output-file.js";
import { TableReader } from "../table/read-table.js";
import { type CandidateColumns, encode, readCandidates, userIds } from "./allocate-candidates.js";
import { readCatalogue } from "./allocate-catalogue.js";
import { type LimitOptions, limitsOf } from "./allocate-limits.js";
import { type CouponResult, couponResults, listRows, writeAssignments } from "./allocate-rows.js";
import { drawKeys, segmentNames, userIdentities, userSegments } from "./allocate-users.js";
import type { Session } from "./command.js";
import { writeDecisions, writeFrontier } from "./explored-tables.js";
import { recountWritten } from "./recount-written.js";

export interface AllocateTableOptions extends LimitOptions, CandidateColumns {
  exploreEpsilon?: number;
  exploreTemperature?: number;
  exploreReserve?: number;
  seed?: number;
  frontier?: number;
  targetRoi?: number;
  raw?: boolean;
}

/** Files of one command, each built under a temporary name. */
export interface AllocateOutputs {
  assignments: OutputFile;
  decisions: OutputFile | undefined;
  frontier: OutputFile | undefined;
}

export interface AllocateTableResult {
  numUsers: number;
  numAssignedUsers: number;
  numCandidates: number;
  /** Candidates of negative value, which no assignment gains by. */
  numNegative: number;
  allocation: Omit<Allocation, "chosen" | "prices">;
  coupons: CouponResult[];
  constraints: ConstraintUse[];
  /** Where coupons were drawn by lot: what was drawn; `allocation` is the best one around it. */
  exploration: Omit<Exploration, "chosen" | "propensities" | "decisionPropensities" | "isBest" | "best"> | null;
  frontier: Frontier | null;
}

const FRONTIER_POINTS = 16;

export async function allocateTable(
  session: Session,
  sources: { candidates: ResolvedSource; coupons: ResolvedSource | undefined },
  options: AllocateTableOptions,
  { assignments: output, decisions, frontier: frontierOutput }: AllocateOutputs,
): Promise<AllocateTableResult> {
  const executor = new Executor(session.run());
  const scratch = join(output.scratch, "input");
  await mkdir(scratch);
  session.progress.update({ stage: "reading", done: 0, total: undefined });
  const files = sources.coupons === undefined ? [sources.candidates] : [sources.candidates, sources.coupons];
  const { signal } = session;
  const reader = await TableReader.open(files, { scratch, threads: executor.threads, signal, readable: [output.path] });
  try {
    const { db } = reader;
    // The small table first: its mistakes should show before a long read.
    const catalogue = sources.coupons && (await readCatalogue(await reader.load(sources.coupons, "catalogue", true)));
    const input = await reader.load(sources.candidates, "input");
    const numNegative = await encode(input, options);
    const ids = (await db.rows("SELECT id FROM coupons ORDER BY row")).map(({ id }) => String(id));
    const segments = options.segment === undefined ? [] : await segmentNames(db);
    const candidates = await readCandidates(db, executor, options);
    const numUsers = candidates.counts.length;
    const limits: Limits = {
      ...limitsOf({ coupons: ids, segments }, catalogue, options),
      ...(options.segment === undefined ? {} : { segments: await userSegments(db, numUsers) }),
      ...(options.identity === undefined ? {} : { identity: await userIdentities(db, numUsers) }),
    };
    const table = await tableOf(executor, candidates, limits.riskAversion);
    const explore = await exploreOptions(db, numUsers, options);
    const explored = explore && (await exploreTable(executor, table, limits, explore));
    const best = explored?.best ?? (await allocateCandidates(executor, table, limits));
    const { chosen: _choice, prices: _prices, ...allocation } = best;
    const { chosen, assigned, valueMinor, spendMinor } = explored ?? best;
    const frontier = await frontierOf(session, candidates, limits, options, allocation);
    session.progress.update({ stage: "writing", done: 0, total: undefined });
    const rows = await listRows(candidates, chosen, assigned, explored?.propensities);
    await writeAssignments(session, db, ids, rows, options, output);
    await recountWritten(executor, db, output, {
      table,
      candidates,
      limits,
      raw: options.raw === true,
      drawn: explored !== undefined,
      expected: { assigned, valueMinor, spendMinor },
    });
    if (decisions !== undefined && explored !== undefined)
      await writeDecisions(session, userIds(db), candidates, explored, options, decisions);
    if (frontierOutput !== undefined && frontier !== null) await writeFrontier(session, frontier, frontierOutput);
    return {
      numUsers,
      numAssignedUsers: rows.numAssignedUsers,
      numCandidates: input.numRows,
      numNegative,
      allocation,
      coupons: couponResults(ids, limits.coupons, rows, allocation),
      constraints: constraintUse(limits, allocation),
      exploration: explored === undefined ? null : summaryOf(explored, ids),
      frontier,
    };
  } finally {
    reader.close();
  }
}

async function exploreOptions(db: DuckDb, numUsers: number, options: AllocateTableOptions) {
  const { exploreEpsilon: epsilon, exploreTemperature: temperatureMinor, exploreReserve: reserve, seed } = options;
  if (epsilon === undefined && temperatureMinor === undefined) return undefined;
  return { epsilon, temperatureMinor, reserve, seed, keys: await drawKeys(db, numUsers) };
}

function summaryOf(explored: Exploration, ids: readonly string[]): NonNullable<AllocateTableResult["exploration"]> {
  const { assigned, valueMinor, spendMinor, expected, givenUpMinor, seed } = explored;
  const limits = withCouponIds(explored.limits, ids);
  return { assigned, valueMinor, spendMinor, expected, givenUpMinor, limits, seed };
}

/** Budgets at even distances up to twice that of the command; without one up to what is spent then. */
async function frontierOf(
  session: Session,
  candidates: Candidates,
  limits: Limits,
  { frontier, targetRoi: target, budget }: AllocateTableOptions,
  { spendMinor }: Pick<Allocation, "spendMinor">,
): Promise<Frontier | null> {
  if (frontier === undefined && target === undefined) return null;
  const points = frontier ?? FRONTIER_POINTS;
  const most = Number.isFinite(budget) ? 2 * budget : Math.ceil(spendMinor);
  const budgets = Array.from({ length: points }, (_, i) => Math.round((most * (i + 1)) / points));
  return allocationFrontier(candidates, limits, budgets, { ...session.run(), target });
}
