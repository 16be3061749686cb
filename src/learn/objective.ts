import { type Executor, type RowRange, shared } from "../executor/executor.js";
import { type GlmData, glmArgs } from "./sparse-rows.js";

/** The smooth part of what a fit minimises at some coefficients: sum of losses + l2 / 2 |beta|² without intercepts. */
export interface Point {
  /** float64 [dims], in shared memory */
  beta: Float64Array;
  loss: number;
  smooth: number;
  /** of `smooth` */
  gradient: Float64Array;
  /** float64 [dims²] of `smooth`, in shared memory; empty when it was not asked for */
  hessian: Float64Array;
}

/** What the solvers minimise: a smooth part + l1 |beta|_1. */
export interface SmoothObjective {
  readonly executor: Executor;
  readonly dims: number;
  readonly l1: number;
  /** The Hessian, or a positive definite stand-in, only where asked for. */
  at(beta: Float64Array, withHessian: boolean): Promise<Point>;
  l1Penalty(beta: Float64Array): number;
}

/** Sums losses over fixed row ranges, in their order: threads change nothing. */
export class Objective implements SmoothObjective {
  constructor(
    readonly executor: Executor,
    readonly data: GlmData,
    readonly ranges: readonly RowRange[],
    readonly l1: number,
    readonly l2: number,
  ) {}

  get dims(): number {
    return this.data.cols + 1;
  }

  async at(beta: Float64Array, withHessian: boolean): Promise<Point> {
    const { dims, l2 } = this;
    const size = withHessian ? dims * dims : 0;
    const results = await this.executor.map(
      this.ranges.map(({ begin, end }) => ({
        kernel: "glmPartial",
        args: {
          ...glmArgs(this.data),
          beta,
          begin,
          end,
          outGradient: { $return: "F64", length: dims },
          ...(withHessian ? { outHessian: { $return: "F64" as const, length: size } } : {}),
        },
      })),
    );
    const gradient = shared.f64(dims);
    const hessian = shared.f64(size);
    let loss = 0;
    for (const { value, outputs } of results) {
      loss += value as number;
      addTo(gradient, outputs.outGradient as Float64Array);
      if (withHessian) addTo(hessian, outputs.outHessian as Float64Array);
    }
    let penalty = 0;
    for (let d = 0; d + 1 < dims; d++) {
      penalty += (l2 / 2) * beta[d]! * beta[d]!;
      gradient[d]! += l2 * beta[d]!;
      if (withHessian) hessian[d * dims + d]! += l2;
    }
    return { beta, loss, smooth: loss + penalty, gradient, hessian };
  }

  /** l1 |beta|_1 without the intercept. */
  l1Penalty(beta: Float64Array): number {
    let sum = 0;
    if (this.l1 > 0) for (let d = 0; d + 1 < beta.length; d++) sum += Math.abs(beta[d]!);
    return this.l1 * sum;
  }
}

export function addTo(to: Float64Array, from: Float64Array): void {
  for (let i = 0; i < to.length; i++) to[i]! += from[i]!;
}
