import { shared } from "../executor/executor.js";
import type { ResolvedSource } from "../source/source.js";
import type { Session } from "./command.js";
import { type KnownUsers, readUserNumbers } from "./read-user-numbers.js";

const MAX_SEGMENT = 1_000_000;

/** [numUsers] segment of each user from a table with user_id and segment; -1 for users it does not give one. */
export async function readSegments(
  session: Session,
  users: KnownUsers,
  source: ResolvedSource,
  scratch: string,
): Promise<Int32Array> {
  const labels = shared.i32(users.numUsers).fill(-1);
  const wanted = { column: "segment", option: "--segments", min: 0, max: MAX_SEGMENT, whole: true };
  await readUserNumbers(session, users, source, scratch, wanted, (row, segment) => {
    labels[row] = segment;
  });
  return labels;
}
