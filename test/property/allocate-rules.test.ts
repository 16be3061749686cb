import { describe, expect, it } from "vitest";
import { allocate } from "../../src/allocate/allocate.js";
import { identityComponents } from "../../src/allocate/identity.js";
import type { Limits } from "../../src/allocate/limits.js";
import type { Candidates } from "../../src/allocate/table-of.js";
import { CouponcastError } from "../../src/errors.js";
import { Random } from "../../src/util/random.js";
import { expectSameBytes } from "../support/same-bytes.js";

interface Instance {
  candidates: Candidates;
  limits: Limits;
}

/** Everything at once: budgets of any scope and cost, floors, nested caps, segments, identities, stock. */
function randomInstance(random: Random, numUsers: number): Instance {
  const numCoupons = 2 + random.int(4);
  const width = 1 + random.int(numCoupons);
  const places = numUsers * width;
  const candidates = {
    width,
    counts: new Int32Array(numUsers),
    coupons: new Int32Array(places).fill(-1),
    valueMinor: new Float64Array(places),
    costMinor: new Float64Array(places),
    faceMinor: new Float64Array(places),
  };
  for (let user = 0; user < numUsers; user++) {
    const first = random.int(numCoupons - width + 1);
    const count = random.int(5) === 0 ? random.int(width + 1) : width;
    candidates.counts[user] = count;
    for (let j = 0; j < count; j++) {
      const at = user * width + j;
      candidates.coupons[at] = first + j;
      candidates.valueMinor[at] = random.int(2) === 0 ? random.int(12) : random.next() * 12;
      candidates.costMinor[at] = random.int(6) === 0 ? 0 : random.next() * 8;
      candidates.faceMinor[at] = candidates.costMinor[at]! + random.int(10);
    }
  }
  const numSegments = 1 + random.int(3);
  const subset = (count: number) => Array.from({ length: count }, (_, i) => i).filter(() => random.int(2) === 0);
  const scope = () => ({
    ...(random.int(2) === 0 ? { coupons: subset(numCoupons) } : {}),
    ...(random.int(2) === 0 ? { segments: subset(numSegments) } : {}),
  });
  const many = <T>(most: number, make: () => T) => Array.from({ length: random.int(most + 1) }, make);
  // Prefixes of one order are nested.
  const caps = many(2, () => ({
    coupons: Array.from({ length: 1 + random.int(numCoupons) }, (_, j) => j),
    perUser: random.int(6) === 0 ? 0 : 1 + random.int(2),
  }));
  return {
    candidates,
    limits: {
      budgetMinor: random.int(5) === 0 ? undefined : numUsers * random.int(5),
      perUser: 1 + random.int(3),
      coupons: Array.from({ length: numCoupons }, () => ({
        stock: random.int(3) === 0 ? random.int(numUsers + 1) : undefined,
        budgetMinor: random.int(4) === 0 ? random.int(numUsers * 3) : undefined,
      })),
      budgets: many(3, () => ({
        limitMinor: random.int(numUsers * 4 + 1),
        cost: random.int(2) === 0 ? ("face" as const) : ("expected" as const),
        ...scope(),
      })),
      floors: many(2, () =>
        random.int(2) === 0
          ? { leastPieces: random.int(Math.floor(numUsers / 4) + 1), ...scope() }
          : { leastSpendMinor: random.int(Math.floor(numUsers / 2) + 1), ...scope() },
      ),
      caps,
      segments: Int32Array.from({ length: numUsers }, () => random.int(numSegments + 1) - 1),
      ...(random.int(2) === 0
        ? { identity: Int32Array.from({ length: numUsers }, () => random.int(Math.ceil(numUsers * 0.7))) }
        : {}),
    },
  };
}

