/** Wrong arguments of the public functions, from callers without types: an error with a code that says what is wrong. */
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { CouponcastError } from "../../src/errors.js";
import { closeExecutors } from "../../src/executor/executor.js";
import * as library from "../../src/index.js";
import { libraryCalls } from "../support/library-calls.js";
import { temporaryFolder } from "../support/matrix.js";

const WRONG: unknown[] = [
  undefined,
  null,
  Number.NaN,
  -1,
  1.5,
  1e18,
  "text",
  [],
  [null],
  {},
  new Float32Array(0),
  Int32Array.of(-1),
  BigInt64Array.of(5n, 2n ** 62n),
  new Date(0),
];

interface Place {
  path: (string | number)[];
  where: string;
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" &&
  value !== null &&
  [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value));

/** Every argument, and every field in it. */
function places(value: unknown, path: (string | number)[] = []): Place[] {
  const own = path.length === 0 ? [] : [{ path, where: path.join(".") }];
  if (!isPlain(value) || path.length > 3) return own;
  return [
    ...own,
    ...Object.keys(value)
      .slice(0, 12)
      .flatMap((key) => places(value[key], [...path, key])),
  ];
}

function replaced(args: unknown[], { path }: Place, wrong: unknown): unknown[] {
  let at = args as unknown as Record<string, unknown>;
  for (const key of path.slice(0, -1)) {
    const copy = Array.isArray(at[key]) ? [...(at[key] as unknown[])] : { ...(at[key] as object) };
    at[key] = copy;
    at = copy as Record<string, unknown>;
  }
  at[path.at(-1)!] = wrong;
  return args;
}

const show = (value: unknown) =>
  typeof value === "object" && value !== null
    ? `${value.constructor?.name}(${String(Object.values(value))})`
    : String(value);

async function settle(value: unknown): Promise<void> {
  await value;
}

/** Other tests call them with the files that they read; here it is enough that they miss them. */
const NEED_FILES = new Set([
  "loadCampaign",
  "openBaskets",
  "openSequences",
  "readResponseModel",
  "runCampaign",
  "simulateCampaign",
]);

/** What is iterated over as it comes. */
const ITERABLES = new Set(["segmentProfiles 0", "writeItemProfiles 1"]);

const folder = join(temporaryFolder(), "calls");
const calls = await libraryCalls(folder);
// A wrong path may be one that can be written to.
process.chdir(folder);
afterAll(closeExecutors);

it("is about every function that takes arguments", () => {
  const functions = Object.entries(library).flatMap(([name, value]) =>
    typeof value === "function" && /^[a-z]/.test(name) && value.length > 0 ? [name] : [],
  );
  expect(calls.map(({ name }) => name)).toEqual(expect.arrayContaining(functions));
});

describe.each(calls)("$name", ({ name, call, args }) => {
  it.skipIf(NEED_FILES.has(name))("takes a valid call", async () => {
    await settle(call(...(args() as never[])));
    expect(true).toBe(true);
  });

  const last = args().at(-1);
  if (isPlain(last) && "threads" in last && !NEED_FILES.has(name)) {
    it("does not start for a signal that has fired", async () => {
      const stopped = [...args().slice(0, -1), { ...last, signal: AbortSignal.abort() }];
      await expect(settle(call(...(stopped as never[])))).rejects.toMatchObject({ code: "ERR_COUPONCAST_CANCELLED" });
    });
  }

  it("refuses a wrong one", async () => {
    const problems: string[] = [];
    for (const place of places(args()).filter(({ where }) => !ITERABLES.has(`${name} ${where.split(".")[0]}`))) {
      // Options may be left out.
      const isLast = place.path.length === 1 && Number(place.path[0]) === args().length - 1;
      for (const wrong of isLast ? WRONG.slice(2) : WRONG) {
        const started = process.cpuUsage();
        try {
          await settle(call(...(replaced(args(), place, wrong) as never[])));
        } catch (error) {
          if (!(error instanceof CouponcastError) || error.code === "ERR_COUPONCAST_INTERNAL")
            problems.push(`${place.where} = ${show(wrong)}: ${(error as Error).name}: ${(error as Error).message}`);
        }
        if (process.cpuUsage(started).user > 5e6) problems.push(`${place.where} = ${show(wrong)}: slow`);
      }
    }
    expect(problems).toEqual([]);
  }, 300_000);
});
