import { invalidArgument } from "../errors.js";
import { ascendingOrder } from "../executor/ascending-order.js";
import { type Executor, shared } from "../executor/executor.js";
import { integerBetween, typedArrayOf } from "../util/arguments.js";
import { forEachYielding } from "../util/yield.js";

/** Identities of several users, as units of the kernels. */
export interface Components {
  /** [units + 1], [members]: users of each, ascending; units by their first user. */
  indptr: BigInt64Array;
  members: Int32Array;
  /** [users] 1 for members. */
  joined: Uint8Array;
}

/** @internal The identities of several users by label; undefined when there are none. */
export async function componentsOf(
  executor: Executor,
  labels: Int32Array,
  numUsers: number,
): Promise<Components | undefined> {
  if (!(labels instanceof Int32Array) || labels.length !== numUsers)
    throw invalidArgument(`expected limits.identity as an Int32Array of ${numUsers}: the identity of each user`);
  // Sorted rather than in a Map: that holds 16.7 million labels at most.
  const order = await ascendingOrder(executor, labels);
  // By the first user of each identity of several: where it begins.
  const begins = new Int32Array(numUsers).fill(-1);
  let units = 0;
  let total = 0;
  let begin = 0;
  await forEachYielding(numUsers, (at) => {
    const label = labels[order[at]!]!;
    if (at + 1 < numUsers && labels[order[at + 1]!] === label) return;
    if (label >= 0 && at > begin) {
      begins[order[begin]!] = begin;
      units++;
      total += at + 1 - begin;
    }
    begin = at + 1;
  });
  if (total === 0) return undefined;
  const joined = shared.u8(numUsers);
  const indptr = shared.i64(units + 1);
  const members = shared.i32(total);
  let unit = 0;
  let used = 0;
  await forEachYielding(numUsers, (user) => {
    if (begins[user] === -1) return;
    for (let at = begins[user]!; at < numUsers && labels[order[at]!] === labels[user]; at++) {
      members[used++] = order[at]!;
      joined[order[at]!] = 1;
    }
    indptr[++unit] = BigInt(used);
  });
  return { indptr, members, joined };
}

/**
 * Which users are one identity: the connected components of users that share a key (a device, an address, a card).
 *
 * users, keys: Int32Array of equal length, pairs of a user in [0, numUsers) and a key >= 0.
 * Returns [numUsers] the smallest user of each component. Cost: nearly linear; memory: 4 bytes a user and 4 a key.
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT. Source: union-find with path halving (Tarjan 1975).
 */
export async function identityComponents(numUsers: number, users: Int32Array, keys: Int32Array): Promise<Int32Array> {
  integerBetween("numUsers", numUsers, 0, 2 ** 31 - 1);
  typedArrayOf("users", users, Int32Array);
  typedArrayOf("keys", keys, Int32Array);
  if (users.length !== keys.length) throw invalidArgument("expected users and keys of equal length");
  const parent = new Int32Array(numUsers);
  await forEachYielding(numUsers, (user) => {
    parent[user] = user;
  });
  const find = (user: number): number => {
    let at = user;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  };
  let largest = -1;
  await forEachYielding(keys.length, (i) => {
    const key = keys[i]!;
    if (key < 0) throw invalidArgument(`expected keys >= 0 but received ${key}`);
    if (key > largest) largest = key;
  });
  const owner = new Int32Array(largest + 1).fill(-1);
  await forEachYielding(users.length, (i) => {
    const user = users[i]!;
    if (user < 0 || user >= numUsers)
      throw invalidArgument(`expected users within [0, ${numUsers}) but received ${user}`);
    const key = keys[i]!;
    if (owner[key] === -1) {
      owner[key] = user;
      return;
    }
    const [a, b] = [find(owner[key]!), find(user)];
    // The smaller user is the root, so that the names of components do not depend on the order of pairs.
    parent[Math.max(a, b)] = Math.min(a, b);
  });
  await forEachYielding(numUsers, (user) => {
    parent[user] = find(user);
  });
  return parent;
}
