import { type FileHandle, mkdir, open, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CouponcastError, toCouponcastError } from "../errors.js";
import { type Activity, planActivity, planParts } from "./activity.js";
import { BUDGET_SHARE, campaignYaml, readmeText, tidyBudget } from "./campaign-file.js";
import { buildCatalogue } from "./catalogue.js";
import { checkOptions, type SynthFormat, type SynthOptions, type SynthPlan } from "./options.js";
import { ParquetParts } from "./parquet-parts.js";
import { type PartResult, partFile } from "./part-writer.js";
import { calibrateBias, ResponseModel } from "./response.js";
import { cancelled, runParts } from "./run-parts.js";
import { itemsCsv } from "./shop.js";
import { REDEMPTIONS_HEADER, USERS_HEADER } from "./tables-csv.js";
import { TargetFolder } from "./target-folder.js";
import { createTruth, TRUTH_FILE } from "./truth-file.js";
import { buildWorld } from "./world.js";

export type { SynthFormat, SynthOptions, SynthProgress } from "./options.js";

export interface SynthResult {
  /** absolute path of the folder */
  dir: string;
  /** absolute path of the campaign file in it */
  campaignFile: string;
  users: number;
  items: number;
  events: number;
  coupons: number;
  numPurchases: number;
  /** users without any event */
  numUsersWithoutEvents: number;
  numOffers: number;
  numRedeemed: number;
  /** the campaign's budget */
  budgetMinor: number;
  numParts: number;
  /** of all files */
  bytes: number;
}

/**
 * Makes a synthetic shop in a folder: events, users, items, coupons, past redemptions, a campaign file, and the truth
 * that the data were drawn from (see model.ts and the README.md that is written beside them).
 *
 * The bytes depend on the options only, not on `threads` (Parquet: also on the version of DuckDB). The folder appears
 * whole or not at all. Streams to disk: memory is about 20 bytes a user, some 100 bytes an item and 100 MB a thread.
 * Cost: O(events + users * coupons).
 *
 * Errors: ERR_COUPONCAST_INVALID_ARGUMENT for an option out of range or a folder that is not empty,
 * ERR_COUPONCAST_CANCELLED when `signal` fires, ERR_COUPONCAST_IO when the disk refuses. Each leaves nothing behind.
 */
export async function synthesize(options: SynthOptions): Promise<SynthResult> {
  const { plan, outDir, threads } = checkOptions(options);
  const { signal, onProgress } = options;
  if (signal?.aborted) throw cancelled();
  const folder = await TargetFolder.create(outDir);
  try {
    const result = await fill(folder.path, plan, threads, signal, onProgress);
    if (signal?.aborted) throw cancelled();
    const dir = await folder.commit();
    return { dir, campaignFile: join(dir, "campaign.yaml"), ...result };
  } catch (thrown) {
    await folder.discard();
    throw thrown instanceof CouponcastError ? thrown : toCouponcastError(thrown);
  }
}

async function fill(
  dir: string,
  plan: SynthPlan,
  threads: number,
  signal: AbortSignal | undefined,
  onProgress: SynthOptions["onProgress"],
): Promise<Omit<SynthResult, "dir" | "campaignFile">> {
  const eventsDir = join(dir, "events");
  await mkdir(eventsDir);
  const activity = planActivity(plan);
  const bias = await writeShop(dir, plan, activity);
  const parts = planParts(activity.counts);
  const totals = { numPurchases: 0, numOffers: 0, numRedeemed: 0, bestCostMinor: 0 };

  const truth = createTruth(join(dir, TRUTH_FILE), plan);
  try {
    const tables = await Tables.open(dir);
    const parquet = plan.format === "parquet" ? await ParquetParts.open(eventsDir) : undefined;
    let done = 0;
    try {
      await runParts({
        setup: { plan, ...activity, bias, truth: truth.layout, eventsDir },
        parts,
        threads,
        signal,
        onEvents: (events) => {
          done += events;
          onProgress?.({ done, total: plan.events });
        },
        consume: async (part) => {
          await tables.append(part);
          await parquet?.convert(join(eventsDir, partFile(part.index)));
          totals.numPurchases += part.numPurchases;
          totals.numOffers += part.numOffers;
          totals.numRedeemed += part.numRedeemed;
          totals.bestCostMinor += part.bestCostMinor;
        },
      });
      await tables.sync();
    } finally {
      await tables.close();
      parquet?.close();
    }
    await truth.writer.commit();
  } catch (thrown) {
    await truth.writer.abort();
    throw thrown;
  }

  const budgetMinor = tidyBudget(totals.bestCostMinor * BUDGET_SHARE);
  await writeText(join(dir, "campaign.yaml"), campaignYaml(plan, budgetMinor));
  await writeText(join(dir, "README.md"), readmeText(plan, TRUTH_FILE));
  let numUsersWithoutEvents = 0;
  for (const count of activity.counts) if (count === 0) numUsersWithoutEvents++;
  const { users, items, events, coupons } = plan;
  const { numPurchases, numOffers, numRedeemed } = totals;
  return {
    users,
    items,
    events,
    coupons,
    numPurchases,
    numUsersWithoutEvents,
    numOffers,
    numRedeemed,
    budgetMinor,
    numParts: parts.length,
    bytes: await sizeOf(dir, eventsDir, parts.length, plan.format),
  };
}

/** Writes the items and the catalogue. Returns the calibrated bias of the response. */
async function writeShop(dir: string, plan: SynthPlan, activity: Activity): Promise<number> {
  const { shop, table, calendar } = buildWorld(plan);
  await writeText(join(dir, "items.csv"), itemsCsv(shop));
  // As people write them: without the defaults.
  const lines = buildCatalogue(plan, shop).map((coupon) => `  ${JSON.stringify(coupon)}`);
  await writeText(join(dir, "coupons.json"), `[\n${lines.join(",\n")}\n]\n`);
  return calibrateBias(plan, new ResponseModel(shop, table, calendar, plan.events / activity.totalWeight), activity);
}

/** users.csv and redemptions.csv, which grow part by part. */
class Tables {
  static async open(dir: string): Promise<Tables> {
    const users = await open(join(dir, "users.csv"), "wx");
    const redemptions = await open(join(dir, "redemptions.csv"), "wx");
    await users.appendFile(USERS_HEADER);
    await redemptions.appendFile(REDEMPTIONS_HEADER);
    return new Tables(users, redemptions);
  }

  private constructor(
    readonly users: FileHandle,
    readonly redemptions: FileHandle,
  ) {}

  async append(part: PartResult): Promise<void> {
    await this.users.appendFile(part.users);
    await this.redemptions.appendFile(part.redemptions);
  }

  async sync(): Promise<void> {
    await this.users.sync();
    await this.redemptions.sync();
  }

  async close(): Promise<void> {
    await this.users.close();
    await this.redemptions.close();
  }
}

async function writeText(path: string, text: string): Promise<void> {
  await writeFile(path, text, { flag: "wx", flush: true });
}

async function sizeOf(dir: string, eventsDir: string, numParts: number, format: SynthFormat): Promise<number> {
  const names = ["users.csv", "redemptions.csv", "items.csv", "coupons.json", "campaign.yaml", "README.md", TRUTH_FILE];
  const paths = names.map((name) => join(dir, name));
  for (let i = 0; i < numParts; i++) paths.push(join(eventsDir, partFile(i).replace(/csv$/, format)));
  let bytes = 0;
  for (const path of paths) bytes += (await stat(path)).size;
  return bytes;
}
