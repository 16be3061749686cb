/** What public functions say of options that they do not know, or that are of a wrong type: never nothing. */
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { closeExecutors } from "../../src/executor/executor.js";
import * as library from "../../src/index.js";
import { libraryCalls } from "../support/library-calls.js";
import { temporaryFolder } from "../support/matrix.js";

/** Names of parameters that hold options; one that is taken apart where it is declared has no name. */
const HOLDS_OPTIONS = /^(?:options|explore|limits|\{)/;

const exported = new Map<string, unknown>(Object.entries(library));

/** Positions of the parameters of options, by the source of the function. */
function optionPlaces(name: string): number[] {
  const [owner, method] = name.split(".") as [string, string | undefined];
  const value = exported.get(owner) as Record<string, unknown>;
  const [, parameters] = /\(([^)]*)\)/.exec(String(method === undefined ? value : value[method]))!;
  return parameters!.split(", ").flatMap((parameter, place) => (HOLDS_OPTIONS.test(parameter) ? [place] : []));
}

/** Options that the valid call does not look at: of other methods of scoring, and what a frontier goes over. */
const OF_OTHER_METHODS = ["lambda", "profiles", "parts"];
const NOT_READ = new Set([
  "allocationFrontier budgetMinor",
  ...["recommend", "couponAffinity"].flatMap((name) => OF_OTHER_METHODS.map((option) => `${name} ${option}`)),
  ...[...OF_OTHER_METHODS, "als", "ease", "rp3beta", "blend"].map((option) => `ItemRecommender.create ${option}`),
]);

const folder = join(temporaryFolder(), "calls");
const calls = (await libraryCalls(folder)).flatMap((call) =>
  optionPlaces(call.name).map((place) => ({ ...call, place })),
);
afterAll(closeExecutors);

it("finds the functions that take options", () => {
  const names = new Set(calls.map(({ name }) => name));
  expect(names.size).toBeGreaterThan(45);
  expect([...names]).toEqual(expect.arrayContaining(["als", "allocate", "rfm", "ItemRecommender.create"]));
});

describe.each(calls)("$name, argument $place", ({ name, call, args, place }) => {
  /** What comes of the valid call with one option set to this. */
  async function outcome(option: string, value: unknown): Promise<{ code?: string; message?: string }> {
    const changed = args();
    changed[place] = { ...(changed[place] as object), [option]: value };
    try {
      await call(...(changed as never[]));
      return {};
    } catch (thrown) {
      return thrown as Error;
    }
  }

  const optionNames = async () => {
    const { message } = await outcome("noSuchOption", 1);
    return /\(allowed: (.*)\)$/.exec(message!)![1]!.split(", ");
  };

  it("refuses an option that it does not know, naming those that it knows", async () => {
    const { code, message } = await outcome("noSuchOption", 1);
    expect(code).toBe("ERR_COUPONCAST_INVALID_ARGUMENT");
    const own = new RegExp(`^unknown option "noSuchOption" of (?:${name}|explore|limits) \\(allowed: `);
    expect(message).toMatch(own);
    expect(await optionNames()).toEqual(expect.arrayContaining(Object.keys(args()[place] as object)));
  });

  it("refuses an option of a wrong type", async () => {
    const valid = args()[place] as Record<string, unknown>;
    const taken: string[] = [];
    for (const option of await optionNames()) {
      if (NOT_READ.has(`${name} ${option}`)) continue;
      const wrong: unknown[] = [new Date(0)];
      if (typeof valid[option] === "number") wrong.push(String(valid[option]), Number.NaN);
      if (typeof valid[option] === "boolean") wrong.push(String(valid[option]), 0);
      for (const value of wrong) {
        const { code } = await outcome(option, value);
        if (code !== "ERR_COUPONCAST_INVALID_ARGUMENT" && code !== "ERR_COUPONCAST_OUT_OF_RANGE")
          taken.push(`${option} = ${value instanceof Date ? "Date" : JSON.stringify(value)}: ${code}`);
      }
    }
    expect(taken).toEqual([]);
  });
});

describe("options inside options", () => {
  type Args = Record<string, unknown>[];
  const [neighbours, popular] = [{ method: "item-knn", neighbours: 3 }, { method: "user-knn" }];
  it.each<[name: string, place: string, change: (args: Args) => void, said: string]>([
    ["similarItems", "similarItems", (a) => Object.assign(a[1]!, { neighbors: 20 }), '"neighbours"'],
    ["recommend", "als", (a) => Object.assign(a[1]!, { als: { factrs: 2 } }), '"factors"'],
    ["recommend", "ease", (a) => Object.assign(a[1]!, { ease: { regularization: 2 } }), '"regularisation"'],
    ["recommend", "rp3beta", (a) => Object.assign(a[1]!, { rp3beta: { alhpa: 2 } }), '"alpha"'],
    ["couponAffinity", "blend", (a) => Object.assign(a[2]!, { blend: { rankOfset: 2 } }), '"rankOffset"'],
    [
      "recommend",
      "parts\\[1\\]",
      (a) => Object.assign(a[1]!, { method: "blend", parts: [neighbours, { ...popular, wieght: 2 }] }),
      '"weight"',
    ],
    ["chooseBlendWeights", "parts\\[0\\]", (a) => Object.assign(a[2]!, [{ metod: "als" }, popular]), '"method"'],
    ["compareMethods", "methods\\[0\\]", (a) => Object.assign(a[2]!, [{ name: "a", opions: {} }]), '"options"'],
    ["allocate", "limits.coupons\\[0\\]", (a) => Object.assign(a[1]!, { coupons: [{ stok: 2 }, {}] }), '"stock"'],
    ["allocate", "limits.caps\\[0\\]", (a) => Object.assign(a[1]!, { caps: [{ coupon: [0] }] }), '"coupons"'],
    ["allocate", "limits.floors\\[0\\]", (a) => Object.assign(a[1]!, { floors: [{ leastPices: 1 }] }), '"leastPieces"'],
    ["allocate", "limits.budgets\\[0\\]", (a) => Object.assign(a[1]!, { budgets: [{ limit: 1 }] }), ""],
    ["rfm", "cuts", (a) => Object.assign(a[1]!, { cuts: { recency: [1, 2, 3, 4] } }), ""],
    ["writeItemProfiles", "weights", (a) => Object.assign(a[2]!, { weights: { categories: 2 } }), '"category"'],
    ["simulateCampaign", "policy", (a) => Object.assign(a[1]!, { policy: { user: [], coupons: [] } }), '"users"'],
  ])("%s refuses what %s do not know", async (name, place, change, said) => {
    const { call, args } = calls.find((found) => found.name === name)!;
    const changed = args() as Args;
    change(changed);
    const nearest = said === "" ? "" : `; did you mean ${said}\\?`;
    await expect((async () => call(...(changed as never[])))()).rejects.toMatchObject({
      code: "ERR_COUPONCAST_INVALID_ARGUMENT",
      message: expect.stringMatching(new RegExp(`^unknown option "\\w+" of ${place}${nearest} \\(allowed: `)),
    });
  });
});
