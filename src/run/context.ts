import type { LoadedCampaign } from "../campaign/load-campaign.js";
import { DuckDb } from "../duckdb/duckdb.js";
import type { Executor, RunOptions } from "../executor/executor.js";
import type { StageRunner } from "./stage-runner.js";

/** What every stage of a run gets. */
export interface RunContext {
  loaded: LoadedCampaign;
  stages: StageRunner;
  executor: Executor;
  options: RunOptions & { threads: number };
  /** XXH3 of each input file by its role and path as the campaign names it. */
  inputs: InputFile[];
}

export interface InputFile {
  role: string;
  /** As the campaign names it, relative to the campaign file. */
  path: string;
  bytes: number;
  /** 16 hexadecimal digits; for a Postgres query of the query's text. */
  xxh3: string;
}

/** Digests of the inputs of some roles, as a stage's `reads`. */
export function inputDigests(context: RunContext, roles: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    context.inputs.filter(({ role }) => roles.includes(role)).map(({ role, path, xxh3 }) => [`${role}:${path}`, xxh3]),
  );
}

/** A database that reads the given files and writes into `dir`. One thread where the order of sums would show. */
export function openStageDb(
  context: RunContext,
  dir: string,
  readable: string[],
  threads = context.options.threads,
): Promise<DuckDb> {
  return DuckDb.open({
    path: ":memory:",
    tempDir: dir,
    memoryLimitMb: context.loaded.campaign.ingest.memoryLimitMb,
    threads,
    readable,
    preserveInsertionOrder: true,
    signal: context.options.signal,
  });
}
