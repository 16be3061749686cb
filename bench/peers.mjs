/** Both sides of a work, each in a process of its own. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { mustRun } from "./tools.mjs";

const SCRIPT = fileURLToPath(new URL("./peers/peers.py", import.meta.url));

export const PEERS = ["scipy", "scikit-learn", "sparse_dot_topn", "implicit", "similaripy"];

/** Resolves to { seconds: [...], peakMB, latency }; the scores are in the file `request.out`, little-endian float32. */
export async function askOurselves(request) {
  return JSON.parse((await mustRun(process.execPath, ["bench/peers/ours.mjs", JSON.stringify(request)])).stdout);
}

/**
 * Asks one peer for one work, as askOurselves. Resolves to { missing: why } where it cannot, and to { moreThan: seconds }
 * when a run has taken longer than `request.limit` seconds, which ends it.
 */
export function askPeer(python, request) {
  return new Promise((resolve) => {
    const env = { ...process.env, OMP_NUM_THREADS: String(request.threads), OPENBLAS_NUM_THREADS: "1" };
    const child = spawn(python, [SCRIPT, JSON.stringify(request)], { env, stdio: ["ignore", "pipe", "pipe"] });
    let answer;
    let stderr = "";
    let timer;
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line = JSON.parse(text);
      clearTimeout(timer);
      if (line.state === undefined) answer = line;
      if (line.state === "running") {
        timer = setTimeout(() => {
          answer = { moreThan: request.limit };
          child.kill("SIGKILL");
        }, request.limit * 1000);
      }
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    child.on("error", (error) => resolve({ missing: error.message }));
    child.on("close", (code) => {
      clearTimeout(timer);
      if (answer?.moreThan !== undefined || (code === 0 && answer !== undefined)) resolve(answer);
      else resolve({ missing: stderr.trim().split("\n").at(-1) || `exit code ${code}` });
    });
  });
}
