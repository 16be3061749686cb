import type { Executor } from "../executor/executor.js";
import { ROWS_PER_YIELD, yieldToEventLoop } from "../util/yield.js";

/** The two steps of K-means over some kind of points. The state is that after the last step. */
export interface KmeansEngine {
  readonly labels: Int32Array;
  readonly centroids: Float32Array;
  readonly sizes: number[];
  /** Labels of every point by the nearest centroid; returns the inertia. */
  assign(): Promise<number>;
  /** Centroids from the labels; returns the summed squared move. */
  update(): Promise<number>;
  /** Undoes the last update and assignment. */
  revert(): void;
  labelsBefore(): Int32Array;
}

export interface LloydResult {
  inertia: number;
  /** Inertia of each iteration's assignment; never rises. */
  history: number[];
  /** Updates of the centroids; scikit-learn counts one more where labels stay. */
  iterations: number;
  converged: boolean;
}

/** Lloyd's iterations from the centroids that the engine has. `threshold`: of the summed squared move. */
export async function lloyd(
  executor: Executor,
  engine: KmeansEngine,
  maxIterations: number,
  threshold: number,
): Promise<LloydResult> {
  let inertia = await engine.assign();
  const history = [inertia];
  let iterations = 0;
  let converged = false;
  while (iterations < maxIterations && !converged) {
    iterations++;
    const shift = await engine.update();
    const next = await engine.assign();
    if (next > inertia) {
      // Only rounding of the float32 centroids can do this: there is nothing left to gain.
      engine.revert();
      return { inertia, history, iterations, converged: true };
    }
    inertia = next;
    history.push(inertia);
    executor.progress("k-means", iterations, maxIterations);
    converged = shift <= threshold || (await equalLabels(engine.labelsBefore(), engine.labels));
  }
  return { inertia, history, iterations, converged };
}

async function equalLabels(a: Int32Array, b: Int32Array): Promise<boolean> {
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
    if (i % ROWS_PER_YIELD === ROWS_PER_YIELD - 1) await yieldToEventLoop();
  }
  return true;
}
