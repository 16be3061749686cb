/**
 * Ingest: from event sources to the behaviour matrix and the tables beside it (design.md, section 4).
 *
 * 1. read: every row is judged as text by readable SQL (event-sql.ts) and staged in a database on disk
 * 2. clean: asOf, window, duplicates; rejected rows are counted by reason and kept
 * 3. encode: ids become dense rows in UTF-8 byte order
 * 4. aggregate: cells and features, one range of users after the other, so memory is bounded by the range
 * 5. write: matrix in order, Parquet by one thread in order
 */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DuckDb, throwIfAborted } from "../duckdb/duckdb.js";
import { invalidArgument, toCouponcastError } from "../errors.js";
import { createMalformedTable } from "../source/read-source.js";
import type { ReadContext } from "../source/relation.js";
import { type ResolvedSource, resolveSource } from "../source/source.js";
import { syncPath } from "../util/sync.js";
import { aggregate, encode } from "./aggregate-events.js";
import { type CleanedEvents, checkEventSources, judgeEvents, stageEvents } from "./clean-events.js";
import type { CleaningRules } from "./event-sql.js";
import { exportFeatures, exportItems, exportRejected, exportUsers } from "./export-tables.js";
import { type Progress, startProgress } from "./ingest-progress.js";
import { cleaningRules, rejectedShareError, ruleWarnings } from "./ingest-rules.js";
import { type CreateCellSink, INGEST_FILES, type IngestRequest, type IngestResult } from "./ingest-types.js";
import { CREATE_REJECTED_TABLE_ROWS, readItems, readUsers, type UsersTable } from "./tables.js";
import { checkBaskets, writeBaskets } from "./write-baskets.js";
import { writeMatrix } from "./write-matrix.js";
import { writeSequences } from "./write-sequences.js";

export type { IngestRequest, IngestResult } from "./ingest-types.js";
export { INGEST_FILES } from "./ingest-types.js";

/** DuckDB's part of the memory limit; the rest is for Node, ids in flight and the matrix writer. */
const DUCKDB_SHARE = 0.75;

interface ResolvedInputs {
  events: ResolvedSource[];
  users: ResolvedSource | undefined;
  items: ResolvedSource | undefined;
}

/**
 * Runs the stage and writes INGEST_FILES into `outDir`, each whole or not at all. The bytes of all but
 * rejected.parquet depend only on the set of input rows: not on their order, the files' order or the threads.
 *
 * Value of a cell: sum over the user's events on the item of weight(behaviour) * 0.5^(age in days / halfLifeDays),
 * summed in units of 2^-32, then normalised (normalise.ts). Quantity is no factor.
 *
 * maxRejectedShare guards against broken input: all rejected rows count but `out_of_window`, which is the window at
 * work. When it is passed, rejected.parquet is left in `outDir` for inspection and nothing else.
 *
 * Errors: INVALID_ARGUMENT (columns, zones, patterns, no accepted event, too many rejected), IO, CORRUPT_FILE,
 * OUT_OF_MEMORY, CANCELLED. No temporary file survives.
 */
export async function ingest(request: IngestRequest): Promise<IngestResult> {
  const { MatrixWriter } = await import("../store/matrix-writer.js");
  return ingestInto(request, (path, shape, metadata) => MatrixWriter.create(path, shape, metadata));
}

/** `ingest` with another matrix writer (internal, for tests). */
export async function ingestInto(request: IngestRequest, createSink: CreateCellSink): Promise<IngestResult> {
  throwIfAborted(request.signal);
  const outDir = resolve(request.outDir);
  const rules = cleaningRules(request);
  if (request.baskets !== undefined) checkBaskets(request.baskets, rules);
  const inputs = await resolveInputs(request);
  // A run that was killed may have left its scratch folder.
  const tempDir = join(outDir, "tmp");
  await rm(tempDir, { recursive: true, force: true });
  await mkdir(tempDir);
  try {
    return await runStage({ request, rules, inputs, outDir, tempDir, createSink });
  } catch (thrown) {
    throw toCouponcastError(thrown);
  } finally {
    await rm(tempDir, { recursive: true, force: true });
  }
}

