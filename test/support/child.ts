import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** The built library, for scripts that run in a process of their own. */
export const dist = fileURLToPath(new URL("../../dist/", import.meta.url));

/** Starts a Node script of the tests; `ended` never rejects. */
export function startScript(
  script: URL,
  args: readonly string[],
  options: { nodeArgs?: string[]; cwd?: string; env?: Record<string, string> } = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), fileURLToPath(script), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout!.setEncoding("utf8").on("data", (text) => {
      stdout += text;
    });
    child.stderr!.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

/** Runs a Node script of the tests to its end. */
export function runScript(
  script: URL,
  args: readonly string[],
  options: { nodeArgs?: string[]; cwd?: string } = {},
): Promise<Ended> {
  return startScript(script, args, options).ended;
}
