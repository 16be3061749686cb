import { shared } from "../executor/executor.js";
import { checkMatrix, type Matrix } from "../store/matrix.js";
import { booleanOf } from "../util/arguments.js";
import { copyYielding, forEachYielding, ROWS_PER_YIELD } from "../util/yield.js";
import type { RelevantItems } from "./ranking.js";

export interface HeldOut extends RelevantItems {
  /** Users with relevant items. */
  numUsers: number;
  /** Cells of users or items that the history does not hold: nobody can have been told to recommend them. */
  numUnknown: number;
  /** Cells that the user's history holds already. */
  numSeen: number;
}

/** Position in `to` of each id of `from`, or -1; both ascending. */
async function positions(from: Matrix, to: Matrix, axis: "users" | "items"): Promise<Int32Array> {
  const count = axis === "users" ? from.numUsers : from.numItems;
  const found = new Int32Array(count);
  for (let begin = 0; begin < count; begin += ROWS_PER_YIELD) {
    const ids = from.ids(axis, begin, Math.min(begin + ROWS_PER_YIELD, count));
    await forEachYielding(ids.length, (i) => {
      found[begin + i] = axis === "users" ? to.rowOf(ids[i]!) : to.colOf(ids[i]!);
    });
  }
  return found;
}

/**
 * What users dealt with later, in the rows and columns of `history`: the cells of `later` above 0, matched by id.
 *
 * @param repeats whether items of the user's own history count too; default false, as they are not recommended either
 */
export async function relevantItems(history: Matrix, later: Matrix, repeats = false): Promise<HeldOut> {
  checkMatrix("history", history);
  checkMatrix("later", later);
  booleanOf("repeats", repeats);
  const users = await positions(later, history, "users");
  const columns = await positions(later, history, "items");
  const rowOf = new Int32Array(history.numUsers).fill(-1);
  let numUnknown = 0;
  await forEachYielding(users.length, (row) => {
    if (users[row]! >= 0) rowOf[users[row]!] = row;
  });
  const indptr = shared.i64(history.numUsers + 1);
  let found = new Int32Array(1024);
  let size = 0;
  let known = 0;
  let numUsers = 0;
  let numSeen = 0;
  const seen = new Uint8Array(history.numItems);
  await forEachYielding(history.numUsers, (user) => {
    indptr[user + 1] = BigInt(size);
    if (rowOf[user]! < 0) return;
    const { indices, values } = later.userRow(rowOf[user]!);
    known += indices.length;
    const own = repeats ? NOTHING : history.userRow(user).indices;
    for (const item of own) seen[item] = 1;
    if (size + indices.length > found.length) found = enlarged(found, size + indices.length);
    const begin = size;
    for (let i = 0; i < indices.length; i++) {
      if (!(values[i]! > 0)) continue;
      const item = columns[indices[i]!]!;
      if (item < 0) numUnknown++;
      else if (seen[item] === 1) numSeen++;
      else found[size++] = item;
    }
    for (const item of own) seen[item] = 0;
    found.subarray(begin, size).sort();
    if (size > begin) numUsers++;
    indptr[user + 1] = BigInt(size);
  });
  const items = await copyYielding(shared.i32(size), found.subarray(0, size));
  return { indptr, items, numUsers, numUnknown: numUnknown + later.nnz - known, numSeen };
}

const NOTHING = new Int32Array(0);

function enlarged(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(2 * array.length, length));
  larger.set(array);
  return larger;
}
