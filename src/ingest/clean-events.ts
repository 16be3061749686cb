/** Reads, judges and deduplicates the events; afterwards `staged_events` and a predicate say which are accepted. */
import type { EventsSource } from "../campaign/schema/sources.js";
import { invalidArgument } from "../errors.js";
import { readSource } from "../source/read-source.js";
import type { ReadContext } from "../source/relation.js";
import type { ResolvedSource, SourceFile } from "../source/source.js";
import { nearestName } from "../util/nearest-name.js";
import {
  type CleaningRules,
  CREATE_STAGED_EVENTS,
  cleanedJsonSql,
  duplicateCandidatesSql,
  duplicatesSql,
  lastNewItemsSql,
  otherPartSql,
  stageEventsSql,
  wantedColumns,
  windowStartMicros,
} from "./event-sql.js";
import { checkTimeFormat } from "./time-sql.js";

export interface CleanedEvents {
  /** SQL predicate over staged_events. */
  accepted: string;
  asOfMicros: bigint;
  firstMicros: bigint;
  lastMicros: bigint;
  rowsRead: number;
  rowsAccepted: number;
  /** Most frequent first; ties by name. */
  rejected: Record<string, number>;
}

/** Everything ever rejected, for rejected.parquet. */
const CREATE_REJECTED =
  "CREATE TABLE rejected (input VARCHAR, reason VARCHAR, file VARCHAR, row_number BIGINT, raw VARCHAR)";

/** Keys grouped at once when looking for duplicates: bounds that hash table to about half a gigabyte. */
const KEYS_PER_PART = 12_000_000;

/** Checks what needs no data: constants among the behaviours, zones and time patterns. */
export async function checkEventSources(
  context: ReadContext,
  sources: readonly { source: EventsSource; field: string }[],
  rules: CleaningRules,
): Promise<void> {
  for (const { source, field } of sources) {
    const { behaviour } = source.columns;
    if (typeof behaviour === "object" && !rules.behaviours.includes(behaviour.constant)) {
      const near = nearestName(behaviour.constant, rules.behaviours);
      throw invalidArgument(
        `expected one of the behaviours ${rules.behaviours.join(", ")} but received ${JSON.stringify(behaviour.constant)}`,
        {
          field: `${field}.columns.behaviour.constant`,
          hint: near === undefined ? "give it a weight under behaviours" : `did you mean ${JSON.stringify(near)}?`,
        },
      );
    }
    const time = { format: source.time.format, timeZone: source.time.timeZone ?? rules.timeZone };
    await checkTimeFormat(context.db, time, `${field}.time`);
  }
}

/** Reads all sources into staged_events. */
export async function stageEvents(
  context: ReadContext,
  sources: readonly { source: EventsSource; resolved: ResolvedSource; field: string }[],
  rules: CleaningRules,
  onFileDone: (file: SourceFile) => void,
): Promise<void> {
  await context.db.run(CREATE_STAGED_EVENTS);
  for (const [number, { source, resolved, field }] of sources.entries()) {
    await readSource(
      context,
      resolved,
      wantedColumns(source),
      (relation) => context.db.run(stageEventsSql(relation, source, number, field, rules)),
      onFileDone,
    );
  }
}

/**
 * Settles asOf, the window where it depends on it, and duplicates; fills the table `rejected`.
 * Errors: INVALID_ARGUMENT when no event is accepted.
 */
export async function judgeEvents({ db }: ReadContext, rules: CleaningRules): Promise<CleanedEvents> {
  await db.run(CREATE_REJECTED);
  await db.run("INSERT INTO rejected SELECT * FROM rejected_table_rows");
  await db.run("INSERT INTO rejected SELECT input, 'malformed_row', file, row_number, raw FROM malformed");
  await db.run(
    "INSERT INTO rejected SELECT 'events', reason, file, row_number, raw FROM staged_events WHERE reason IS NOT NULL",
  );
  const keepLate = async (reason: string, condition: string) => {
    await db.run(
      `INSERT INTO rejected SELECT 'events', '${reason}', file, row_number, ${cleanedJsonSql(rules.behaviours)} ` +
        `FROM staged_events WHERE ${condition}`,
    );
  };

  let accepted = "reason IS NULL";
  let asOfMicros = rules.asOfMicros;
  if (asOfMicros === undefined) {
    const { latest } = await db.row(`SELECT max(time_us) AS latest FROM staged_events WHERE ${accepted}`);
    asOfMicros = (latest as bigint | null) ?? 0n;
    const from = windowStartMicros(asOfMicros, rules.windowDays);
    if (from !== undefined) {
      await keepLate("out_of_window", `${accepted} AND time_us < ${from}`);
      accepted = `${accepted} AND time_us >= ${from}`;
    }
  }

  const numCandidates = await db.count(`SELECT count(*) FROM staged_events WHERE ${accepted}`);
  await db.run("CREATE TABLE duplicate_candidates (duplicate_key UBIGINT)");
  const numParts = Math.max(1, Math.ceil(numCandidates / KEYS_PER_PART));
  for (let part = 0; part < numParts; part++) await db.run(duplicateCandidatesSql(accepted, part, numParts));
  if ((await db.count("SELECT count(*) FROM duplicate_candidates")) > 0) {
    await db.run(duplicatesSql(accepted));
    await keepLate("duplicate", "rowid IN (SELECT staged_row FROM duplicates)");
    accepted = `${accepted} AND rowid NOT IN (SELECT staged_row FROM duplicates)`;
  }

  if (rules.lastOut !== undefined) {
    await db.run(lastNewItemsSql(accepted));
    await db.run(otherPartSql(accepted, rules.lastOut));
    await keepLate("other_part", "rowid IN (SELECT staged_row FROM other_part)");
    accepted = `${accepted} AND rowid NOT IN (SELECT staged_row FROM other_part)`;
  }

  const totals = await db.row(
    `SELECT count(*) AS n, min(time_us) AS first, max(time_us) AS last FROM staged_events WHERE ${accepted}`,
  );
  const counts = await db.rows(
    "SELECT reason, count(*) AS n FROM rejected WHERE input = 'events' GROUP BY reason ORDER BY n DESC, reason",
  );
  const rejected: Record<string, number> = Object.fromEntries(counts.map(({ reason, n }) => [reason, Number(n)]));
  const rowsAccepted = Number(totals.n);
  return {
    accepted,
    asOfMicros,
    firstMicros: (totals.first as bigint | null) ?? 0n,
    lastMicros: (totals.last as bigint | null) ?? 0n,
    rowsAccepted,
    rowsRead: rowsAccepted + Object.values(rejected).reduce((sum, n) => sum + n, 0),
    rejected,
  };
}
