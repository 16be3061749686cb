import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { startScript } from "../support/child.js";

export const MAIN = new URL("../../dist/cli/main.js", import.meta.url);

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliProcess {
  process: ChildProcess;
  ended: Promise<CliResult>;
}

/** Starts the command line as a user's shell does: a process of its own, both streams piped. */
export function startCli(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): CliProcess {
  const { child, ended } = startScript(MAIN, args, options);
  return { process: child, ended: ended.then(({ code, stdout, stderr }) => ({ code, stdout, stderr })) };
}

export function cli(
  args: readonly string[],
  options?: { cwd?: string; env?: Record<string, string> },
): Promise<CliResult> {
  return startCli(args, options).ended;
}

/** As `cli`, of a command that must succeed with --json: its document. */
// biome-ignore lint/suspicious/noExplicitAny: each command has its own document
export async function cliJson(args: readonly string[], options?: { cwd?: string }): Promise<any> {
  const { code, stdout, stderr } = await cli([...args, "--json"], options);
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

/** A folder for the tests of one file, removed after them. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "couponcast-cli-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
