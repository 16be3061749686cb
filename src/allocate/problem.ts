import { invalidArgument } from "../errors.js";
import type { ArgValue } from "../executor/call.js";
import { type Executor, shared } from "../executor/executor.js";
import { integerBetween, numberBetween, shown } from "../util/arguments.js";
import { type CapTree, capTree } from "./cap-tree.js";
import { type Components, componentsOf } from "./identity.js";
import type { Floor, Limits, Scope } from "./limits.js";

/** Money inside allocation: thousandths of a minor unit, whole numbers, so that feasibility is exact. */
export const MILLI = 1000;

/** Candidates as kernels take them: fixed width, in shared memory or in a file. */
export interface CandidateTable {
  numUsers: number;
  width: number;
  /** I32 [users], I32 / I64 / I64 [users * width] (milli). */
  counts: ArgValue;
  coupons: ArgValue;
  value: ArgValue;
  cost: ArgValue;
  /** I64 [users * width] (milli); needed by budgets of face cost. */
  face?: ArgValue;
}

const MEASURES = { pieces: 0, expected: 1, face: 2 } as const;

/** A constraint with a multiplier. */
export interface Constraint {
  /** For messages. */
  name: string;
  kind: "stock" | "coupon-budget" | "budgets" | "budget" | "floors";
  /** Of the coupon, or within limits.budgets or limits.floors. */
  index: number;
  measure: keyof typeof MEASURES;
  /** milli for money, pieces for stock. */
  limit: number;
  coupons: readonly number[] | undefined;
  segments: readonly number[] | undefined;
}

/** Largest budget: in thousandths it is still a safe integer. */
const MAX_BUDGET_MINOR = 9e12;
const MAX_CELLS = 2 ** 26;

/** Thousandths. A budget is rounded down, so that it is never exceeded, but for the error of its binary form. */
function milliDown(name: string, minor: number): number {
  return Math.floor(numberBetween(name, minor, 0, MAX_BUDGET_MINOR) * MILLI + 1e-6);
}
function milliUp(name: string, minor: number): number {
  return Math.ceil(numberBetween(name, minor, 0, MAX_BUDGET_MINOR) * MILLI - 1e-6);
}

function leastOf(name: string, floor: Floor, budgetMinor: number | undefined): Pick<Constraint, "measure" | "limit"> {
  const { leastPieces, leastSpendMinor, leastShare } = floor;
  const given = [leastPieces, leastSpendMinor, leastShare].filter((least) => least !== undefined);
  if (given.length !== 1)
    throw invalidArgument(`expected one of leastPieces, leastSpendMinor and leastShare in ${name}`);
  if (leastPieces !== undefined) {
    const limit = integerBetween(`leastPieces of ${name}`, leastPieces, 0, Number.MAX_SAFE_INTEGER);
    return { measure: "pieces", limit };
  }
  if (leastSpendMinor !== undefined)
    return { measure: "expected", limit: milliUp(`leastSpendMinor of ${name}`, leastSpendMinor) };
  if (budgetMinor === undefined) throw invalidArgument(`leastShare of ${name} is a share of budgetMinor: give one`);
  const share = numberBetween(`leastShare of ${name}`, leastShare!, 0, 1);
  return { measure: "expected", limit: milliUp(name, share * budgetMinor) };
}

/** The constraints that can bind, in the order in which a repair looks at them. Errors: ERR_COUPONCAST_INVALID_ARGUMENT. */
export function constraintsOf(limits: Limits, numUsers: number): Constraint[] {
  const { coupons, budgetMinor } = limits;
  const constraints: Constraint[] = [];
  const ofCoupon = (
    j: number,
    kind: "stock" | "coupon-budget",
    measure: Constraint["measure"],
    name: string,
    limit: number,
  ) => constraints.push({ name, kind, index: j, measure, limit, coupons: [j], segments: undefined });
  for (const [j, { stock }] of coupons.entries()) {
    if (stock === undefined) continue;
    const name = `stock of coupon ${j}`;
    const limit = integerBetween(name, stock, 0, Number.MAX_SAFE_INTEGER);
    // No user holds a coupon twice, so stock for everybody never binds.
    if (limit < numUsers) ofCoupon(j, "stock", "pieces", name, limit);
  }
  for (const [j, { budgetMinor: own }] of coupons.entries()) {
    if (own === undefined) continue;
    const name = `budgetMinor of coupon ${j}`;
    ofCoupon(j, "coupon-budget", "expected", name, milliDown(name, own));
  }
  const scope = ({ coupons: names, segments }: Scope) => ({ coupons: names, segments });
  for (const [index, budget] of (limits.budgets ?? []).entries()) {
    const name = budget.name ?? `budgets[${index}]`;
    const measure = budget.cost ?? "expected";
    if (measure !== "expected" && measure !== "face")
      throw invalidArgument(`expected expected or face for cost of ${name} but received ${shown(measure)}`);
    const limit = milliDown(`limitMinor of ${name}`, budget.limitMinor);
    constraints.push({ name, kind: "budgets", index, measure, limit, ...scope(budget) });
  }
  if (budgetMinor !== undefined) {
    const limit = milliDown("budgetMinor", budgetMinor);
    constraints.push({
      name: "budgetMinor",
      kind: "budget",
      index: 0,
      measure: "expected",
      limit,
      ...scope({}),
    });
  }
  for (const [index, floor] of (limits.floors ?? []).entries()) {
    const name = floor.name ?? `floors[${index}]`;
    constraints.push({ name, kind: "floors", index, ...leastOf(name, floor, budgetMinor), ...scope(floor) });
  }
  return constraints;
}

