/** Small generated shops, whole runs over them, and what a run leaves behind. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect } from "vitest";
import { DuckDb, quoteLiteral } from "../../src/duckdb/duckdb.js";
import type { RunManifest } from "../../src/run/manifest.js";
import { OPTIONAL_FILES, OUTPUT_FILES } from "../../src/run/workspace.js";
import { synthesize } from "../../src/synth/synthesize.js";

/** Makes a shop; returns its campaign file. */
export async function makeShop(
  dir: string,
  size: { users: number; items: number; events: number; coupons?: number },
): Promise<string> {
  const { campaignFile } = await synthesize({ coupons: 10, seed: 7, threads: 1, outDir: dir, ...size });
  return campaignFile;
}

export const RUN_SCRIPT = new URL("../run/scripts/run-campaign.mjs", import.meta.url);

export const workFolder = (out: string): string => join(dirname(out), `.${basename(out)}.couponcast`);

/** Bytes of all outputs; run.json without its timings, which are the only part that may differ. */
export function outputsOf(out: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  for (const name of OUTPUT_FILES) {
    // Runs with another model's predictions have no model of their own, nor have segments without centres.
    if (OPTIONAL_FILES.includes(name) && !existsSync(join(out, name))) continue;
    const bytes = readFileSync(join(out, name));
    outputs[name] =
      name === "run.json" ? JSON.stringify(withoutTimings(JSON.parse(bytes.toString()))) : bytes.toString("base64");
  }
  return outputs;
}

function withoutTimings({ timings, ...rest }: RunManifest): Omit<RunManifest, "timings"> {
  expect(timings.totalSeconds).toBeGreaterThan(0);
  return rest;
}

/** Compares outputs file by file: a difference of megabytes is reported by the file's name. */
export function expectSameOutputs(
  actual: Record<string, string>,
  expected: Record<string, string>,
  names: readonly string[] = OUTPUT_FILES,
): void {
  for (const name of names) {
    if (name === "run.json") expect(JSON.parse(actual[name]!)).toEqual(JSON.parse(expected[name]!));
    expect(actual[name] === expected[name], `${name} has other bytes`).toBe(true);
  }
}

/** DIR is absent, or holds all of one of these runs. */
export function expectWholeOrAbsent(out: string, runs: readonly Record<string, string>[]): void {
  if (!existsSync(out)) return;
  expect(readdirSync(out).sort()).toEqual([...OUTPUT_FILES].sort());
  const found = outputsOf(out);
  const isOne = runs.some((run) => OUTPUT_FILES.every((name) => found[name] === run[name]));
  expect(isOne, "the folder holds a mixture").toBe(true);
}

/** What interrupted work may leave for the next run to clear, and a finished run may not. */
export function temporaries(out: string): string[] {
  return readdirSync(workFolder(out)).filter((name) => name.startsWith("tmp-") || name === "replaced");
}

/** Rows of a query over a Parquet file. */
export async function rowsOf(file: string, sql: (table: string) => string) {
  const tempDir = dirname(dirname(file));
  const db = await DuckDb.open({ path: ":memory:", tempDir, memoryLimitMb: 256, threads: 1, readable: [file] });
  try {
    return await db.rows(sql(`read_parquet(${quoteLiteral(file)})`));
  } finally {
    db.close();
  }
}

/** Ids of a generated shop's coupons. */
export function couponIds(campaignFile: string): string[] {
  const text = readFileSync(join(dirname(campaignFile), "coupons.json"), "utf8");
  return (JSON.parse(text) as { id: string }[]).map(({ id }) => id);
}
