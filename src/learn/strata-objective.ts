import { type Executor, type RowRange, shared } from "../executor/executor.js";
import { type DesignRows, designArgs } from "./design-rows.js";
import { addTo, type Point, type SmoothObjective } from "./objective.js";

/** What a log says of a row: native/include/couponcast/strata.h. */
export const OUTCOME = { controlIdle: 0, controlBought: 1, idle: 2, bought: 3, redeemed: 4 } as const;

/**
 * Negative log-likelihood of the outcomes + l2 / 2 |beta|² without the intercepts, over fixed row ranges in their order. Its
 * Hessian is the expected one. Coefficients: [logits * (cols + 1)], each with the intercept last.
 */
export class StrataObjective implements SmoothObjective {
  readonly l1 = 0;

  constructor(
    readonly executor: Executor,
    readonly x: DesignRows,
    readonly outcomes: Uint8Array,
    readonly logits: 1 | 3,
    readonly ranges: readonly RowRange[],
    readonly l2: number,
  ) {}

  get dims(): number {
    return this.logits * (this.x.cols + 1);
  }

  l1Penalty(): number {
    return 0;
  }

  async at(beta: Float64Array, withHessian: boolean): Promise<Point> {
    const { dims, l2, logits } = this;
    const each = this.x.cols + 1;
    const size = withHessian ? (((logits * (logits + 1)) / 2) * (each * (each + 1))) / 2 : 0;
    const results = await this.executor.map(
      this.ranges.map(({ begin, end }) => ({
        kernel: "strataPartial",
        args: {
          ...designArgs(this.x),
          outcomes: this.outcomes,
          beta,
          begin,
          end,
          outGradient: { $return: "F64", length: dims },
          ...(withHessian ? { outInformation: { $return: "F64" as const, length: size } } : {}),
        },
      })),
    );
    const gradient = shared.f64(dims);
    const information = new Float64Array(size);
    let loss = 0;
    for (const { value, outputs } of results) {
      loss += value as number;
      addTo(gradient, outputs.outGradient as Float64Array);
      if (withHessian) addTo(information, outputs.outInformation as Float64Array);
    }
    const hessian = shared.f64(withHessian ? dims * dims : 0);
    if (withHessian) this.#unpack(information, hessian);
    let penalty = 0;
    for (let d = 0; d < dims; d++) {
      if (d % each === each - 1) continue;
      penalty += (l2 / 2) * beta[d]! * beta[d]!;
      gradient[d]! += l2 * beta[d]!;
      if (withHessian) hessian[d * dims + d]! += l2;
    }
    return { beta, loss, smooth: loss + penalty, gradient, hessian };
  }

  /** Lower triangles of each pair of logits into the whole. */
  #unpack(information: Float64Array, hessian: Float64Array): void {
    const { dims } = this;
    const each = this.x.cols + 1;
    let at = 0;
    for (let p = 0; p < this.logits; p++) {
      for (let q = 0; q <= p; q++) {
        for (let i = 0; i < each; i++) {
          for (let j = 0; j <= i; j++) {
            const value = information[at++]!;
            for (const [a, b] of [
              [p * each + i, q * each + j],
              [p * each + j, q * each + i],
            ] as const) {
              hessian[a * dims + b] = value;
              hessian[b * dims + a] = value;
            }
          }
        }
      }
    }
  }
}
