/** The scoring methods on a campaign's own data: history before a moment, quality by what happened after it. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Campaign } from "../campaign/campaign-schema.js";
import { type LoadedCampaign, loadCampaign } from "../campaign/load-campaign.js";
import { SCORING_METHODS } from "../campaign/method-names.js";
import type { ScoringOptions } from "../campaign/schema/scoring.js";
import { invalidArgument } from "../errors.js";
import { chooseBlendWeights } from "../evaluate/blend-weights.js";
import {
  type CampaignComparison,
  compareMethods,
  type MethodToCompare,
  popularity,
  SPLITS,
  type Split,
  type TimeComparison,
} from "../evaluate/compare.js";
import { type HeldOut, relevantItems } from "../evaluate/relevant-items.js";
import { checkThreads, type Progress, type RunOptions } from "../executor/executor.js";
import { type EventSplit, splitByTime, splitLastOut } from "../ingest/time-split.js";
import type { BlendPart, MethodOptions } from "../score/methods.js";
import { type Matrix, openMatrix } from "../store/matrix.js";
import { oneOf } from "../util/arguments.js";
import { writeCampaignProfiles } from "./content-profiles.js";
import { ingestRequest } from "./profile-stages.js";

/** "popular" is what everybody likes, to be ahead of. */
const COMPARABLE = ["popular", ...SCORING_METHODS] as const;
export type Comparable = (typeof COMPARABLE)[number];

export interface CompareCampaignOptions extends RunOptions {
  /**
   * What is held out. time: the last days; what is bought in them is relevant. last-out: each user's last new item, whatever he did
   * with it; other users' histories go on, and weights of a blend are the campaign's. Default time.
   */
  split?: Split | undefined;
  /** Days at the end that are held out by time; default 28. */
  heldOutDays?: number | undefined;
  /** Default: all that the campaign has the data for. */
  methods?: readonly Comparable[] | undefined;
  /** Places of each list; default 20. */
  n?: number | undefined;
  /** Whether items that the user has dealt with before count as relevant; default false: they are not recommended either. */
  repeats?: boolean | undefined;
  /** Where the temporary folder goes; default: the system's. */
  tempDir?: string | undefined;
}

interface Side {
  split: EventSplit & { cut?: string };
  history: Matrix;
  held: HeldOut;
  profiles: string | undefined;
}

/**
 * Splits the campaign's events, fits each method to the earlier part and holds its lists against the items of the later one. The weights of the blend are chosen on a split of the history alone, so that what they are reported on has no part
 * in them. Errors: as ingest and recommend; ERR_COUPONCAST_INVALID_ARGUMENT when nothing was held out.
 */
export async function compareCampaign(path: string, options: CompareCampaignOptions = {}): Promise<CampaignComparison> {
  return compareLoaded(await loadCampaign(path), options);
}

