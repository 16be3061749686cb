import { capTree } from "../allocate/cap-tree.js";
import type { Limits } from "../allocate/limits.js";
import { type Constraint, constraintsOf, MILLI } from "../allocate/problem.js";
import type { Truth } from "./truth.js";

interface Meter extends Pick<Constraint, "measure" | "limit"> {
  isFloor: boolean;
  used: number;
}

/** Keeps account of what is handed out, as a campaign does while it runs, by the same constraints as an allocation. */
export class Till {
  readonly #truth: Truth;
  readonly #reasons: Uint8Array;
  readonly #perUser: number;
  readonly #identity: Int32Array | undefined;
  readonly #segments: Int32Array | undefined;
  readonly #meters: Meter[];
  /** Meters of a coupon handed to a user of a segment: by [segment + 1][coupon]. */
  readonly #byCell: Meter[][][];
  /** Groups of caps that each coupon is in. */
  readonly #groups: number[][];
  readonly #cap: Int32Array;
  readonly #held = new Map<number, number[]>();

  /** @param reasons uint8 [users * coupons] 0: the user may have the coupon */
  constructor(truth: Truth, reasons: Uint8Array, limits: Limits) {
    this.#truth = truth;
    this.#reasons = reasons;
    this.#perUser = limits.perUser ?? 1;
    this.#identity = limits.identity;
    this.#segments = limits.segments;
    const constraints = constraintsOf(limits, truth.numUsers);
    this.#meters = constraints.map(({ measure, limit, kind }) => ({
      measure,
      limit,
      isFloor: kind === "floors",
      used: 0,
    }));
    let numClasses = 1;
    for (const segment of limits.segments ?? []) numClasses = Math.max(numClasses, segment + 2);
    this.#byCell = Array.from({ length: numClasses }, (_, c) =>
      limits.coupons.map((_, coupon) =>
        this.#meters.filter((_, r) => {
          const { coupons, segments } = constraints[r]!;
          return (coupons?.includes(coupon) ?? true) && (segments?.includes(c - 1) ?? true);
        }),
      ),
    );
    const { group, parent, cap } = capTree(limits);
    this.#cap = cap;
    this.#groups = Array.from(group, (innermost) => {
      const within: number[] = [];
      for (let g = innermost; g >= 0; g = parent[g]!) within.push(g);
      return within;
    });
  }

  /** Floors that have not been reached. */
  get floorsMissed(): number {
    return this.#meters.filter(({ isFloor, used, limit }) => isFloor && used < limit).length;
  }

  /** Whether the coupon would count towards a floor that has not been reached. */
  helpsFloor(user: number, coupon: number): boolean {
    return this.#metersOf(user, coupon).some(({ isFloor, used, limit }) => isFloor && used < limit);
  }

  /** Whether the user may have the coupon and it fits all limits; if so, it is handed out. */
  handOut(user: number, coupon: number): boolean {
    const at = user * this.#truth.numCoupons + coupon;
    if (this.#reasons[at] !== 0) return false;
    const amounts = {
      pieces: 1,
      expected: Math.ceil(this.#truth.costMinor[at]! * MILLI),
      face: Math.ceil(this.#truth.faceMinor[at]! * MILLI),
    };
    const meters = this.#metersOf(user, coupon);
    if (meters.some(({ isFloor, measure, used, limit }) => !isFloor && used + amounts[measure] > limit)) return false;
    const holder = this.#holder(user);
    const held = this.#held.get(holder) ?? [];
    if (held.length >= this.#perUser || held.includes(coupon)) return false;
    const isFull = (g: number) => held.filter((other) => this.#groups[other]!.includes(g)).length >= this.#cap[g]!;
    if (this.#groups[coupon]!.some(isFull)) return false;
    this.#held.set(holder, [...held, coupon]);
    for (const meter of meters) meter.used += amounts[meter.measure];
    return true;
  }

  #metersOf(user: number, coupon: number): readonly Meter[] {
    return this.#byCell[Math.max(-1, this.#segments?.[user] ?? -1) + 1]![coupon]!;
  }

  /** Users of one identity hold coupons together. */
  #holder(user: number): number {
    const identity = this.#identity?.[user] ?? -1;
    return identity < 0 ? user : this.#truth.numUsers + identity;
  }
}