/** An allocation problem in the form of the kernels. */
export class Problem {
  readonly numUsers: number;
  readonly width: number;
  readonly numCoupons: number;
  readonly constraints: readonly Constraint[];
  /** Identities of several users. */
  readonly components: Components | undefined;
  readonly #perUser: number;
  readonly #caps: CapTree;
  readonly #table: CandidateTable;
  readonly #numClasses: number;
  readonly #userClass: Int32Array | undefined;
  readonly #measure: Uint8Array;
  readonly #floor: Uint8Array;
  readonly #limit: BigInt64Array;
  readonly #cellIndptr: BigInt64Array;
  readonly #cellConstraints: Int32Array;

  static async create(executor: Executor, table: CandidateTable, limits: Limits): Promise<Problem> {
    const { identity } = limits;
    const components = identity === undefined ? undefined : await componentsOf(executor, identity, table.numUsers);
    return new Problem(table, limits, components);
  }

  private constructor(table: CandidateTable, limits: Limits, components: Components | undefined) {
    this.#table = table;
    this.numUsers = table.numUsers;
    this.width = table.width;
    this.numCoupons = limits.coupons.length;
    this.#perUser = integerBetween("perUser", limits.perUser ?? 1, 1, 2 ** 31 - 1);
    this.constraints = constraintsOf(limits, table.numUsers);
    this.#caps = capTree(limits);
    this.components = components;
    if (table.face === undefined && this.constraints.some(({ measure }) => measure === "face"))
      throw invalidArgument("a budget of face cost needs the face value of each candidate");

    const usesSegments = this.constraints.some(({ segments }) => segments !== undefined);
    const labels = usesSegments ? limits.segments : undefined;
    if (usesSegments && (!(labels instanceof Int32Array) || labels.length !== table.numUsers))
      throw invalidArgument(`expected limits.segments as an Int32Array of ${table.numUsers}: the segment of each user`);
    // Class 0 is users of no segment.
    this.#numClasses = 1;
    if (labels !== undefined) {
      this.#userClass = shared.i32(labels.length);
      for (let user = 0; user < labels.length; user++) {
        const of = Math.max(labels[user]!, -1) + 1;
        this.#userClass[user] = of;
        if (of >= this.#numClasses) this.#numClasses = of + 1;
      }
    }
    const cells = this.#numClasses * this.numCoupons;
    if (cells > MAX_CELLS)
      throw invalidArgument(
        `expected at most 2^26 pairs of segment and coupon but received ${this.#numClasses - 1} segments and ${this.numCoupons} coupons`,
      );

    const count = this.constraints.length;
    this.#measure = shared.u8(count);
    this.#floor = shared.u8(count);
    this.#limit = shared.i64(count);
    for (const [r, { measure, kind, limit }] of this.constraints.entries()) {
      this.#measure[r] = MEASURES[measure];
      this.#floor[r] = kind === "floors" ? 1 : 0;
      this.#limit[r] = BigInt(limit);
    }
    this.#cellIndptr = shared.i64(cells + 1);
    const sizes = new Int32Array(cells);
    this.#eachCell((cell) => sizes[cell]!++);
    let total = 0;
    const next = new Float64Array(cells);
    for (let cell = 0; cell < cells; cell++) {
      next[cell] = total;
      total += sizes[cell]!;
      this.#cellIndptr[cell + 1] = BigInt(total);
    }
    this.#cellConstraints = shared.i32(total);
    this.#eachCell((cell, r) => {
      this.#cellConstraints[next[cell]!++] = r;
    });
  }

  /** Each cell (class of users * coupons + coupon) of each constraint. */
  #eachCell(visit: (cell: number, constraint: number) => void): void {
    for (const [r, { name, coupons, segments }] of this.constraints.entries()) {
      const classes =
        segments === undefined
          ? Array.from({ length: this.#numClasses }, (_, c) => c)
          : [...new Set(segments)].map((s) => integerBetween(`segment of ${name}`, s, 0, 2 ** 31 - 2) + 1);
      const members = coupons === undefined ? undefined : [...new Set(coupons)];
      for (const j of members ?? []) integerBetween(`coupon of ${name}`, j, 0, this.numCoupons - 1);
      for (const c of classes) {
        // A segment without users.
        if (c >= this.#numClasses) continue;
        const first = c * this.numCoupons;
        if (members === undefined) for (let j = 0; j < this.numCoupons; j++) visit(first + j, r);
        else for (const j of members) visit(first + j, r);
      }
    }
  }

  /** +1 for limits, -1 for floors. */
  sign(constraint: number): 1 | -1 {
    return this.constraints[constraint]!.kind === "floors" ? -1 : 1;
  }

  /** Arguments of every allocation kernel. */
  args(): Record<string, ArgValue> {
    const { counts, coupons, value, cost, face } = this.#table;
    return {
      counts,
      coupons,
      value,
      cost,
      face,
      width: this.width,
      numClasses: this.#numClasses,
      userClass: this.#userClass,
      group: this.#caps.group,
      groupParent: this.#caps.parent,
      groupCap: this.#caps.cap,
      perUser: this.#perUser,
      measure: this.#measure,
      floor: this.#floor,
      limit: this.#limit,
      cellIndptr: this.#cellIndptr,
      cellConstraints: this.#cellConstraints,
    };
  }
}
