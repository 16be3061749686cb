/** The peers: a Python process answers one task a line. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("./peers/peers.py", import.meta.url));

/**
 * Asks one peer for one work. Resolves to { seconds: [...], scores } or { missing: why }.
 * The scores come back through a file beside the matrix, as little-endian float32.
 */
export function askPeer(python, request) {
  return new Promise((resolve) => {
    const env = { ...process.env, OMP_NUM_THREADS: String(request.threads), OPENBLAS_NUM_THREADS: "1" };
    const child = spawn(python, [SCRIPT, JSON.stringify(request)], { env, stdio: ["ignore", "pipe", "pipe"] });
    let answer;
    let stderr = "";
    createInterface({ input: child.stdout }).on("line", (line) => {
      answer = JSON.parse(line);
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    child.on("error", (error) => resolve({ missing: error.message }));
    child.on("close", (code) => {
      if (code === 0 && answer !== undefined) resolve(answer);
      else resolve({ missing: stderr.trim().split("\n").at(-1) || `exit code ${code}` });
    });
  });
}

export const PEERS = ["scipy", "scikit-learn", "sparse_dot_topn", "implicit", "similaripy"];
