/** The work behind `drift`: two tables of users with their segments, and how the later ones differ. */
import { invalidArgument } from "../errors.js";
import { type Drift, driftOf } from "../profile/drift.js";
import type { Scale } from "../profile/feature-scaling.js";
import type { ResolvedSource } from "../source/source.js";
import type { InputTable } from "../table/read-table.js";
import type { Session } from "./command.js";
import { NO_FEATURES } from "./feature-table.js";
import { withTables } from "./read-columns.js";

export interface DriftTablesOptions {
  id: string;
  segment: string;
  features?: string[];
  scale: Scale;
  sameSegments?: boolean;
}

export async function driftTables(
  session: Session,
  before: ResolvedSource,
  after: ResolvedSource,
  options: DriftTablesOptions,
): Promise<Drift> {
  return withTables(session, [before, after], async (reader) => {
    const old = await reader.load(before, "old_input");
    const now = await reader.load(after, "new_input");
    const names = await commonFeatures(old, now, options);
    await makeUsers(old, "old_users", names, options);
    await makeUsers(now, "new_users", names, options);
    const { scale, sameSegments = false } = options;
    return driftOf(reader.db, { ...session.run(), names, scale, sameSegments });
  });
}

/** As driftOf wants it: row, segment, f0, f1, ... */
async function makeUsers(
  table: InputTable,
  name: string,
  features: readonly string[],
  { id, segment, scale, sameSegments }: DriftTablesOptions,
): Promise<void> {
  if (table.numRows === 0) throw invalidArgument(`${table.loaded.label} has no rows`, { file: table.loaded.label });
  const idSql = await table.id(id, "--id");
  // Users of a table without segments all count: who is not active cannot be told.
  const segmentSql = table.has(segment) || sameSegments ? table.text(segment, "--segment") : "''";
  const columns: string[] = [];
  for (const [f, feature] of features.entries()) {
    const min = scale === "log" ? 0 : undefined;
    columns.push(`${await table.number(feature, "--features", { min })} AS f${f}`);
  }
  await table.db.run(
    `CREATE TABLE ${name} AS SELECT ${[`row_number() OVER (ORDER BY ${idSql}) - 1 AS row`, `${segmentSql} AS segment`, ...columns].join(", ")} FROM ${table.table}`,
  );
}

async function commonFeatures(
  old: InputTable,
  now: InputTable,
  { features, id, segment }: DriftTablesOptions,
): Promise<string[]> {
  if (features !== undefined) return [...new Set(features)];
  const others = new Set((await now.numericColumns()).map(({ name }) => name));
  const numeric = (await old.numericColumns()).map(({ name }) => name);
  return numeric.filter((name) => others.has(name) && name !== id && name !== segment && !NO_FEATURES.has(name));
}