/** What is broken, in words, by plain counting. */
function broken({ candidates, limits }: Instance, chosen: Uint8Array): string[] {
  const { width, counts, coupons } = candidates;
  const cost = (at: number) => Math.ceil(candidates.costMinor[at]! * 1000 - 1e-6);
  const face = (at: number) => Math.ceil(candidates.faceMinor![at]! * 1000 - 1e-6);
  const problems: string[] = [];
  const held: number[] = [];
  const units = new Map<string, number[]>();
  for (let at = 0; at < chosen.length; at++) {
    if (chosen[at] !== 1) continue;
    const user = Math.floor(at / width);
    if (at % width >= counts[user]!) problems.push(`no candidate at ${at}`);
    held.push(at);
    const unit = limits.identity === undefined ? `u${user}` : `i${limits.identity[user]}`;
    units.set(unit, [...(units.get(unit) ?? []), coupons[at]!]);
  }
  for (const [unit, mine] of units) {
    if (mine.length > (limits.perUser ?? 1)) problems.push(`${unit} holds ${mine.length}`);
    if (new Set(mine).size < mine.length) problems.push(`${unit} holds a coupon twice`);
    for (const cap of limits.caps ?? [])
      if (mine.filter((j) => cap.coupons.includes(j)).length > cap.perUser) problems.push(`${unit} breaks a cap`);
  }
  const within = (scope: { coupons?: readonly number[]; segments?: readonly number[] }) =>
    held.filter(
      (at) =>
        (scope.coupons?.includes(coupons[at]!) ?? true) &&
        (scope.segments?.includes(limits.segments![Math.floor(at / width)]!) ?? true),
    );
  const sum = (places: number[], of: (at: number) => number) => places.reduce((total, at) => total + of(at), 0);
  const atMost = (what: string, used: number, limit: number | undefined) => {
    if (limit !== undefined && used > limit) problems.push(`${what}: ${used} of ${limit}`);
  };
  const milli = (minor: number | undefined) => (minor === undefined ? undefined : Math.round(minor * 1000));
  atMost("budget", sum(held, cost), milli(limits.budgetMinor));
  for (const [j, { stock, budgetMinor }] of limits.coupons.entries()) {
    atMost(`stock ${j}`, within({ coupons: [j] }).length, stock);
    atMost(`budget ${j}`, sum(within({ coupons: [j] }), cost), milli(budgetMinor));
  }
  for (const budget of limits.budgets ?? [])
    atMost("budgets", sum(within(budget as never), budget.cost === "face" ? face : cost), milli(budget.limitMinor));
  for (const floor of limits.floors ?? []) {
    const places = within(floor as never);
    const least = floor.leastPieces ?? milli(floor.leastSpendMinor)!;
    const used = floor.leastPieces === undefined ? sum(places, cost) : places.length;
    if (used < least) problems.push(`floor: ${used} of ${least}`);
  }
  return problems;
}

const FLOOR_RUNS = 300;
const RUNS = Number(process.env.COUPONCAST_ALLOCATION_RUNS ?? 200);
const SEED = Number(process.env.COUPONCAST_ALLOCATION_SEED ?? 7);

