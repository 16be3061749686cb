import { invalidArgument } from "../errors.js";
import { shared } from "../executor/executor.js";
import { integerBetween } from "../util/arguments.js";
import type { Cap, Limits } from "./limits.js";

/** Nested caps as kernels take them: innermost group of each coupon, parent (a smaller number, or -1) and cap of each group. */
export interface CapTree {
  group: Int32Array;
  parent: Int32Array;
  cap: Int32Array;
}

/** Errors: ERR_COUPONCAST_INVALID_ARGUMENT where two caps overlap without one being within the other. */
export function capTree({ coupons, caps = [] }: Limits): CapTree {
  const exclusive = new Map<string, number[]>();
  for (const [j, { exclusiveGroup }] of coupons.entries()) {
    if (exclusiveGroup === undefined) continue;
    const members = exclusive.get(exclusiveGroup);
    if (members === undefined) exclusive.set(exclusiveGroup, [j]);
    else members.push(j);
  }
  const all: Cap[] = [
    ...[...exclusive].map(([name, members]) => ({ name: `exclusive group ${name}`, coupons: members, perUser: 1 })),
    ...caps,
  ];
  // Larger sets first: a set is within the one that its coupons are in by then.
  const sets = all
    .map((cap, c) => ({ ...cap, name: cap.name ?? `caps[${c - exclusive.size}]`, members: new Set(cap.coupons) }))
    .sort((a, b) => b.members.size - a.members.size);
  const tree = {
    group: shared.i32(coupons.length).fill(-1),
    parent: shared.i32(sets.length),
    cap: shared.i32(sets.length),
  };
  for (const [g, { name, members, perUser }] of sets.entries()) {
    tree.cap[g] = integerBetween(`perUser of ${name}`, perUser, 0, 2 ** 31 - 1);
    let parent: number | undefined;
    for (const j of members) {
      const within = tree.group[integerBetween(`coupon of ${name}`, j, 0, coupons.length - 1)]!;
      if (parent !== undefined && parent !== within) {
        const other = sets[Math.max(parent, within)]!.name;
        throw invalidArgument(`${name} and ${other} overlap: of two caps one must lie within the other, or be apart`);
      }
      parent = within;
      tree.group[j] = g;
    }
    tree.parent[g] = parent ?? -1;
  }
  return tree;
}
