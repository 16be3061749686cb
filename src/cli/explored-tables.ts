/** Further tables of `allocate`: the decisions of draws, and what other budgets bring. */
import type { Exploration } from "../allocate/explore.js";
import type { Frontier } from "../allocate/frontier.js";
import type { Candidates } from "../allocate/table-of.js";
import { Executor, shared } from "../executor/executor.js";
import type { AnyTypedArray } from "../native/addon.js";
import type { OutputFile } from "../table/output-file.js";
import { TableWriter } from "../table/table-writer.js";
import { forEachYielding } from "../util/yield.js";
import type { Session } from "./command.js";

async function writeTable(
  { threads, signal }: Session,
  output: OutputFile,
  columns: Record<string, AnyTypedArray>,
  ids: { column: string; batches: AsyncIterable<readonly string[]>; raw: boolean | undefined } | undefined,
): Promise<void> {
  const writer = await TableWriter.open(output, {
    executor: new Executor({ threads, signal }),
    signal,
    raw: ids?.raw,
  });
  try {
    if (ids !== undefined) await writer.addIds("rows", ids.batches);
    await writer.append(Object.values(columns));
    const named = Object.keys(columns).map((name, from) =>
      name === ids?.column ? { name, from, ids: "rows" } : { name, from },
    );
    await writer.finish(named, [0]);
  } finally {
    writer.close();
  }
}

/** A row a user, also of those who got nothing: what `evaluate policy` asks for, but for the rewards. */
export async function writeDecisions(
  session: Session,
  userIds: AsyncIterable<readonly string[]>,
  { width, counts }: Candidates,
  { chosen, decisionPropensities, isBest }: Exploration,
  { raw }: { raw?: boolean | undefined },
  output: OutputFile,
): Promise<void> {
  const users = shared.i32(counts.length);
  const coupons = shared.i32(counts.length);
  await forEachYielding(counts.length, (user) => {
    users[user] = user;
    for (let at = user * width; at < (user + 1) * width; at++) coupons[user]! += chosen[at]!;
  });
  const columns = { user_id: users, coupons, propensity: decisionPropensities, target_propensity: isBest };
  await writeTable(session, output, columns, { column: "user_id", batches: userIds, raw });
}

export async function writeFrontier(session: Session, { points }: Frontier, output: OutputFile): Promise<void> {
  const column = (of: (point: Frontier["points"][number]) => number) => Float64Array.from(points, of);
  await writeTable(
    session,
    output,
    {
      budget_minor: column((p) => p.budgetMinor),
      value_minor: column((p) => p.valueMinor),
      spend_minor: column((p) => p.spendMinor),
      upper_bound_minor: column((p) => p.upperBoundMinor),
      roi: column((p) => p.roi ?? Number.NaN),
      marginal_value: column((p) => p.marginalValue),
    },
    undefined,
  );
}