interface Stage {
  request: IngestRequest;
  rules: CleaningRules;
  inputs: ResolvedInputs;
  outDir: string;
  tempDir: string;
  createSink: CreateCellSink;
}

async function runStage(stage: Stage): Promise<IngestResult> {
  const { request, rules, inputs, outDir, tempDir } = stage;
  const { options, signal } = request;
  const memoryLimitMb = Math.max(96, Math.floor(options.memoryLimitMb * DUCKDB_SHARE));
  const files = [...inputs.events, inputs.users, inputs.items].flatMap((source) => source?.files ?? []);
  const settings = { path: join(tempDir, "ingest.duckdb"), tempDir, memoryLimitMb, signal };

  let db = await DuckDb.open({ ...settings, threads: request.threads, readable: files.map((f) => f.path) });
  const progress = startProgress(() => db.progress, request.onProgress);
  // A second database for the export: one thread and insertion order give the same bytes every time.
  const reopenForExport = async () => {
    await db.checkpoint();
    db.close();
    db = await DuckDb.open({ ...settings, threads: 1, preserveInsertionOrder: true, readOnly: true });
  };
  try {
    const context: ReadContext = { db, tempDir, memoryLimitMb, signal };
    const { users, items } = await readInputs(stage, context, progress);
    progress.enter("clean");
    const cleaned = await judgeEvents(context, rules);
    const tooMany = rejectedShareError(cleaned, options.maxRejectedShare, outDir);
    if (tooMany !== undefined) {
      await reopenForExport();
      await exportRejected(db, join(tempDir, INGEST_FILES.rejected));
      await placeFiles(tempDir, outDir, [INGEST_FILES.rejected]);
      throw tooMany;
    }
    progress.enter("encode");
    await encode(db, rules, cleaned, users !== undefined, items !== undefined);
    progress.enter("aggregate");
    const ranges = await aggregate(request, rules, db, cleaned, (done, total) => progress.update(done, total));
    progress.enter("write");
    const { nnz } = await writeMatrix(db, {
      path: join(tempDir, INGEST_FILES.matrix),
      ranges,
      normalise: options.normalise,
      metadata: matrixMetadata(request, cleaned),
      createSink: stage.createSink,
      onCells: (done, total) => progress.update(done, total),
    });
    await writeSequences(db, {
      path: join(tempDir, INGEST_FILES.sequences),
      journal: join(tempDir, INGEST_FILES.journal),
      purchase: rules.behaviours.indexOf(rules.purchaseBehaviour),
      ranges,
      behaviours: rules.behaviours,
      asOfMicros: cleaned.asOfMicros,
    });
    if (request.baskets !== undefined) {
      const path = join(tempDir, INGEST_FILES.baskets);
      const { timeZone } = rules;
      await writeBaskets(db, { ...request.baskets, path, ranges, allBehaviours: rules.behaviours, timeZone });
    }
    await reopenForExport();
    await exportRejected(db, join(tempDir, INGEST_FILES.rejected));
    await exportUsers(db, join(tempDir, INGEST_FILES.users), users);
    await exportFeatures(db, join(tempDir, INGEST_FILES.features), rules.behaviours, cleaned.asOfMicros);
    await exportItems(db, join(tempDir, INGEST_FILES.items), items !== undefined);
    const behaviourCounts = await db.rows("SELECT b, count(*) AS n FROM events GROUP BY b");

    const result: IngestResult = {
      asOf: isoOf(cleaned.asOfMicros),
      rowsRead: cleaned.rowsRead,
      rowsAccepted: cleaned.rowsAccepted,
      rejected: cleaned.rejected,
      rejectedUsers: users?.rejected ?? {},
      rejectedItems: items?.rejected ?? {},
      numUsers: await db.count("SELECT count(*) FROM user_rows"),
      numItems: await db.count("SELECT count(*) FROM item_rows"),
      nnz,
      firstEvent: isoOf(cleaned.firstMicros),
      lastEvent: isoOf(cleaned.lastMicros),
      eventsByBehaviour: Object.fromEntries(
        rules.behaviours.map((name, code) => [
          name,
          Number(behaviourCounts.find((row) => Number(row.b) === code)?.n ?? 0),
        ]),
      ),
      inputs: files.map(({ label, bytes }) => ({ path: label, bytes })),
      warnings: [...ruleWarnings(rules), ...(users?.warnings ?? []), ...(items?.warnings ?? [])],
    };
    db.close();
    await writeFile(join(tempDir, INGEST_FILES.summary), `${JSON.stringify(result, null, 2)}\n`);
    const { baskets, ...always } = INGEST_FILES;
    await placeFiles(tempDir, outDir, [...(request.baskets === undefined ? [] : [baskets]), ...Object.values(always)]);
    return result;
  } finally {
    progress.stop();
    db.close();
  }
}

