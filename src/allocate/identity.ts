import { invalidArgument } from "../errors.js";
import { shared } from "../executor/executor.js";
import { integerBetween, typedArrayOf } from "../util/arguments.js";

/** Identities of several users, as units of the kernels. */
export interface Components {
  /** [units + 1], [members]: users of each, ascending; units by their first user. */
  indptr: BigInt64Array;
  members: Int32Array;
  /** [users] 1 for members. */
  joined: Uint8Array;
}

/** @internal The identities of several users by label; undefined when there are none. */
export function componentsOf(labels: Int32Array, numUsers: number): Components | undefined {
  if (!(labels instanceof Int32Array) || labels.length !== numUsers)
    throw invalidArgument(`expected limits.identity as an Int32Array of ${numUsers}: the identity of each user`);
  // Sorted rather than in a Map: that holds 16.7 million labels at most.
  const sorted = labels.slice().sort();
  const joined = shared.u8(numUsers);
  const unitAt = new Int32Array(numUsers).fill(-1);
  const unitOf = new Int32Array(numUsers).fill(-1);
  const sizes = new Int32Array(numUsers >> 1);
  let units = 0;
  let total = 0;
  for (let user = 0; user < numUsers; user++) {
    const label = labels[user]!;
    if (label < 0) continue;
    const place = lowerBound(sorted, label);
    if (sorted[place + 1] !== label) continue;
    if (unitAt[place] === -1) unitAt[place] = units++;
    unitOf[user] = unitAt[place]!;
    sizes[unitAt[place]!]!++;
    joined[user] = 1;
    total++;
  }
  if (total === 0) return undefined;
  const indptr = shared.i64(units + 1);
  const next = new Int32Array(units);
  for (let unit = 0, at = 0; unit < units; unit++) {
    next[unit] = at;
    at += sizes[unit]!;
    indptr[unit + 1] = BigInt(at);
  }
  const members = shared.i32(total);
  for (let user = 0; user < numUsers; user++) {
    if (joined[user] === 1) members[next[unitOf[user]!]!++] = user;
  }
  return { indptr, members, joined };
}

/**
 * Which users are one identity: the connected components of users that share a key (a device, an address, a card).
 *
 * users, keys: Int32Array of equal length, pairs of a user in [0, numUsers) and a key >= 0.
 * Returns [numUsers] the smallest user of each component. Cost: nearly linear; memory: 4 bytes a user and 4 a key.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT. Source: union-find with path halving (Tarjan 1975).
 */
export function identityComponents(numUsers: number, users: Int32Array, keys: Int32Array): Int32Array {
  integerBetween("numUsers", numUsers, 0, 2 ** 31 - 1);
  typedArrayOf("users", users, Int32Array);
  typedArrayOf("keys", keys, Int32Array);
  if (users.length !== keys.length) throw invalidArgument("expected users and keys of equal length");
  const parent = new Int32Array(numUsers);
  for (let user = 0; user < numUsers; user++) parent[user] = user;
  const find = (user: number): number => {
    let at = user;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  };
  let largest = -1;
  for (const key of keys) {
    if (key < 0) throw invalidArgument(`expected keys >= 0 but received ${key}`);
    if (key > largest) largest = key;
  }
  const owner = new Int32Array(largest + 1).fill(-1);
  for (let i = 0; i < users.length; i++) {
    const user = users[i]!;
    if (user < 0 || user >= numUsers)
      throw invalidArgument(`expected users within [0, ${numUsers}) but received ${user}`);
    const key = keys[i]!;
    if (owner[key] === -1) {
      owner[key] = user;
      continue;
    }
    const [a, b] = [find(owner[key]!), find(user)];
    // The smaller user is the root, so that the names of components do not depend on the order of pairs.
    parent[Math.max(a, b)] = Math.min(a, b);
  }
  for (let user = 0; user < numUsers; user++) parent[user] = find(user);
  return parent;
}

/** The first position whose value is not below `wanted`. */
function lowerBound(sorted: Int32Array, wanted: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
