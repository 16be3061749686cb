/** Events before a moment, and those after it, as two behaviour matrices: for evaluating what is made from the first. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { invalidArgument } from "../errors.js";
import { shown } from "../util/arguments.js";
import { INGEST_FILES, ingest } from "./ingest.js";
import type { IngestRequest, IngestResult } from "./ingest-types.js";

export interface TimeSplitRequest extends IngestRequest {
  /** Days at the end that are held out. */
  heldOutDays: number;
  /** Behaviours that make an item relevant; default: the purchase behaviour. */
  relevantBehaviours?: readonly string[] | undefined;
}

export interface TimeSplit extends EventSplit {
  /** The moment that history ends before, ISO 8601 in UTC. */
  cut: string;
}

export interface EventSplit {
  history: IngestResult;
  later: IngestResult;
  historyMatrix: string;
  laterMatrix: string;
}

const DAY_MS = 86_400_000;

/**
 * Writes into `outDir` the folders `history` (events before asOf - heldOutDays) and `later` (from there to asOf). Each is
 * ingested by itself as if nothing else had happened, so neither weights, decay, normalisation nor duplicates of the history
 * know of what came later. Errors: as ingest.
 */
export async function splitByTime(request: TimeSplitRequest): Promise<TimeSplit> {
  const { heldOutDays, relevantBehaviours = [request.purchaseBehaviour], ...base } = request;
  if (!(heldOutDays > 0 && heldOutDays <= 36_525))
    throw invalidArgument(`expected days above 0 and at most 36525 for heldOutDays but received ${shown(heldOutDays)}`);
  const folders = await makeFolders(request.outDir);
  // Rows outside of each part are rejected, and are no sign of broken input.
  const options = { ...request.options, maxRejectedShare: 1 };
  const behaviours = relevantBehaviours.map((name) => {
    const weight = request.behaviours[name];
    if (weight === undefined)
      throw invalidArgument(`expected a behaviour with a weight but received ${JSON.stringify(name)}`);
    return [name, 1] as const;
  });
  const later = await ingest({
    ...base,
    users: undefined,
    items: undefined,
    behaviours: Object.fromEntries(behaviours),
    outDir: folders.later,
    options: { ...options, windowDays: heldOutDays, halfLifeDays: undefined, normalise: "none" },
  });
  const cutMs = Date.parse(later.asOf) - heldOutDays * DAY_MS;
  const cut = new Date(cutMs).toISOString();
  const history = await ingest({
    ...base,
    // Events at asOf count, and those at the cut are held out. Instants have milliseconds here, so what happened within
    // two of them before the cut may be in neither part.
    asOf: new Date(cutMs - 1).toISOString(),
    outDir: folders.history,
    options,
  });
  return { cut, ...splitOf(folders, history, later) };
}

/**
 * Writes `history`, each user's events before he dealt with his last new item, and `later`, those items alone (all of that
 * moment; none of users with one moment only). Nothing of a user at or after that moment is in his history; other users'
 * histories go on, as they would for a live system that is asked at each user's own time only in part: prefer splitByTime.
 * Errors: as ingest.
 */
export async function splitLastOut(request: IngestRequest): Promise<EventSplit> {
  const folders = await makeFolders(request.outDir);
  const options = { ...request.options, maxRejectedShare: 1 };
  const history = await ingest({ ...request, options, lastOut: "history", outDir: folders.history });
  const later = await ingest({
    ...request,
    users: undefined,
    items: undefined,
    lastOut: "later",
    outDir: folders.later,
    options: { ...options, halfLifeDays: undefined, normalise: "none" },
  });
  return splitOf(folders, history, later);
}

async function makeFolders(outDir: string): Promise<{ history: string; later: string }> {
  const folders = { history: join(outDir, "history"), later: join(outDir, "later") };
  await mkdir(folders.later, { recursive: true });
  await mkdir(folders.history, { recursive: true });
  return folders;
}

function splitOf(folders: { history: string; later: string }, history: IngestResult, later: IngestResult): EventSplit {
  return {
    history,
    later,
    historyMatrix: join(folders.history, INGEST_FILES.matrix),
    laterMatrix: join(folders.later, INGEST_FILES.matrix),
  };
}
