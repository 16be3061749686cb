/** Whom a step of the dual looks at: a sample, the users who are still open, everybody. */
import { shared } from "../executor/executor.js";
import type { Problem } from "./problem.js";

/** Users whose rows stand for all while prices are far off. */
const SAMPLE_USERS = 16_384;

/** Users that are decided for themselves, one unit each, and identities of several users. */
export interface Units {
  unitIndptr?: BigInt64Array;
  members: Int32Array;
}

/** A fixed choice of users, spread evenly: one from each of so many stretches. */
export function sampleUsers(numUsers: number): Int32Array {
  const members = shared.i32(SAMPLE_USERS);
  for (let i = 0; i < SAMPLE_USERS; i++) {
    const begin = Math.floor((i * numUsers) / SAMPLE_USERS);
    const size = Math.floor(((i + 1) * numUsers) / SAMPLE_USERS) - begin;
    members[i] = begin + ((Math.imul(i, 0x9e3779b1) >>> 8) % size);
  }
  return members;
}

/** Members of `units`, with one unit for each of `singles`. */
function joinUnits(singles: Int32Array, problem: Problem): Units {
  const { components } = problem;
  if (components === undefined) return { members: singles };
  const members = shared.i32(singles.length + components.members.length);
  members.set(singles);
  members.set(components.members, singles.length);
  const unitIndptr = shared.i64(singles.length + components.indptr.length);
  for (let i = 0; i <= singles.length; i++) unitIndptr[i] = BigInt(i);
  for (let u = 1; u < components.indptr.length; u++)
    unitIndptr[singles.length + u] = BigInt(singles.length) + components.indptr[u]!;
  return { unitIndptr, members };
}

/** The users that `isOpen` marks, but for members of identities. */
export function listOpen(problem: Problem, isOpen: (user: number) => boolean): Units {
  const joined = problem.components?.joined;
  const wanted = (user: number) => joined?.[user] !== 1 && isOpen(user);
  let count = 0;
  for (let user = 0; user < problem.numUsers; user++) if (wanted(user)) count++;
  const singles = shared.i32(count);
  let at = 0;
  for (let user = 0; user < problem.numUsers; user++) if (wanted(user)) singles[at++] = user;
  return joinUnits(singles, problem);
}

export const everybody = (problem: Problem): Units => listOpen(problem, () => true);
