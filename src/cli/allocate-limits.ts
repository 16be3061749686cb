/** The limits of `allocate` from its options and tables: names become indices. */
import type { Cap, Limits } from "../allocate/limits.js";
import { invalidArgument } from "../errors.js";
import { didYouMean } from "../util/nearest-name.js";
import type { Catalogue } from "./allocate-catalogue.js";

export interface LimitOptions {
  /** Infinity: no limit. */
  budget: number;
  perUser: number;
  stock?: ReadonlyMap<string, number>;
  couponBudget?: ReadonlyMap<string, number>;
  campaignBudget?: ReadonlyMap<string, number>;
  channelBudget?: ReadonlyMap<string, number>;
  segmentBudget?: ReadonlyMap<string, number>;
  faceBudget?: number;
  floorPieces?: ReadonlyMap<string, number>;
  floorShare?: ReadonlyMap<string, number>;
  exclusive?: string[][];
  cap?: ReadonlyMap<string, number>;
  riskAversion?: number;
}

/** What the tables name, in the order of their indices. */
export interface Names {
  coupons: readonly string[];
  segments: readonly string[];
}

/** The number of a name; one that misses by a letter would be a limit on nothing. */
function indexOf(option: string, what: string, names: readonly string[], name: string): number {
  const index = names.indexOf(name);
  if (index < 0)
    throw invalidArgument(
      `${option} names the ${what} ${JSON.stringify(name)}, which no candidate has${didYouMean(name, names)}`,
    );
  return index;
}

/** Limits by coupon: from the catalogue and the options; of two the smaller counts. */
function couponLimits(ids: readonly string[], catalogue: Catalogue | undefined, options: LimitOptions) {
  const groups = options.exclusive ?? [];
  const known = new Set(ids);
  for (const [option, names] of [
    ["--stock", options.stock?.keys() ?? []],
    ["--coupon-budget", options.couponBudget?.keys() ?? []],
    ["--exclusive", groups.flat()],
  ] as const) {
    for (const name of names) if (!known.has(name) && !catalogue?.has(name)) indexOf(option, "coupon", ids, name);
  }
  return ids.map((id) => {
    const own = catalogue?.get(id);
    if (catalogue !== undefined && own === undefined) {
      throw invalidArgument(
        `the coupon ${JSON.stringify(id)} of the candidates is not in the table of coupons${didYouMean(id, catalogue.keys())}`,
        { field: "--coupons", hint: "Give it a row; empty cells mean no limit." },
      );
    }
    const mine = groups.flatMap((names, g) =>
      names.includes(id) ? [`--exclusive ${names.join(",")} (${g + 1})`] : [],
    );
    if (own?.exclusiveGroup !== undefined) mine.push(own.exclusiveGroup);
    if (mine.length > 1) {
      throw invalidArgument(
        `the coupon ${JSON.stringify(id)} is in ${mine.length} exclusive groups: a coupon can be in one`,
        { field: "--exclusive" },
      );
    }
    return {
      stock: smaller(own?.stock, options.stock?.get(id)),
      budgetMinor: smaller(own?.budgetMinor, options.couponBudget?.get(id)),
      exclusiveGroup: mine[0],
    };
  });
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** Budgets of the coupons that share a campaign or a channel. */
function sharedBudgets(
  by: "campaign" | "channel",
  budgets: ReadonlyMap<string, number> | undefined,
  ids: readonly string[],
  catalogue: Catalogue | undefined,
): NonNullable<Limits["budgets"]> {
  const option = `--${by}-budget`;
  if (budgets === undefined) return [];
  const ofCoupon = ids.map((id) => catalogue?.get(id)?.[by]);
  if (ofCoupon.every((name) => name === undefined))
    throw invalidArgument(`${option} needs a column ${by} in the table of coupons`, { field: "--coupons" });
  const names = [...new Set(ofCoupon.filter((name) => name !== undefined))];
  return [...budgets].map(([name, limitMinor]) => {
    indexOf(option, by, names, name);
    const coupons = ids.flatMap((_, j) => (ofCoupon[j] === name ? [j] : []));
    return { name: `${by} ${name}`, limitMinor, coupons };
  });
}

function capsOf(caps: ReadonlyMap<string, number> | undefined, ids: readonly string[]): Cap[] {
  return [...(caps ?? [])].map(([text, perUser]) => ({
    name: `--cap ${text}=${perUser}`,
    coupons: text.split(",").map((name) => indexOf("--cap", "coupon", ids, name.trim())),
    perUser,
  }));
}

export function limitsOf({ coupons: ids, segments }: Names, catalogue: Catalogue | undefined, options: LimitOptions) {
  const segment = (option: string, name: string) => {
    if (segments.length === 0) throw invalidArgument(`${option} needs --segment, the column of the users' segment`);
    return [indexOf(option, "segment", segments, name)];
  };
  return {
    budgetMinor: Number.isFinite(options.budget) ? options.budget : undefined,
    perUser: options.perUser,
    riskAversion: options.riskAversion,
    coupons: couponLimits(ids, catalogue, options),
    budgets: [
      ...sharedBudgets("campaign", options.campaignBudget, ids, catalogue),
      ...sharedBudgets("channel", options.channelBudget, ids, catalogue),
      ...[...(options.segmentBudget ?? [])].map(([name, limitMinor]) => ({
        name: `segment ${name}`,
        limitMinor,
        segments: segment("--segment-budget", name),
      })),
      ...(options.faceBudget === undefined
        ? []
        : [{ name: "face value", limitMinor: options.faceBudget, cost: "face" as const }]),
    ],
    floors: [
      ...[...(options.floorPieces ?? [])].map(([name, leastPieces]) => ({
        name: `floor of segment ${name}`,
        leastPieces,
        segments: segment("--floor-pieces", name),
      })),
      ...[...(options.floorShare ?? [])].map(([name, leastShare]) => ({
        name: `floor of segment ${name}`,
        leastShare,
        segments: segment("--floor-share", name),
      })),
    ],
    caps: capsOf(options.cap, ids),
  } satisfies Limits;
}