async function resolveInputs({ events, users, items, baseDir }: IngestRequest): Promise<ResolvedInputs> {
  if (events.length === 0) throw invalidArgument("expected at least one events source", { field: "inputs.events" });
  const resolvedEvents: ResolvedSource[] = [];
  for (const [i, source] of events.entries()) {
    resolvedEvents.push(
      await resolveSource(source, { baseDir, input: "events", field: eventsField(i, events.length) }),
    );
  }
  return {
    events: resolvedEvents,
    users: users && (await resolveSource(users, { baseDir, input: "users", field: "inputs.users" })),
    items: items && (await resolveSource(items, { baseDir, input: "items", field: "inputs.items" })),
  };
}

function eventsField(index: number, count: number): string {
  return count === 1 ? "inputs.events" : `inputs.events[${index}]`;
}

async function readInputs(
  { request, rules, inputs }: Stage,
  context: ReadContext,
  progress: Progress,
): Promise<{ users: UsersTable | undefined; items: Awaited<ReturnType<typeof readItems>> | undefined }> {
  const { db } = context;
  const sources = request.events.map((source, i) => ({
    source,
    resolved: inputs.events[i]!,
    field: eventsField(i, request.events.length),
  }));
  progress.enter("read", inputs.events.flatMap((s) => s.files).reduce((sum, f) => sum + f.bytes, 0) || undefined);
  await checkEventSources(context, sources, rules);
  await createMalformedTable(db);
  await db.run(CREATE_REJECTED_TABLE_ROWS);
  // The small tables first: their mistakes should show before a long read.
  const users = request.users && (await readUsers(context, request.users, inputs.users!));
  const items = request.items && (await readItems(context, request.items, inputs.items!, rules.minorPerMajor));
  await stageEvents(context, sources, rules, (file) => progress.advance(file.bytes));
  return { users, items };
}

function matrixMetadata(request: IngestRequest, cleaned: CleanedEvents): Record<string, string> {
  const { normalise, halfLifeDays, windowDays } = request.options;
  return {
    weighting: JSON.stringify({
      behaviours: request.behaviours,
      halfLifeDays: halfLifeDays ?? null,
      windowDays: windowDays ?? null,
      normalise,
      asOf: isoOf(cleaned.asOfMicros),
    }),
  };
}

/** ISO 8601 in UTC; microseconds only when there are any. */
function isoOf(micros: bigint): string {
  const millis = new Date(Number(micros / 1000n - (micros % 1000n < 0n ? 1n : 0n))).toISOString();
  const rest = ((micros % 1000n) + 1000n) % 1000n;
  return rest === 0n ? millis : millis.replace("Z", `${String(rest).padStart(3, "0")}Z`);
}

/** Makes finished files durable and moves them to their place; ingest.json, which says that all is there, comes last. */
async function placeFiles(fromDir: string, toDir: string, names: readonly string[]): Promise<void> {
  for (const name of names) await syncPath(join(fromDir, name));
  for (const name of names) await rename(join(fromDir, name), join(toDir, name));
  await syncPath(toDir);
}