describe("constraints of every kind", () => {
  it(
    "none is broken on random instances, and what cannot be kept is named",
    async () => {
      const random = new Random(SEED);
      let refused = 0;
      for (let run = 0; run < RUNS; run++) {
        const instance = randomInstance(random, 4 + random.int(30));
        try {
          const result = await allocate(instance.candidates, instance.limits, { threads: 1 });
          expect(broken(instance, result.chosen), `run ${run}`).toEqual([]);
          expect(result.upperBoundMinor).toBeGreaterThanOrEqual(result.valueMinor);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(CouponcastError);
          expect(thrown).toMatchObject({
            code: "ERR_COUPONCAST_INFEASIBLE",
            message: expect.stringMatching(/floors\[/),
          });
          refused++;
        }
      }
      expect(refused).toBeLessThan(RUNS * 0.5);
    },
    Math.max(60_000, RUNS * 60),
  );

  it("refuses only what no assignment keeps, on instances small enough to try all", async () => {
    const random = new Random(11);
    const count = { accepted: 0, refused: 0 };
    while (count.accepted + count.refused < FLOOR_RUNS) {
      const instance = randomInstance(random, 2 + random.int(4));
      const { candidates, limits } = instance;
      const { width, counts } = candidates;
      const places = Array.from(counts).flatMap((size, user) =>
        Array.from({ length: size }, (_, j) => user * width + j),
      );
      // Tight floors of every kind.
      limits.floors = Array.from({ length: 1 + random.int(2) }, (_, f) => ({
        segments: [f % 2],
        ...(random.int(2) === 0 ? { leastPieces: 1 + random.int(2) } : { leastSpendMinor: random.int(6) }),
      }));
      if (places.length === 0 || places.length > 10) continue;
      const chosen = new Uint8Array(counts.length * width);
      const feasible = Array.from({ length: 2 ** places.length }, (_, set) => set).some((set) => {
        for (const [p, at] of places.entries()) chosen[at] = (set >> p) & 1;
        return broken(instance, chosen).length === 0;
      });
      const accepted = await allocate(candidates, limits, { threads: 1 }).then(
        (result) => {
          expect(broken(instance, result.chosen)).toEqual([]);
          return true;
        },
        (error: unknown) => {
          expect(error).toMatchObject({ code: "ERR_COUPONCAST_INFEASIBLE" });
          return false;
        },
      );
      expect(accepted, JSON.stringify({ run: count, limits })).toBe(feasible);
      count[accepted ? "accepted" : "refused"]++;
    }
    expect(Math.min(count.accepted, count.refused)).toBeGreaterThan(FLOOR_RUNS / 10);
  }, 600_000);

  it("holds for many users, the same for 1 and 2 threads", async () => {
    const random = new Random(3);
    for (let run = 0; run < 3; run++) {
      const instance = randomInstance(random, 9000);
      instance.limits = { ...instance.limits, floors: [{ leastPieces: 50, segments: [0] }], perUser: 2 };
      const results = [];
      for (const threads of [1, 2])
        results.push(
          await allocate(instance.candidates, instance.limits, { threads }).catch((error: unknown) => error as never),
        );
      if (!(results[0] instanceof CouponcastError)) {
        expect(broken(instance, results[0]!.chosen)).toEqual([]);
        expectSameBytes(results[1], results[0]);
      }
    }
  });

  it("a floor that is out of reach is named, with what is missing", async () => {
    const candidates = {
      width: 1,
      counts: Int32Array.of(1, 1, 1),
      coupons: Int32Array.of(0, 0, 0),
      valueMinor: Float64Array.of(1, 1, 1),
      costMinor: Float64Array.of(2, 2, 2),
    };
    const limits = {
      budgetMinor: 4,
      coupons: [{}],
      segments: Int32Array.of(0, 0, 0),
      floors: [{ name: "the young", leastPieces: 3, segments: [0] }],
    };
    await expect(allocate(candidates, limits)).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INFEASIBLE",
      message:
        "the young: expected at least 3 pieces, but only 2 pieces could be handed out within the limits, 1 pieces too few",
      hint: expect.stringMatching(/No assignment reaches all floors: together they miss at least 33\.3%/),
    });
    const reached = await allocate(candidates, { ...limits, budgetMinor: 6 });
    expect(reached.used.floors).toEqual([3]);
  });

  it("a floor is worth its price", async () => {
    // Segment 1 is worth less: only the floor gives it the coupon.
    const candidates = {
      width: 1,
      counts: Int32Array.of(1, 1),
      coupons: Int32Array.of(0, 0),
      valueMinor: Float64Array.of(5, 2),
      costMinor: Float64Array.of(1, 1),
    };
    const limits = { coupons: [{ stock: 1 }], segments: Int32Array.of(0, 1) };
    expect([...(await allocate(candidates, limits)).chosen]).toEqual([1, 0]);
    const fair = await allocate(candidates, { ...limits, floors: [{ leastPieces: 1, segments: [1] }] });
    expect([...fair.chosen]).toEqual([0, 1]);
    expect(fair.upperBoundMinor).toBeCloseTo(2, 6);
    expect(fair.multipliers.floors[0]).toBeGreaterThanOrEqual(3 - 1e-6);
  });

  it("weighs risk where asked to", async () => {
    const candidates = {
      width: 2,
      counts: Int32Array.of(2),
      coupons: Int32Array.of(0, 1),
      valueMinor: Float64Array.of(10, 8),
      costMinor: Float64Array.of(0, 0),
      sigmaMinor: Float64Array.of(5, 1),
    };
    expect([...(await allocate(candidates, { coupons: [{}, {}] })).chosen]).toEqual([1, 0]);
    const averse = await allocate(candidates, { coupons: [{}, {}], riskAversion: 1 });
    expect([...averse.chosen]).toEqual([0, 1]);
    expect(averse.valueMinor).toBe(7);
    const none = await allocate(candidates, { coupons: [{}, {}], riskAversion: 9 });
    expect([...none.chosen]).toEqual([0, 0]);
  });

  it("refuses what makes no sense, naming it", async () => {
    const candidates = {
      width: 1,
      counts: Int32Array.of(1),
      coupons: Int32Array.of(0),
      valueMinor: Float64Array.of(5),
      costMinor: Float64Array.of(1),
    };
    const coupons = [{}, {}, {}];
    const wrong: [Partial<Limits>, RegExp][] = [
      [{ budgets: [{ limitMinor: -1 }] }, /limitMinor of budgets\[0\]/],
      [{ budgets: [{ limitMinor: 1, cost: "real" as never }] }, /expected or face/],
      [{ budgets: [{ limitMinor: 1, cost: "face" }] }, /face value of each candidate/],
      [{ budgets: [{ limitMinor: 1, coupons: [3] }] }, /coupon of budgets\[0\]/],
      [{ budgets: [{ limitMinor: 1, segments: [0] }] }, /limits.segments/],
      [{ floors: [{}] }, /one of leastPieces/],
      [{ floors: [{ leastPieces: 1, leastSpendMinor: 1 }] }, /one of leastPieces/],
      [{ floors: [{ leastShare: 0.5 }] }, /budgetMinor: give one/],
      [
        {
          caps: [
            { coupons: [0, 1], perUser: 1 },
            { coupons: [1, 2], perUser: 1 },
          ],
        },
        /caps\[1\] and caps\[0\] overlap/,
      ],
      [{ caps: [{ coupons: [0], perUser: -1 }] }, /perUser of caps\[0\]/],
      [{ identity: Int32Array.of(1, 2) }, /limits.identity/],
      [{ riskAversion: 1 }, /sigmaMinor/],
      [{ riskAversion: -1 }, /riskAversion/],
    ];
    for (const [limits, message] of wrong)
      await expect(allocate(candidates, { coupons, ...limits }), String(message)).rejects.toMatchObject({
        code: "ERR_COUPONCAST_INVALID_ARGUMENT",
        message: expect.stringMatching(message),
      });
  });
});

describe("identityComponents", () => {
  it("joins users over chains of shared keys", async () => {
    const users = Int32Array.of(3, 1, 1, 0, 4, 5);
    const keys = Int32Array.of(7, 7, 2, 2, 9, 9);
    expect([...(await identityComponents(6, users, keys))]).toEqual([0, 0, 2, 0, 4, 4]);
    await expect(identityComponents(1, Int32Array.of(1), Int32Array.of(0))).rejects.toThrow(/users within/);
    await expect(identityComponents(1, Int32Array.of(0), Int32Array.of(-1))).rejects.toThrow(/keys >= 0/);
    await expect(identityComponents(1, Int32Array.of(0), Int32Array.of())).rejects.toThrow(/equal length/);
  });
});
