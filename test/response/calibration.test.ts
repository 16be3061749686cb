import { describe, expect, it } from "vitest";
import type { CouponLog } from "../../src/learn/principal-strata.js";
import { plattScaling, type Scaling, scaledBeta } from "../../src/response/calibration.js";
import { chancesOf, rowSlopes } from "../../src/response/likelihood.js";
import { Random } from "../../src/util/random.js";
import { sigmoid } from "../../src/util/sigmoid.js";

/** A log drawn from true logits; the model's are these, bent by `slopes` and `shifts`. */
function drawn(rows: number, parts: 1 | 3, seed: number) {
  const random = new Random(seed);
  const centres = parts === 1 ? [-2] : [-1, 0.5, -2];
  const truth = centres.map((centre) => Float64Array.from({ length: rows }, () => centre + 1.2 * random.normal()));
  const log: CouponLog = {
    treated: new Uint8Array(rows),
    redeemed: new Uint8Array(rows),
    converted: new Uint8Array(rows),
  };
  for (let i = 0; i < rows; i++) {
    const [a, u, s] = truth.map((z) => sigmoid(z[i]!));
    log.treated[i] = parts === 1 || random.next() < 0.7 ? 1 : 0;
    if (parts === 1) log.redeemed[i] = random.next() < a! ? 1 : 0;
    else {
      const anyway = random.next() < a!;
      const uses = random.next() < (anyway ? u! : s!);
      log.redeemed[i] = log.treated[i] === 1 && uses ? 1 : 0;
      log.converted[i] = anyway || log.redeemed[i] === 1 ? 1 : 0;
    }
  }
  return { truth, log };
}

function logLikelihood(scores: readonly Float64Array[], log: CouponLog, { slopes, shifts }: Scaling): number {
  let sum = 0;
  for (let i = 0; i < log.treated.length; i++) {
    const [a, u, s] = scores.map((z, m) => sigmoid(slopes[m]! * z[i]! + shifts[m]!));
    let p = log.converted[i] === 1 ? a! : 1 - a!;
    if (scores.length === 1) p = log.redeemed[i] === 1 ? a! : 1 - a!;
    else if (log.treated[i] === 1)
      p =
        log.redeemed[i] === 1 ? a! * u! + (1 - a!) * s! : log.converted[i] === 1 ? a! * (1 - u!) : (1 - a!) * (1 - s!);
    sum += Math.log(p);
  }
  for (const [m, slope] of slopes.entries()) sum -= ((slope - 1) ** 2 + shifts[m]! ** 2) / 2;
  return sum;
}

describe.each([1, 3] as const)("Platt's scaling of %i logits", (parts) => {
  const { truth, log } = drawn(20_000, parts, 7);

  it("finds what the logits were bent by", async () => {
    const bent = truth.map((z) => z.map((v) => (v + 0.4) / 0.7));
    const { slopes, shifts } = await plattScaling(bent, log);
    for (const slope of slopes) expect(slope).toBeGreaterThan(0.55);
    for (const slope of slopes) expect(slope).toBeLessThan(0.85);
    for (const shift of shifts) expect(Math.abs(shift + 0.4)).toBeLessThan(0.25);
  });

  it("is a maximum of the likelihood", async () => {
    const scaling = await plattScaling(truth, log);
    const best = logLikelihood(truth, log, scaling);
    for (let m = 0; m < parts; m++) {
      for (const name of ["slopes", "shifts"] as const) {
        for (const by of [-0.05, 0.05]) {
          const other = { slopes: [...scaling.slopes], shifts: [...scaling.shifts] };
          other[name][m]! += by;
          expect(logLikelihood(truth, log, other)).toBeLessThan(best);
        }
      }
    }
  });

  it("has the slopes of the likelihood by each logit", () => {
    const slopes = new Float64Array(parts);
    for (let i = 0; i < 200; i++) {
      const z = Float64Array.from(truth, (scores) => scores[i]!);
      rowSlopes(z, log, i, slopes);
      const found = [...slopes];
      for (let m = 0; m < parts; m++) {
        const [up, down] = [1e-5, -1e-5].map((by) =>
          rowSlopes(
            z.map((v, k) => (k === m ? v + by : v)),
            log,
            i,
            slopes,
          ),
        );
        expect(found[m]).toBeCloseTo((up! - down!) / 2e-5, 5);
      }
    }
  });
});

it("Platt's scaling folds into the coefficients", () => {
  expect([...scaledBeta(Float64Array.of(1, -2, 3), 0.5, 0.25)]).toEqual([0.5, -1, 1.75]);
});

it("chances add up to redemptions", async () => {
  const scores = [
    [-1, 3],
    [0.5, -2],
    [-2, 1],
  ];
  const { redeem, extra } = await chancesOf(scores.map((z) => Float64Array.from(z)));
  for (const i of [0, 1]) {
    const [a, u, s] = scores.map((z) => sigmoid(z[i]!));
    expect(redeem[i]).toBeCloseTo(a! * u! + (1 - a!) * s!, 12);
    expect(extra![i]).toBeCloseTo((1 - a!) * s!, 12);
  }
  expect(await chancesOf([Float64Array.of(0)])).toEqual({ redeem: Float64Array.of(0.5), extra: undefined });
});