/** `given`: the blend's weights as the campaign has them, instead of chosen ones. Otherwise as compareCampaign. */
export async function compareLoaded(
  loaded: Pick<LoadedCampaign, "campaign" | "baseDir">,
  options: Omit<CompareCampaignOptions, "split"> & { given?: boolean },
): Promise<TimeComparison>;
export async function compareLoaded(
  loaded: Pick<LoadedCampaign, "campaign" | "baseDir">,
  options: CompareCampaignOptions,
): Promise<CampaignComparison>;
export async function compareLoaded(
  { campaign, baseDir }: Pick<LoadedCampaign, "campaign" | "baseDir">,
  options: CompareCampaignOptions & { given?: boolean },
): Promise<CampaignComparison> {
  const { heldOutDays = 28, n = 20, repeats = false, signal, onProgress } = options;
  const by = oneOf("split", options.split ?? "time", SPLITS);
  const given = options.given === true || by === "last-out";
  const threads = checkThreads(options.threads);
  const run = { threads, signal, onProgress };
  const names = options.methods ?? usable(campaign, by);
  const root = await mkdtemp(join(options.tempDir ?? tmpdir(), "couponcast-compare-"));
  try {
    const side = (folder: string, asOf: string | undefined) =>
      openSide(campaign, baseDir, join(root, folder), { ...run, by, heldOutDays, repeats, asOf }, names);
    const outer = await side("outer", campaign.asOf);
    try {
      let blended: Blended | undefined;
      if (names.includes("blend"))
        blended = given ? partsOf(campaign) : await chooseParts(campaign, side, outer, names, { ...run, n });
      const methods = names.map((name) => methodOf(name, campaign.scoring, outer, blended));
      const compared = await compareMethods(outer.history, outer.held, methods, { ...run, n });
      compared.sort((a, b) => b.quality.ndcg - a.quality.ndcg);
      const { numUsers, numUnknown, numSeen, items } = outer.held;
      return {
        split: by,
        cut: outer.split.cut,
        heldOutDays: by === "time" ? heldOutDays : undefined,
        n,
        numUsers,
        numRelevant: items.length,
        numUnknown,
        numSeen,
        methods: compared,
        blend: blended?.map(({ method, weight, curve }) => ({
          method,
          weight,
          ...(campaign.scoring.by === "score" && { curve }),
        })),
      };
    } finally {
      outer.history.close();
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const hasContent = (campaign: Campaign) => campaign.inputs.items !== undefined;

function usable(campaign: Campaign, by: Split): Comparable[] {
  const without = [
    ...(hasContent(campaign) ? [] : ["content"]),
    ...(by === "time" || campaign.scoring.parts.length > 0 ? [] : ["blend"]),
  ];
  return COMPARABLE.filter((name) => !without.includes(name));
}

function partsOf(campaign: Campaign): Blended {
  const { parts } = campaign.scoring;
  if (parts.length === 0)
    throw invalidArgument("the weights of the blend are not given, and are chosen on a split by time only", {
      hint: "Give them under scoring.parts of the campaign, split by time, or compare the methods without blend.",
    });
  return parts;
}

async function openSide(
  campaign: Campaign,
  baseDir: string,
  outDir: string,
  options: RunOptions & { threads: number; by: Split; heldOutDays: number; repeats: boolean; asOf: string | undefined },
  names: readonly Comparable[],
): Promise<Side> {
  const { threads, signal, onProgress, by, heldOutDays, repeats, asOf } = options;
  await mkdir(outDir, { recursive: true });
  const request = {
    ...ingestRequest(campaign),
    asOf,
    baseDir,
    outDir,
    threads,
    signal,
    onProgress:
      onProgress && (({ stage, done, total }: Progress) => onProgress({ stage: `split: ${stage}`, done, total })),
  };
  const split = by === "time" ? await splitByTime({ ...request, heldOutDays }) : await splitLastOut(request);
  const history = await openMatrix(split.historyMatrix);
  try {
    const later = await openMatrix(split.laterMatrix);
    const held = await relevantItems(history, later, repeats).finally(() => later.close());
    const wantsContent = names.includes("content") || (names.includes("blend") && hasContent(campaign));
    const profiles = wantsContent
      ? await writeCampaignProfiles(campaign, baseDir, history, outDir, { threads, signal })
      : undefined;
    return { split, history, held, profiles };
  } catch (thrown) {
    history.close();
    throw thrown;
  }
}

/** Methods of a blend, with settings where they have their own. */
type Blended = (Partial<ScoringOptions["parts"][number]> & { method: string; weight: number })[];

/** What is blended, of what is compared: each knows something that the others do not. */
const BLENDED: readonly string[] = ["item-knn", "als", "content"];

function partNames(names: readonly Comparable[], withContent: boolean): Comparable[] {
  const given = names.filter((name) => BLENDED.includes(name));
  if (given.length > 1) return given;
  return withContent ? ["item-knn", "content"] : ["item-knn", "user-knn"];
}

/** The parts of the blend with the weights, and by score the curves, that are best for the last days of the history. */
async function chooseParts(
  campaign: Campaign,
  openInner: (folder: string, asOf: string) => Promise<Side>,
  outer: Side,
  names: readonly Comparable[],
  options: RunOptions & { n: number },
): Promise<Blended> {
  const inner = await openInner("inner", outer.split.history.asOf);
  try {
    if (inner.held.items.length === 0) {
      throw invalidArgument("the weights of the blend cannot be chosen: the history's own last days hold nothing new", {
        hint: "Hold out fewer days, or compare the methods without blend.",
      });
    }
    const given: Omit<Blended[number], "weight">[] = campaign.scoring.parts;
    const parts =
      given.length > 0 ? given : partNames(names, inner.profiles !== undefined).map((method) => ({ method }));
    const methods = parts.map((part) => {
      const { options: settings } = methodOf(part.method as Comparable, campaign.scoring, inner, undefined);
      return { ...settings, ...part } as BlendPart;
    });
    const { by, rankOffset } = campaign.scoring;
    const search = { ...options, by, rankOffset };
    const { weights, curves } = await chooseBlendWeights(inner.history, inner.held, methods, search);
    return parts.map((part, p) => ({ ...part, weight: weights[p]!, curve: curves?.[p] }) as Blended[number]);
  } finally {
    inner.history.close();
  }
}

function methodOf(
  name: Comparable,
  scoring: ScoringOptions,
  { history, profiles }: Side,
  blended: Blended | undefined,
): MethodToCompare {
  if (name === "popular") return popularity(history);
  const { content: _, parts: __, evaluate: ___, by, rankOffset, ...settings } = scoring;
  const options = { ...settings, profiles };
  if (name !== "blend") return { name, options: { ...options, method: name } };
  const parts = blended!.map((part) => ({ ...options, ...part }) as NonNullable<MethodOptions["parts"]>[0]);
  return { name, options: { ...options, method: "blend", parts, blend: { by, rankOffset } } };
}
