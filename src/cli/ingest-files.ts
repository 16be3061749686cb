/** The work behind `ingest`: its options as a request of the library, and the files that come of it. */
import { copyFile, mkdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { CouponcastError, invalidArgument } from "../errors.js";
import type { IngestRequest, IngestResult } from "../ingest/ingest-types.js";
import type { BasketsBy } from "../store/baskets.js";
import type { OutputFile } from "../table/output-file.js";
import type { Session } from "./command.js";

export interface IngestOptions {
  out: string;
  user: string;
  item: string;
  behaviour: string;
  behaviourConstant?: string;
  time: string;
  timeFormat: string;
  timeZone: string;
  quantity?: string;
  price?: string;
  priceUnit: "minor" | "major";
  pricePer: "unit" | "line";
  minorPerMajor: number;
  eventId?: string;
  order?: string;
  format?: "csv" | "jsonl" | "parquet";
  delimiter?: string;
  weights?: Record<string, number>;
  purchaseBehaviour: string;
  halfLifeDays?: number;
  normalise: IngestRequest["options"]["normalise"];
  asOf?: string;
  windowDays?: number;
  maxRejectedShare: number;
  users?: string;
  items?: string;
  rejected?: string;
  features?: string;
  sequences?: string;
  baskets?: string;
  basketsBy: BasketsBy;
  basketsOf?: string[];
  memory: number;
  raw?: boolean;
}

const DEFAULT_WEIGHTS = { browse: 1, search: 2, purchase: 5 };

/** The request of the library, from the options. */
export async function requestOf(
  files: string[],
  options: IngestOptions,
): Promise<Omit<IngestRequest, "outDir" | "threads">> {
  const { eventsSourceSchema, itemsSourceSchema, usersSourceSchema } = await import("../campaign/schema/sources.js");
  const { ingestSchema } = await import("../campaign/schema/ingest.js");
  const { user, item, behaviour, behaviourConstant, time, quantity, price, eventId, order } = options;
  const events = await check(
    eventsSourceSchema,
    {
      files,
      format: options.format,
      delimiter: options.delimiter,
      columns: {
        user,
        item,
        time,
        behaviour: behaviourConstant === undefined ? behaviour : { constant: behaviourConstant },
        id: eventId,
        quantity,
        price,
        order,
      },
      time: { format: options.timeFormat },
      price: { unit: options.priceUnit, per: options.pricePer },
    },
    "inputs.events",
  );
  const ingestOptions = await check(
    ingestSchema,
    {
      halfLifeDays: options.halfLifeDays,
      normalise: options.normalise,
      windowDays: options.windowDays,
      maxRejectedShare: options.maxRejectedShare,
      memoryLimitMb: options.memory,
    },
    "ingest",
  );
  return {
    events: [events],
    users:
      options.users === undefined
        ? undefined
        : await check(usersSourceSchema, { files: options.users }, "inputs.users"),
    items:
      options.items === undefined
        ? undefined
        : await check(itemsSourceSchema, { files: options.items }, "inputs.items"),
    behaviours: options.weights ?? (behaviourConstant === undefined ? DEFAULT_WEIGHTS : { [behaviourConstant]: 1 }),
    purchaseBehaviour: options.purchaseBehaviour,
    options: ingestOptions,
    baskets:
      options.baskets === undefined
        ? undefined
        : { by: options.basketsBy, behaviours: options.basketsOf ?? [options.purchaseBehaviour] },
    timeZone: options.timeZone,
    asOf: options.asOf,
    baseDir: process.cwd(),
    minorPerMajor: options.minorPerMajor,
  };
}

/** The options were checked one by one; what is left are values such as an empty column name. */
async function check<T extends z.ZodType>(schema: T, value: unknown, field: string): Promise<z.output<T>> {
  const { checkValue } = await import("../campaign/check-value.js");
  const { value: checked, findings } = checkValue(schema, value);
  const [finding] = findings;
  if (finding === undefined) return checked as z.output<T>;
  throw invalidArgument(`${[field, ...finding.path].join(".")}: ${finding.message()}`, {
    hint: "see couponcast ingest --help",
  });
}

interface IngestOutputs {
  matrix: OutputFile;
  rejected: OutputFile | undefined;
  features: OutputFile | undefined;
  sequences: OutputFile | undefined;
  baskets: OutputFile | undefined;
}

export async function ingestInto(
  session: Session,
  request: Omit<IngestRequest, "outDir" | "threads">,
  options: IngestOptions,
  { matrix, rejected, features, sequences, baskets }: IngestOutputs,
): Promise<{ result: IngestResult; bytes: number }> {
  const { INGEST_FILES, ingest } = await import("../ingest/ingest.js");
  const { checkThreads } = await import("../executor/executor.js");
  const { convertParquet } = await import("../table/convert-table.js");
  const { commitOutputs } = await import("../table/output-file.js");
  const outDir = join(matrix.scratch, "ingest");
  const table = { raw: options.raw, signal: session.signal };
  await mkdir(outDir);
  const rejectedRows = join(outDir, INGEST_FILES.rejected);
  let result: IngestResult;
  try {
    result = await ingest({
      ...request,
      outDir,
      threads: checkThreads(session.threads),
      signal: session.signal,
      onProgress: ({ stage, done, total }) => session.progress.update({ stage, done, total }),
    });
  } catch (thrown) {
    if (!(thrown instanceof CouponcastError) || thrown.hint?.includes(rejectedRows) !== true) throw thrown;
    // Too many were rejected: the rows are what the user needs to see why.
    const kept = rejected !== undefined && (await exists(rejectedRows));
    if (kept) {
      await convertParquet(rejectedRows, rejected, table);
      await commitOutputs([rejected]);
    }
    const hint = kept
      ? thrown.hint.replaceAll(rejectedRows, options.rejected!)
      : `add --rejected rejected.csv to see the rows; ${thrown.hint.slice(thrown.hint.indexOf(";") + 2)}`;
    throw new CouponcastError(thrown.code, thrown.message, { cause: thrown, hint, field: thrown.field });
  }
  if (rejected !== undefined) await convertParquet(rejectedRows, rejected, table);
  if (features !== undefined) await convertParquet(join(outDir, INGEST_FILES.features), features, table);
  if (sequences !== undefined) await copyFile(join(outDir, INGEST_FILES.sequences), sequences.path);
  if (baskets !== undefined) await copyFile(join(outDir, INGEST_FILES.baskets), baskets.path);
  await rename(join(outDir, INGEST_FILES.matrix), matrix.path);
  return { result, bytes: (await stat(matrix.path)).size };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
